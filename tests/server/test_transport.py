"""Connections: how many there may be, when they end, and what one with many calls does to others."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import grpc
import pytest

from conftest import Server
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc
from tfstyle_server.transport import HANDSHAKE_MS, begin, channel_options, within

SOFT_LIMIT = 96
HARD_LIMIT = 300
HTTP2_BEGIN = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""What a client begins with: the preface, and settings without any."""
WATCH = """
import sys, grpc
from tfstyle.v1 import style_transfer_pb2 as pb, style_transfer_pb2_grpc
stub = style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(sys.argv[1]))
for event in stub.WatchJob(pb.WatchJobRequest(name=sys.argv[2])):
    print(event.WhichOneof("event"), flush=True)
"""


@pytest.mark.slow
def test_connections_beyond_the_limits_of_files_hold_up_neither_calls_nor_workers(
    own_server: Callable[..., Server],
) -> None:
    server = own_server(files=(SOFT_LIMIT, HARD_LIMIT))
    first = server.worker_pid()
    host, _, port = server.address.rpartition(":")
    stub = style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(server.address))
    stub.ListJobs(pb.ListJobsRequest(), timeout=10)
    with ExitStack() as opened:
        for _ in range(2 * HARD_LIMIT):
            with suppress(OSError):
                connection = opened.enter_context(socket.create_connection((host, int(port)), 10))
                connection.sendall(HTTP2_BEGIN)  # or it would be closed after the time for a handshake
        held = len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))
        assert SOFT_LIMIT < held < HARD_LIMIT - 50
        os.kill(first, signal.SIGKILL)
        assert server.worker_pid(2) != first
        stub.ListJobs(pb.ListJobsRequest(), timeout=10)
    fresh = grpc.insecure_channel(server.address, [("tfstyle.number", 3)])
    style_transfer_pb2_grpc.StyleTransferStub(fresh).ListJobs(pb.ListJobsRequest(), timeout=30, wait_for_ready=True)


def flood_of_cancelled_calls(server: Server, count: int) -> list[grpc.StatusCode]:
    """The codes of another connection's calls during a flood of calls that are cancelled at once."""
    noisy = style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(server.address, [("tfstyle.number", 1)]))
    quiet = style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(server.address, [("tfstyle.number", 2)]))
    codes = []
    for number in range(count):
        noisy.ListJobs.future(pb.ListJobsRequest()).cancel()
        if number % 100 == 0:
            codes.append(quiet.ListJobs.future(pb.ListJobsRequest(), timeout=60).code())
    return codes


@pytest.mark.parametrize("count", [1000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_a_flood_of_cancelled_calls_ends_no_call_of_others(server: Server, count: int) -> None:
    codes = flood_of_cancelled_calls(server, count)
    assert codes == [grpc.StatusCode.OK] * (count // 100)
    assert ("grpc.max_concurrent_streams", 100) in channel_options(1, 1)


def watchers(metrics: str) -> float:
    text = urllib.request.urlopen(metrics, timeout=10).read().decode()
    match = re.search(r"^tfstyle_watchers (\S+)$", text, re.MULTILINE)
    assert match is not None
    return float(match[1])


@pytest.mark.slow
def test_the_watch_of_a_client_that_has_vanished_is_freed_within_30_s(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server("--metrics", "127.0.0.1:0")
    metrics = server.wait_for_log(r"metrics on (http\S+)")[1]
    os.kill(server.worker_pid(), signal.SIGSTOP)  # so that the job sends nothing
    stub = style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(server.address))
    transfer = pb.StylizeRequest(content=landscape, style=painting, preset="fast")
    job = stub.CreateJob(pb.CreateJobRequest(transfer=transfer), timeout=20)
    watching = subprocess.Popen([sys.executable, "-c", WATCH, server.address, job.name], stdout=subprocess.PIPE)
    try:
        assert watching.stdout is not None
        assert watching.stdout.readline() == b"job\n"
        while watching.stdout.readline() != b"begun\n":
            pass
        assert watchers(metrics) == 1
        watching.send_signal(signal.SIGSTOP)  # its kernel still acknowledges what arrives, as a proxy would
        deadline = time.monotonic() + 30
        while watchers(metrics) > 0:
            assert time.monotonic() < deadline, "the watch is still open"
            time.sleep(0.5)
    finally:
        watching.kill()
        watching.communicate()


@pytest.mark.slow
def test_a_connection_that_says_nothing_is_closed(server: Server) -> None:
    host, _, port = server.address.rpartition(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.settimeout(HANDSHAKE_MS / 1000 + 10)
        while connection.recv(4096):
            pass


def test_a_read_that_takes_too_long_goes_on_because_grpc_would_keep_its_message() -> None:
    async def main() -> None:
        arrives, read_on = asyncio.Event(), asyncio.Event()

        async def read() -> bytes:
            await arrives.wait()
            read_on.set()
            return b"late"

        with pytest.raises(TimeoutError):
            await within(0.05, begin(read))
        arrives.set()
        await asyncio.wait_for(read_on.wait(), 5)
        assert await within(5, begin(read)) == b"late"

    asyncio.run(main())
