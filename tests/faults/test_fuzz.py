"""Damaged pictures and requests: every answer is one that the contract has, and no worker dies of one.

The seed is printed and can be given as TFSTYLE_FAULT_SEED.
"""

from __future__ import annotations

import io
import os
import random
import secrets
from collections import Counter
from collections.abc import Callable, Iterator

import grpc
import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image

from conftest import Server
from tfstyle.images import Picture, encode_png
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc

ANSWERS = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,  # ours: some of these requests are good ones, for long jobs
}


def pictures() -> list[bytes]:
    """One of each kind that a decoder has code for, of 48 x 32 pixels."""
    noise = np.random.default_rng(0).integers(0, 256, (32, 48, 4), np.uint8)
    made = []

    def add(image: Image.Image, kind: str, **options: object) -> None:
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        made.append(buffer.getvalue())

    colour = Image.fromarray(noise[..., :3])
    exif = Image.Exif()
    exif[0x0112] = 6
    for image in (colour, Image.fromarray(noise), colour.convert("L"), colour.convert("P"), colour.convert("1")):
        add(image, "PNG")
    add(Image.fromarray(noise[..., 0].astype(np.uint16) * 200), "PNG")
    for options in ({}, {"progressive": True}, {"exif": exif.tobytes(), "quality": 30}):
        add(colour, "JPEG", **options)
    add(colour.convert("CMYK"), "JPEG")
    for image in (colour, Image.fromarray(noise)):
        add(image, "WEBP", lossless=True)
        add(image, "WEBP", quality=40)
    add(colour, "WEBP", save_all=True, append_images=[colour.convert("L").convert("RGB")])
    made.append(encode_png(Picture(noise[..., :3], noise[..., 3]).in_depth(16)))
    for options in ({}, {"compression": "lzw", "predictor": True}, {"compression": "deflate", "bigtiff": True}):
        buffer = io.BytesIO()
        wide = noise.astype(np.uint16) * 257
        tifffile.imwrite(buffer, wide, photometric="rgb", extrasamples=["unassalpha"], **options)
        made.append(buffer.getvalue())
    buffer = io.BytesIO()
    pillow_heif.from_pillow(colour).save(buffer)
    made.append(buffer.getvalue())
    return made


def mutate(chance: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """`data` after one to four of the things that happen to files."""
    for _ in range(chance.randint(1, 4)):
        position = chance.randrange(len(data) + 1)
        length = chance.randrange(1, 40)
        match chance.randrange(7):
            case 0:
                changed = bytearray(data)
                for _ in range(chance.randint(1, 12)):
                    if changed:
                        changed[chance.randrange(len(changed))] = chance.randrange(256)
                data = bytes(changed)
            case 1:
                data = data[:position]
            case 2:
                data = data[:position] + data[position + length :]
            case 3:
                data = data[:position] + chance.randbytes(length) + data[position:]
            case 4:
                data = data[:position] + bytes([chance.choice((0, 255))]) * length + data[position + length :]
            case 5:
                other = chance.choice(others)
                data = data[:position] + other[chance.randrange(len(other)) :]
            case 6:
                # Lengths and sizes lie in the first bytes.
                head = chance.randrange(min(64, len(data)) + 1)
                data = data[:head] + chance.randbytes(1) + data[head + 1 :]
    return data


@pytest.fixture
def chance() -> random.Random:
    seed = int(os.environ.get("TFSTYLE_FAULT_SEED") or secrets.randbits(32))
    print(f"TFSTYLE_FAULT_SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def fuzzed(own_server: Callable[..., Server]) -> Iterator[Server]:
    """A server that has survived the test with the worker that it began with."""
    server = own_server("--recycle-after", "100000", "--memory", "700", "--caller-jobs", "10000")
    worker = server.worker_pid()
    yield server
    assert server.process.poll() is None
    log = "\n".join(server.log)
    assert f"worker {worker} ended" not in log
    assert "failed" not in log
    assert "Traceback" not in log


def answer(call: Callable[[], object]) -> grpc.StatusCode:
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def fuzz_pictures(server: Server, chance: random.Random, count: int) -> None:
    stub = style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(server.address))
    originals = pictures()
    answers: Counter[grpc.StatusCode] = Counter()
    for number in range(count):
        fine, damaged = chance.choice(originals[:5]), mutate(chance, chance.choice(originals), originals)
        content, style = (damaged, fine) if number % 2 else (fine, damaged)
        options = pb.TransferOptions(size=48, max_evaluations=1, network="vgg19-lite", style_fit="stretch")
        asked = pb.StylizeRequest(content=content, style=style, options=options)
        code = answer(lambda a=asked: list(stub.Stylize(a, timeout=120)))
        assert code in (grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT), damaged.hex()
        answers[code] += 1
    print(dict(answers))
    assert answers[grpc.StatusCode.INVALID_ARGUMENT] > count / 4


def requests() -> dict[str, tuple[str, bytes]]:
    """{method: (kind of call, a good request)}."""
    picture = pictures()[0]
    options = pb.TransferOptions(
        size=48, max_evaluations=2, style_weight=1e5, style_layers=pb.Layers(names=["block1_conv1"])
    )
    transfer = pb.StylizeRequest(
        content=picture, style=picture, preset="fast", options=options, progress=pb.ProgressOptions(preview_every=1)
    )
    data = pb.Picture(data=picture)
    styles = [pb.Style(picture=data, weight=2, mask=data), pb.Style(picture=data)]
    inputs = pb.Inputs(content=data, styles=styles)
    with_inputs = pb.StylizeRequest(inputs=inputs, preset="fast", options=options)
    name = "jobs/0123456789abcdef"
    made = {
        "Stylize": ("unary_stream", transfer),
        "CreateJob": ("unary_unary", pb.CreateJobRequest(transfer=with_inputs, request_id="id")),
        "GetJob": ("unary_unary", pb.GetJobRequest(name=name)),
        "ListJobs": ("unary_unary", pb.ListJobsRequest(page_size=3, page_token="MTI=")),
        "CancelJob": ("unary_unary", pb.CancelJobRequest(name=name)),
        "DeleteJob": ("unary_unary", pb.DeleteJobRequest(name=name)),
        "WatchJob": ("unary_stream", pb.WatchJobRequest(name=name, after_sequence=3)),
        "ReadResult": ("unary_stream", pb.ReadResultRequest(name=name, offset=9)),
        "UploadImage": ("stream_unary", pb.UploadImageRequest(data=picture)),
    }
    return {method: (kind, request.SerializeToString()) for method, (kind, request) in made.items()}


def fuzz_requests(server: Server, chance: random.Random, count: int) -> None:
    channel = grpc.insecure_channel(server.address)
    stub = style_transfer_pb2_grpc.StyleTransferStub(channel)
    good = requests()
    everything = [data for _, data in good.values()]
    answers: Counter[grpc.StatusCode] = Counter()
    for number in range(count):
        method, (kind, data) = chance.choice(list(good.items()))
        call = getattr(channel, kind)(f"/tfstyle.v1.StyleTransfer/{method}")
        damaged = mutate(chance, data, everything)
        sent = iter([damaged]) if kind == "stream_unary" else damaged
        taking = (
            (lambda c=call, s=sent: list(c(s, timeout=3)))
            if kind == "unary_stream"
            else (lambda c=call, s=sent: c(s, timeout=30))
        )
        code = answer(taking)
        assert code in ANSWERS, f"{method}: {code} for {damaged.hex()}"
        answers[code] += 1
        if number % 50 == 0:
            for job in stub.ListJobs(pb.ListJobsRequest(page_size=1000)).jobs:
                cancelled = answer(lambda j=job: stub.CancelJob(pb.CancelJobRequest(name=j.name)))
                # A call that has just run out of time takes its job along.
                assert cancelled in (grpc.StatusCode.OK, grpc.StatusCode.NOT_FOUND)
    print(dict(answers))
    assert answers[grpc.StatusCode.INVALID_ARGUMENT] > count / 4


def test_damaged_pictures(fuzzed: Server, chance: random.Random) -> None:
    fuzz_pictures(fuzzed, chance, 60)


def test_damaged_requests(fuzzed: Server, chance: random.Random) -> None:
    fuzz_requests(fuzzed, chance, 100)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_thousand_damaged_pictures(fuzzed: Server, chance: random.Random) -> None:
    fuzz_pictures(fuzzed, chance, int(os.environ.get("TFSTYLE_FAULT_PICTURES", "10000")))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_thousand_damaged_requests(fuzzed: Server, chance: random.Random) -> None:
    fuzz_requests(fuzzed, chance, int(os.environ.get("TFSTYLE_FAULT_REQUESTS", "2000")))
