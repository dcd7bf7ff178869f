"""What a message has besides its pictures, counted before it is parsed."""

from __future__ import annotations

import random
import time

import pytest
from google.protobuf.message import DecodeError

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server.wire_size import TooMuchError, check_rest

PICTURE = bytes(10**6)


def least(data: bytes, kind: type = pb.StylizeRequest) -> int:
    """The least limit that `data` passes."""
    low, high = 0, len(data)
    while low < high:
        middle = (low + high) // 2
        try:
            check_rest(data, kind.DESCRIPTOR, middle)
            high = middle
        except TooMuchError:
            low = middle + 1
    return low


def test_everything_but_the_pictures_counts() -> None:
    request = pb.StylizeRequest(content=PICTURE, style=PICTURE, preset="fast", strength=0.5)
    request.options.style_layers.names.extend(["block1_conv1"] * 3)
    request.inputs.content.data = PICTURE
    request.inputs.styles.add(weight=2.0).mask.data = PICTURE
    data = request.SerializeToString()
    assert least(data) == len(data) - 4 * len(PICTURE)
    creation = pb.CreateJobRequest(transfer=request, request_id="r" * 10).SerializeToString()
    assert least(creation, pb.CreateJobRequest) == len(creation) - 4 * len(PICTURE)
    assert least(pb.UploadImageRequest(data=PICTURE).SerializeToString(), pb.UploadImageRequest) == 4


@pytest.mark.parametrize(
    "piece",
    [
        pb.StylizeRequest(inputs=pb.Inputs(styles=[pb.Style()])).SerializeToString(),
        pb.StylizeRequest(options=pb.TransferOptions(style_layers=pb.Layers(names=[""]))).SerializeToString(),
        b"\xf8\x07\x01",  # an unknown number
        b"\xfa\x07\x03abc",  # unknown bytes
        b"\xf9\x07" + bytes(8),
        b"\xfd\x07" + bytes(4),
        b"\xfb\x07\xfc\x07",  # a group
    ],
)
def test_floods_of_small_fields_are_refused_at_once(piece: bytes) -> None:
    data = piece * (60 * 10**6 // len(piece))
    began = time.process_time()
    with pytest.raises(TooMuchError):
        check_rest(data, pb.StylizeRequest.DESCRIPTOR, 65536)
    assert time.process_time() - began < 2
    assert least(piece * 10) == 10 * len(piece)


def test_whole_messages_of_every_shape_count_exactly() -> None:
    chance = random.Random(1)
    for _ in range(300):
        request = pb.StylizeRequest(preset="x" * chance.randrange(300), content=bytes(chance.randrange(300)))
        for _ in range(chance.randrange(4)):
            style = request.inputs.styles.add(weight=chance.random())
            style.picture.data, style.mask.image = bytes(chance.randrange(300)), "i" * chance.randrange(300)
        data = request.SerializeToString()
        pictures = len(request.content) + sum(len(style.picture.data) for style in request.inputs.styles)
        assert least(data) == len(data) - pictures


def test_damaged_messages_are_left_to_the_parser() -> None:
    chance = random.Random(0)
    request = pb.StylizeRequest(content=PICTURE[:500], preset="fast", options=pb.TransferOptions(size=64))
    request.inputs.styles.add().picture.data = PICTURE[:500]
    whole = request.SerializeToString()
    for _ in range(5000):
        data = bytearray(whole[: chance.randrange(len(whole))])
        for _ in range(chance.randrange(4)):
            if data:
                data[chance.randrange(len(data))] = chance.randrange(256)
        check_rest(bytes(data), pb.StylizeRequest.DESCRIPTOR, 10**9)
        try:
            parsed = pb.StylizeRequest.FromString(bytes(data))
        except DecodeError:
            continue
        pictures = len(parsed.content) + len(parsed.style) + len(parsed.inputs.content.data)
        pictures += sum(len(each.picture.data) + len(each.mask.data) for each in parsed.inputs.styles)
        # A field that comes twice counts as pictures both times.
        assert least(bytes(data)) <= len(data) - pictures
