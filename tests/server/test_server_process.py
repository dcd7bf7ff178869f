"""The processes of a server: their starts, their ends, and what they load."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from stylize_calls import LONG, refusal, request, stub_of

from conftest import Server
from tfstyle_client.exit_codes import BAD_INPUT, FAILED
from tfstyle_server import cli
from tfstyle_server.front import CannotServeError


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
    server.wait_for_log(rf"worker {first} ended: exit code 0")


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


@pytest.mark.slow
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
