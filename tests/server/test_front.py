"""The start and the end of the server's front process."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest

from conftest import Server
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc
from tfstyle_server.listen_address import has_listener

SERVE = [sys.executable, "-m", "tfstyle_server"]


def test_a_second_server_does_not_take_over_a_unix_socket(own_server: Callable[..., Server], tmp_path: Path) -> None:
    address = f"unix:{tmp_path / 'socket'}"
    own_server("--listen", address)
    second = subprocess.run(
        [*SERVE, "--listen", address, "--data", str(tmp_path / "second")], capture_output=True, text=True, timeout=60
    )
    assert (second.returncode, second.stderr.splitlines()[-1:]) == (
        2,
        [f"tfstyle-server: listen: another process listens on {address}"],
    )
    with grpc.insecure_channel(address) as channel:
        style_transfer_pb2_grpc.StyleTransferStub(channel).ListJobs(pb.ListJobsRequest(), timeout=10)


def test_a_listener_that_accepts_nobody_is_a_listener(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    assert not has_listener(f"unix:{path}")
    with socket.socket(socket.AF_UNIX) as busy, ExitStack() as waiting:
        busy.bind(path)
        busy.listen(0)
        for _ in range(2):  # until its backlog is full
            caller = waiting.enter_context(socket.socket(socket.AF_UNIX))
            caller.setblocking(False)
            caller.connect_ex(path)
        assert has_listener(f"unix:{path}")
    assert not has_listener(f"unix:{path}"), "what it left behind"


def test_a_socket_that_a_killed_server_left_behind_is_no_obstacle(
    own_server: Callable[..., Server], tmp_path: Path
) -> None:
    address = f"unix:{tmp_path / 'socket'}"
    killed = own_server("--listen", address)
    killed.process.kill()
    killed.process.wait()
    own_server("--listen", address)
    with grpc.insecure_channel(address) as channel:
        style_transfer_pb2_grpc.StyleTransferStub(channel).ListJobs(pb.ListJobsRequest(), timeout=10)


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.2, 0.4, 0.8])
def test_ctrl_c_while_it_starts_prints_no_traceback(tmp_path: Path, seconds: float) -> None:
    """From the server's first lines on. Before them Python starts itself, and prints a traceback for any program."""
    python, *module = SERVE
    command = [python, "-X", "importtime", *module, "--listen", "127.0.0.1:0", "--data", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        names = (line.rpartition("|")[2].strip() for line in process.stderr)
        assert "signal" in names, "imported by the server's first lines"
        next(names)  # what it imports next
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGINT)
    assert "Traceback" not in errors
