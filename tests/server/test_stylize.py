"""`Stylize` against a real server process over a real socket."""

from __future__ import annotations

import hashlib
import itertools
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

from conftest import Server, png
from tfstyle.images import decode
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc
from tfstyle_client.exit_codes import BAD_INPUT, FAILED
from tfstyle_server import cli
from tfstyle_server.front import CannotServeError

LONG = 10_000


@pytest.fixture
def stub(server: Server) -> style_transfer_pb2_grpc.StyleTransferStub:
    return style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(server.address))


def stub_of(server: Server) -> style_transfer_pb2_grpc.StyleTransferStub:
    return style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(server.address))


def request(
    content: bytes,
    style: bytes,
    *,
    preset: str = "",
    size: int = 48,
    steps: int = 4,
    coarsest_scale: int | None = None,
    **progress: int,
) -> pb.StylizeRequest:
    return pb.StylizeRequest(
        content=content,
        style=style,
        preset=preset,
        options=pb.TransferOptions(size=size, max_evaluations=steps, coarsest_scale=coarsest_scale),
        progress=pb.ProgressOptions(**progress),
    )


def refusal(call: object) -> tuple[grpc.RpcError, list[object]]:
    """The error that a call ends with and its unpacked details."""
    with pytest.raises(grpc.RpcError) as caught:
        list(call)  # type: ignore[call-overload]
    status = rpc_status.from_call(caught.value)
    kinds = (error_details_pb2.BadRequest, error_details_pb2.RetryInfo, error_details_pb2.PreconditionFailure)
    found = []
    for detail in status.details if status else ():
        for kind in kinds:
            message = kind()
            if detail.Unpack(message):
                found.append(message)
    return caught.value, found


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


def test_larger_picture_than_the_limit(own_server: Callable[..., Server], landscape: bytes, painting: bytes) -> None:
    small = own_server("--max-image-bytes", "160000", "--max-pixels", "500000")
    error, details = refusal(stub_of(small).Stylize(request(landscape, painting)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert details[0].field_violations[0].field == "style"
    assert "at most 160,000 are accepted; the server's --max-image-bytes sets the limit" in error.details()
    error, _ = refusal(stub_of(small).Stylize(request(landscape, landscape)))
    assert "at most 500,000 are accepted; the server's --max-pixels sets the limit" in error.details()


@pytest.mark.slow
def test_picture_beyond_the_memory_is_tiled_or_refused_before_it_runs(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    stub = stub_of(own_server("--memory", "440"))
    message = request(landscape, painting, size=480, steps=1)
    message.options.precision = "float32"
    events = list(stub.Stylize(message))
    (started,) = (event.started for event in events if event.HasField("started"))
    assert started.tiled
    assert 300e6 < started.memory <= 440 * 2**20
    assert started.expected.ToNanoseconds() > 0
    error, (details,) = refusal(stub.Stylize(request(landscape, painting, size=1500, steps=1)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [violation.field for violation in details.field_violations] == ["options.size"]
    assert "would fit" in details.field_violations[0].description


def test_full_queue_streams_positions_and_refuses_with_a_delay(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server("--queue", "2")
    server.worker_pid()
    stub = stub_of(server)
    running = stub.Stylize(request(landscape, painting, steps=LONG))
    assert next(running).accepted.position == 0
    while not next(running).HasField("progress"):
        pass
    waiting = [stub.Stylize(request(landscape, painting, steps=2)) for _ in range(2)]
    # The calls may arrive in either order.
    first = sorted((next(call).accepted.position, index) for index, call in enumerate(waiting))
    assert [position for position, _ in first] == [0, 1]
    error, details = refusal(stub.Stylize(request(landscape, painting)))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details[0].retry_delay.ToTimedelta().total_seconds() > 0
    running.cancel()
    last = waiting[first[1][1]]
    assert next(last).accepted.position == 0, "it moves up"
    assert any(event.HasField("result") for event in last)


def test_cancelling_stops_the_computation_within_an_evaluation(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server()
    call = stub_of(server).Stylize(request(landscape, painting, steps=LONG))
    seconds = 0.0
    for event in call:
        if event.progress.evaluation >= 5:
            seconds = event.progress.elapsed.ToTimedelta().total_seconds()
            break
    began = time.monotonic()
    call.cancel()
    server.wait_for_log(r"job \w+: cancelled after", seconds=10)
    assert seconds > 0
    assert time.monotonic() - began < 5
    # The worker is free: the next job is not behind 9,990 evaluations.
    assert any(event.HasField("result") for event in stub_of(server).Stylize(request(landscape, painting), timeout=60))


def test_waiting_request_can_be_cancelled(own_server: Callable[..., Server], landscape: bytes, painting: bytes) -> None:
    server = own_server("--queue", "1")
    server.worker_pid()
    stub = stub_of(server)
    running = stub.Stylize(request(landscape, painting, steps=LONG))
    while not next(running).HasField("progress"):
        pass
    waiting = stub.Stylize(request(landscape, painting))
    next(waiting)
    waiting.cancel()
    server.wait_for_log("Stylize CANCELLED")
    another = stub.Stylize(request(landscape, painting))
    assert next(another).accepted.position == 0, "the place is free again"
    running.cancel()


def test_deadline_is_obeyed(own_server: Callable[..., Server], landscape: bytes, painting: bytes) -> None:
    server = own_server()
    server.worker_pid()
    error, _ = refusal(stub_of(server).Stylize(request(landscape, painting, steps=LONG), timeout=6))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    server.wait_for_log(r"job \w+: cancelled after", seconds=15)


def test_worker_ends_when_the_front_is_killed(own_server: Callable[..., Server]) -> None:
    server = own_server()
    pid = server.worker_pid()
    server.process.kill()
    server.process.wait()
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or "zombie" in Path(f"/proc/{pid}/status").read_text():
            return
        time.sleep(0.1)
    raise AssertionError("the worker goes on without a front")


@pytest.mark.slow
def test_worker_is_recycled_after_new_sizes(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server("--recycle-after", "2")
    first = server.worker_pid()
    for size in (40, 48, 56):
        assert any(
            e.HasField("result") for e in stub_of(server).Stylize(request(landscape, painting, size=size, steps=1))
        )
    assert server.worker_pid(occurrence=2) != first
    server.wait_for_log(rf"worker {first} ended: 0")


def test_sigterm_lets_running_requests_end(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server()
    server.worker_pid()
    call = stub_of(server).Stylize(request(landscape, painting, size=96, steps=60))
    while not next(call).HasField("progress"):
        pass
    server.process.terminate()
    server.wait_for_log("stopping")
    refused, _ = refusal(stub_of(server).Stylize(request(landscape, painting), timeout=20))
    assert refused.code() is grpc.StatusCode.UNAVAILABLE
    assert any(event.HasField("result") for event in call)
    assert server.process.wait(10) == 0


def test_sigterm_ends_what_outlasts_the_grace(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server("--grace", "1")
    worker = server.worker_pid()
    call = stub_of(server).Stylize(request(landscape, painting, steps=LONG))
    while not next(call).HasField("progress"):
        pass
    server.process.terminate()
    error, _ = refusal(call)
    assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    assert server.process.wait(10) == 0
    assert not Path(f"/proc/{worker}").exists()


@pytest.mark.slow
def test_health_follows_the_workers_and_the_drain(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server()
    health = health_pb2_grpc.HealthStub(grpc.insecure_channel(server.address))
    names = ("", "tfstyle.v1.StyleTransfer")
    assert {health.Check(health_pb2.HealthCheckRequest(service=n)).status for n in names} <= {1, 2}
    server.worker_pid()
    time.sleep(0.2)
    assert [health.Check(health_pb2.HealthCheckRequest(service=n)).status for n in names] == [1, 1]
    seen: list[int] = []
    watch = health.Watch(health_pb2.HealthCheckRequest(service=""))
    threading.Thread(target=lambda: seen.extend(r.status for r in quiet(watch)), daemon=True).start()
    call = stub_of(server).Stylize(request(landscape, painting, size=96, steps=60))
    while not next(call).HasField("progress"):
        pass
    server.process.terminate()
    list(call)
    server.process.wait(10)
    time.sleep(0.2)
    assert seen == [1, 2]


def quiet(call: object) -> object:
    try:
        yield from call  # type: ignore[misc]
    except grpc.RpcError:
        return


def test_reflection_shows_the_contract(server: Server) -> None:
    database = ProtoReflectionDescriptorDatabase(grpc.insecure_channel(server.address))
    assert "tfstyle.v1.StyleTransfer" in database.get_services()
    found = database.FindFileContainingSymbol("tfstyle.v1.StylizeEvent")
    assert found.name == "tfstyle/v1/style_transfer.proto"


def test_front_never_loads_tensorflow(server: Server, landscape: bytes, painting: bytes) -> None:
    list(stub_of(server).Stylize(request(landscape, painting)))

    def libraries(pid: int) -> str:
        return Path(f"/proc/{pid}/maps").read_text()

    assert re.search("tensorflow|_imaging|numpy", libraries(server.process.pid)) is None
    assert "tensorflow" in libraries(server.worker_pid())


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--network", "resnet"], "network: must be one of"),
        (["--weights", "/no/such.h5"], "weights: there is no file /no/such.h5"),
        (["--listen", "nowhere.invalid:1", "--insecure"], "nowhere.invalid:1: the host is not an address of this"),
        (["--listen", "unix:/no/folder/socket"], "cannot listen on unix:/no/folder/socket: the folder does not exist"),
        (["--listen", "localhost.:99999"], "listen: must be HOST:PORT"),
        (["--listen", "http://localhost:5"], "listen: a scheme such as http:// is not part of an address; give local"),
        (["--listen", "nonsense"], "listen: must be HOST:PORT"),
        (["--listen", ":50998"], "listen: :50998 has no host"),
        (["--tokens", "/no/tokens"], "tokens: cannot read /no/tokens"),
        (["--data", "/dev/null/data"], "data: cannot use /dev/null/data"),
        (["--metrics", "nowhere.invalid:1"], "metrics: cannot listen on nowhere.invalid:1"),
        (["--queue", "-1"], "queue"),
        (["--queue", "1.5"], "queue: must be a whole number; got '1.5'"),
        (["--memory", "1e3"], "memory: must be a whole number; got '1e3'"),
    ],
)
def test_server_that_cannot_start_says_why(flags: list[str], says: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tfstyle_server", "--listen", "127.0.0.1:0", "--data", str(tmp_path), *flags],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == BAD_INPUT
    assert says in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


def test_taken_port_is_a_clear_error(server: Server, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tfstyle_server", "--listen", server.address, "--data", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == BAD_INPUT
    assert ended.stderr == f"tfstyle-server: listen: cannot listen on {server.address}: the port is in use\n"


def test_server_that_breaks_down_later_is_no_fault_of_its_options(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def breaks_down(*_: object, **__: object) -> None:
        raise CannotServeError("no worker can start: its process ended")

    monkeypatch.setattr(cli, "serve", breaks_down)
    assert cli.run([], "tfstyle-server") == FAILED
    assert "tfstyle-server: no worker can start" in capsys.readouterr().err
