"""Requests are taken in from callers who are known, a few at a time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from conftest import Server
from tfstyle.errors import InvalidInputError
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc
from tfstyle_server.admission import CallerLimits
from tfstyle_server.receiving import Receiving, TooSlowError
from tfstyle_server.security import new_token

METHOD = "/tfstyle.v1.StyleTransfer/CreateJob"
MOST_KB = 20_000


def peak_kb(pid: int) -> int:
    """The most memory that the process has held, in KiB."""
    (line,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1])


def test_what_strangers_send_is_not_taken_in(own_server: Callable[..., Server], tmp_path: Path) -> None:
    token = new_token("ann", tmp_path / "tokens")
    server = own_server("--tokens", str(tmp_path / "tokens"))
    server.worker_pid()
    large = pb.CreateJobRequest(transfer=pb.StylizeRequest(content=bytes(30 * 2**20), style=b"x")).SerializeToString()
    channels = [
        grpc.insecure_channel(server.address, [("grpc.max_send_message_length", -1), ("tfstyle.number", number)])
        for number in range(8)
    ]

    def codes(token: str) -> set[grpc.StatusCode]:
        calls = [
            channel.unary_unary(METHOD).future(large, metadata=(("authorization", f"Bearer {token}"),), timeout=60)
            for channel in channels
        ]
        return {call.code() for call in calls}

    before = peak_kb(server.process.pid)
    assert codes(token[:-1]) == {grpc.StatusCode.UNAUTHENTICATED}
    assert peak_kb(server.process.pid) - before < MOST_KB
    # The measure is one that would have shown it: ann's requests are taken in, and found to be no pictures.
    grown = peak_kb(server.process.pid)
    assert codes(token) <= {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert peak_kb(server.process.pid) - grown > 2 * MOST_KB


def test_pictures_that_do_not_arrive_hold_up_nothing_but_pictures(server: Server) -> None:
    stub = style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(server.address))
    over = threading.Event()

    def stalled() -> Iterator[pb.UploadImageRequest]:
        yield pb.UploadImageRequest(data=b"x")
        over.wait(30)

    calls = [stub.UploadImage.future(stalled()) for _ in range(CallerLimits().receiving)]
    time.sleep(0.5)
    stub.ListJobs(pb.ListJobsRequest(), timeout=10)
    with pytest.raises(grpc.RpcError) as caught:
        stub.UploadImage(iter([pb.UploadImageRequest(data=b"x")]), timeout=0.5)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    over.set()
    assert all(call.result().size == 1 for call in calls)
    assert stub.UploadImage(iter([pb.UploadImageRequest(data=b"x")]), timeout=10).size == 1


async def messages(*given: Any) -> AsyncIterator[bytes]:
    for each in given:
        yield each if isinstance(each, bytes) else each.SerializeToString()


def test_only_so_many_of_one_caller_at_once() -> None:
    async def main() -> None:
        room = Receiving(2)
        arrived = asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            await arrived.wait()
            yield pb.GetJobRequest(name="slow").SerializeToString()

        slow = [asyncio.create_task(room.one("ann", slowly(), pb.GetJobRequest)) for _ in range(2)]
        await asyncio.sleep(0)
        third = asyncio.create_task(room.one("ann", messages(pb.GetJobRequest(name="third")), pb.GetJobRequest))
        assert (await room.one("bob", messages(pb.GetJobRequest(name="b")), pb.GetJobRequest)).name == "b"
        await asyncio.sleep(0.05)
        assert not third.done()
        arrived.set()
        assert [(await task).name for task in (*slow, third)] == ["slow", "slow", "third"]

    asyncio.run(main())


def test_what_does_not_arrive_or_is_no_message_or_too_large_is_an_error() -> None:
    async def never() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    async def main() -> None:
        async def dripping() -> AsyncIterator[bytes]:
            while True:
                await asyncio.sleep(0.02)
                yield pb.UploadImageRequest(data=b"x").SerializeToString()

        room = Receiving(1, 0.1)
        with pytest.raises(TooSlowError):
            await room.one("ann", never(), pb.GetJobRequest)
        with pytest.raises(TooSlowError):
            _ = [piece async for piece in room.each("ann", dripping(), pb.UploadImageRequest)]
        with pytest.raises(InvalidInputError, match=r"request: is 70,\d\d\d bytes; at most 65,536"):
            await room.small("ann", messages(pb.GetJobRequest(name="x" * 70_000)), pb.GetJobRequest)
        with pytest.raises(InvalidInputError, match=r"request: is not a valid tfstyle\.v1\.GetJobRequest"):
            await room.one("ann", messages(b"\xff\xff"), pb.GetJobRequest)
        with pytest.raises(InvalidInputError, match="request: is missing"):
            await room.one("ann", messages(), pb.GetJobRequest)
        sent = [pb.UploadImageRequest(data=data) for data in (b"1", bytes(70_000))]
        pieces = room.each("ann", messages(*sent), pb.UploadImageRequest)
        assert [piece async for piece in pieces] == sent, "and its slot is free again after each"

    asyncio.run(main())
