"""`Stylize` against a real server process over a real socket."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable

import grpc
import numpy as np
import pytest
from stylize_calls import refusal, request, stub_of

from conftest import Server, png
from tfstyle.images import decode
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc


@pytest.fixture
def stub(server: Server) -> style_transfer_pb2_grpc.StyleTransferStub:
    return style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(server.address))


def test_events_come_in_order_and_the_png_is_whole(
    stub: style_transfer_pb2_grpc.StyleTransferStub, landscape: bytes, painting: bytes
) -> None:
    events = list(stub.Stylize(request(landscape, painting, steps=6, preview_every=3, preview_size=24)))
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    kinds = [kind for kind, _ in itertools.groupby(event.WhichOneof("event") for event in events)]
    assert kinds == ["accepted", "started", "progress", "result", "chunk"]

    started = next(event.started for event in events if event.HasField("started"))
    assert (started.network.name, started.width, started.height, started.max_evaluations) == ("vgg19-lite", 48, 32, 6)
    assert len(started.network.digest) == 64
    assert len(started.options.ListFields()) == len(pb.TransferOptions.DESCRIPTOR.fields)

    progress = [event.progress for event in events if event.HasField("progress")]
    assert [p.evaluation for p in progress] == [1, 2, 3, 4, 5, 6]
    assert [bool(p.preview) for p in progress] == [False, False, True, False, False, True]
    assert decode(progress[2].preview, "preview").size == (24, 16)
    assert not progress[0].HasField("remaining")
    assert progress[-1].remaining.ToTimedelta().total_seconds() == 0
    parts = {part.name: part for part in progress[-1].losses.parts}
    assert set(parts) == {"content", "neighbours", "style", "tv", "gamut"}
    assert parts["style"].value == pytest.approx(sum(parts["style"].by_layer.values()))
    assert len(parts["style"].by_layer) == 5

    result = next(event.result for event in events if event.HasField("result"))
    data = b"".join(event.chunk.data for event in events if event.HasField("chunk"))
    assert len(data) == result.size
    assert hashlib.sha256(data).hexdigest() == result.digest
    assert decode(data, "result").size == (result.width, result.height) == (48, 32)


def test_progress_each_so_many(
    stub: style_transfer_pb2_grpc.StyleTransferStub, landscape: bytes, painting: bytes
) -> None:
    events = stub.Stylize(request(landscape, painting, preset="reference", steps=25, every=10))
    assert [e.progress.evaluation for e in events if e.HasField("progress")] == [1, 10, 20, 25]


@pytest.mark.slow
def test_neighbours_report_both_their_terms(
    stub: style_transfer_pb2_grpc.StyleTransferStub, landscape: bytes, painting: bytes
) -> None:
    wanted = request(landscape, painting, preset="detail", steps=8)
    wanted.options.split_evaluations = 4
    wanted.options.network = "vgg19-lite"
    events = list(stub.Stylize(wanted))
    losses = [event.progress.losses.parts for event in events if event.HasField("progress")]
    assert len(losses) == 8
    assert all({"neighbours", "style"} < {part.name for part in each} for each in losses)
    data = b"".join(event.chunk.data for event in events if event.HasField("chunk"))
    assert decode(data, "result").size == (48, 32)


@pytest.mark.slow
def test_large_result_comes_in_chunks(stub: style_transfer_pb2_grpc.StyleTransferStub, painting: bytes) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (400, 600, 3), np.uint8)
    events = list(stub.Stylize(request(png(noise), painting, size=600, steps=1)))
    chunks = [event.chunk for event in events if event.HasField("chunk")]
    assert len(chunks) > 1
    assert [chunk.offset for chunk in chunks] == list(
        itertools.accumulate((len(c.data) for c in chunks[:-1]), initial=0)
    )
    assert max(len(chunk.data) for chunk in chunks) <= 2**20


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"content": b""}, ["content"]),
        ({"content": b"no picture"}, ["content"]),
        ({"style": b"\x89PNG\r\n\x1a\n"}, ["style"]),
        ({"preset": "turbo"}, ["preset"]),
        ({"options": pb.TransferOptions(max_evaluations=0)}, ["options.max_evaluations"]),
        ({"options": pb.TransferOptions(style_weight=-1)}, ["options.style_weight"]),
        ({"options": pb.TransferOptions(content_weight=float("nan"))}, ["options.content_weight"]),
        ({"options": pb.TransferOptions(style_layers=pb.Layers(names=["conv7"]))}, ["options.style_layers"]),
        ({"options": pb.TransferOptions(content_layers=pb.Layers())}, ["options.content_layers"]),
        ({"progress": pb.ProgressOptions(every=-1)}, ["progress.every"]),
        (
            {
                "content": b"",
                "options": pb.TransferOptions(size=9, optimizer="sgd"),
                "progress": pb.ProgressOptions(preview_size=1),
            },
            ["content", "options.size", "options.optimizer", "progress.preview_size"],
        ),
    ],
)
def test_bad_input_names_its_fields(
    stub: style_transfer_pb2_grpc.StyleTransferStub,
    landscape: bytes,
    painting: bytes,
    change: dict[str, object],
    fields: list[str],
) -> None:
    values = {"content": landscape, "style": painting, **change}
    error, details = refusal(stub.Stylize(pb.StylizeRequest(**values)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [violation.field for violation in details[0].field_violations] == fields
    assert all(violation.description for violation in details[0].field_violations)
    assert "\n" not in error.details()


def test_inputs_give_the_same_picture_as_the_shorthand(
    stub: style_transfer_pb2_grpc.StyleTransferStub, landscape: bytes, painting: bytes
) -> None:
    shorthand = request(landscape, painting)
    image = stub.UploadImage(iter([pb.UploadImageRequest(data=painting)]))
    inputs = pb.Inputs(content=pb.Picture(data=landscape), styles=[pb.Style(picture=pb.Picture(image=image.name))])
    asked = pb.StylizeRequest(inputs=inputs, options=shorthand.options)
    digests = [
        next(event.result.digest for event in stub.Stylize(each) if event.HasField("result"))
        for each in (shorthand, asked)
    ]
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("content", "style", "fields"),
    [
        (b"", b"x", ["inputs.content"]),
        (b"no picture", None, ["inputs.content"]),
        (None, b"no picture", ["inputs.styles[0].picture"]),
    ],
)
def test_bad_inputs_name_their_fields(
    stub: style_transfer_pb2_grpc.StyleTransferStub,
    landscape: bytes,
    content: bytes | None,
    style: bytes | None,
    fields: list[str],
) -> None:
    content, style = (landscape if data is None else data for data in (content, style))
    inputs = pb.Inputs(content=pb.Picture(data=content), styles=[pb.Style(picture=pb.Picture(data=style))])
    error, details = refusal(stub.Stylize(pb.StylizeRequest(inputs=inputs)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [violation.field for violation in details[0].field_violations] == fields


@pytest.mark.parametrize("data", [b"\xff\xff\xff", b"\x1a\x02\xff\xfe"])
def test_bytes_that_are_no_request(server: Server, data: bytes) -> None:
    call = grpc.insecure_channel(server.address).unary_stream("/tfstyle.v1.StyleTransfer/Stylize")
    error, details = refusal(call(data))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert details[0].field_violations[0].field == "request"


@pytest.mark.parametrize(
    "options",
    [
        pb.TransferOptions(network="x" * 200_000),
        pb.TransferOptions(style_layers=pb.Layers(names=["y" * 200_000])),
        pb.TransferOptions(style_layers=pb.Layers(names=["block1_conv1"] * 50_000)),
    ],
)
def test_long_values_are_not_sent_back(
    stub: style_transfer_pb2_grpc.StyleTransferStub, landscape: bytes, painting: bytes, options: pb.TransferOptions
) -> None:
    error, details = refusal(stub.Stylize(pb.StylizeRequest(content=landscape, style=painting, options=options)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert len(error.details()) < 400
    assert len(details) == 1


def test_lites_missing_layers_are_named_by_their_path(
    stub: style_transfer_pb2_grpc.StyleTransferStub, landscape: bytes, painting: bytes
) -> None:
    options = pb.TransferOptions(content_layers=pb.Layers(names=["block5_conv4"]))
    error, details = refusal(stub.Stylize(pb.StylizeRequest(content=landscape, style=painting, options=options)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert details[0].field_violations[0].field == "options.content_layers"


def test_worker_outlives_bad_input(
    server: Server, stub: style_transfer_pb2_grpc.StyleTransferStub, landscape: bytes, painting: bytes
) -> None:
    pid = server.worker_pid()
    for data in (b"x", painting[:3000], b"\xff\xd8\xff\xe0" + bytes(400)):
        refusal(stub.Stylize(request(data, painting)))
    assert any(event.HasField("result") for event in stub.Stylize(request(landscape, painting)))
    assert server.worker_pid() == pid


def test_vgg19_without_weights_is_a_failed_precondition(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    # A proxy where nothing listens makes the download fail at once, network or not.
    offline = own_server(https_proxy="http://127.0.0.1:9", HTTPS_PROXY="http://127.0.0.1:9")
    asked = pb.StylizeRequest(content=landscape, style=painting, options=pb.TransferOptions(network="vgg19", size=48))
    error, details = refusal(stub_of(offline).Stylize(asked))
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert details[0].violations[0].subject == "network"
    assert "--weights" in error.details()
