"""Requests are taken in from callers who are known, a few at a time."""

from __future__ import annotations

import asyncio
import socket
import statistics
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest

from conftest import Server, peak_bytes
from tfstyle.errors import InvalidInputError
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc
from tfstyle_server.admission import CallerLimits, LimitError
from tfstyle_server.receiving import WAITING, Receiving, SmallRequests, TooSlowError
from tfstyle_server.tokens import new_token
from tfstyle_server.transport import Read

METHOD = "/tfstyle.v1.StyleTransfer/CreateJob"
MOST_BYTES = 20_000_000


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

    before = peak_bytes(server.process.pid)
    assert codes(token[:-1]) == {grpc.StatusCode.UNAUTHENTICATED}
    assert peak_bytes(server.process.pid) - before < MOST_BYTES
    # The measure is one that would have shown it: ann's requests are taken in, and found to be no pictures.
    grown = peak_bytes(server.process.pid)
    assert codes(token) <= {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert peak_bytes(server.process.pid) - grown > 2 * MOST_BYTES


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


@contextmanager
def slow_path(address: str, source: str, most: int) -> Iterator[str]:
    """An address from which connections go on to the server at `address`, whose peer is then `source`.

    The first `most` bytes of each arrive, and no more.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    host, _, port = address.rpartition(":")
    opened = [listening]

    def pump(incoming: socket.socket, outgoing: socket.socket, left: int) -> None:
        with suppress(OSError):
            while left > 0 and (data := incoming.recv(min(65536, left))):
                outgoing.sendall(data)
                left -= len(data)

    def accept() -> None:
        with suppress(OSError):
            while True:
                near, _ = listening.accept()
                far = socket.create_connection((host, int(port)), source_address=(source, 0))
                opened.extend((near, far))
                for arguments in ((near, far, most), (far, near, 2**40)):
                    threading.Thread(target=pump, args=arguments, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        for each in opened:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.mark.parametrize("count", [20, pytest.param(500, marks=pytest.mark.slow)])
def test_half_sent_requests_of_one_address_hold_up_no_other(
    server: Server, landscape: bytes, painting: bytes, count: int
) -> None:
    half = pb.CreateJobRequest(transfer=pb.StylizeRequest(content=bytes(5 * 2**20), style=b"x")).SerializeToString()
    transfer = pb.StylizeRequest(content=landscape, style=painting, options=pb.TransferOptions(size=48))
    transfer.options.max_evaluations = 1
    creation = pb.CreateJobRequest(transfer=transfer)
    with slow_path(server.address, "127.0.0.2", 150_000) as path:
        channels = [grpc.insecure_channel(path, [("tfstyle.number", number)]) for number in range(count)]
        calls = [channel.unary_unary(METHOD).future(half, timeout=60) for channel in channels]
        time.sleep(1.0)
        assert not any(call.done() and call.code() is grpc.StatusCode.OK for call in calls)
        stub = style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(server.address))
        assert stub.CreateJob(creation, timeout=10).name
        for call in calls:
            call.cancel()
        for channel in channels:
            channel.close()


def created_by_one_caller(server: Server, token: str, count: int) -> set[grpc.StatusCode]:
    """The codes of `count` calls that send 62 MB each, every one on a connection of its own."""
    large = pb.CreateJobRequest(transfer=pb.StylizeRequest(content=bytes(31 * 2**20), style=bytes(31 * 2**20)))
    data, metadata = large.SerializeToString(), (("authorization", f"Bearer {token}"),)
    opened = [
        grpc.insecure_channel(server.address, [("grpc.max_send_message_length", -1), ("tfstyle.number", number)])
        for number in range(count)
    ]
    calls = [channel.unary_unary(METHOD).future(data, metadata=metadata, timeout=300) for channel in opened]
    codes = {call.code() for call in calls}
    for channel in opened:
        channel.close()
    return codes


@pytest.mark.parametrize("count", [5, pytest.param(40, marks=pytest.mark.slow)])
def test_large_requests_of_one_caller_take_bounded_memory_and_hold_up_no_other(
    own_server: Callable[..., Server], tmp_path: Path, count: int
) -> None:
    tokens = [new_token(name, tmp_path / "tokens") for name in ("ann", "bob")]
    server = own_server("--tokens", str(tmp_path / "tokens"))
    server.worker_pid()
    before = peak_bytes(server.process.pid)
    stub = style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(server.address))
    waited: list[float] = []
    with ThreadPoolExecutor(1) as pool:
        flood = pool.submit(created_by_one_caller, server, tokens[0], count)
        while not flood.done():
            began = time.monotonic()
            stub.ListJobs(pb.ListJobsRequest(), metadata=(("authorization", f"Bearer {tokens[1]}"),), timeout=60)
            waited.append(time.monotonic() - began)
            time.sleep(0.05)
    assert flood.result() <= {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert peak_bytes(server.process.pid) - before < 700_000_000
    assert statistics.median(waited) < 0.5


def reading(sent: AsyncIterator[bytes]) -> Read:
    async def read() -> bytes | None:
        return await anext(sent, None)

    return read


def messages(*given: Any) -> Read:
    async def sent() -> AsyncIterator[bytes]:
        for each in given:
            yield each if isinstance(each, bytes) else each.SerializeToString()

    return reading(sent())


def test_only_so_many_of_one_caller_at_once_until_their_pictures_are_on_the_disk() -> None:
    async def main() -> None:
        receiving = Receiving(2)
        arrived, stored = asyncio.Event(), asyncio.Event()
        entered: list[str] = []

        async def slowly() -> AsyncIterator[bytes]:
            await arrived.wait()
            yield pb.GetJobRequest(name="slow").SerializeToString()

        async def call(caller: str, read: Read) -> None:
            async with receiving.one(caller, read, pb.GetJobRequest) as request:
                entered.append(request.name)
                await stored.wait()

        calls = [asyncio.create_task(call("ann", reading(slowly()))) for _ in range(2)]
        await asyncio.sleep(0)
        calls.append(asyncio.create_task(call("ann", messages(pb.GetJobRequest(name="third")))))
        calls.append(asyncio.create_task(call("bob", messages(pb.GetJobRequest(name="bob's")))))
        await asyncio.sleep(0.05)
        assert entered == ["bob's"]
        arrived.set()
        await asyncio.sleep(0.05)
        assert entered == ["bob's", "slow", "slow"]
        stored.set()
        await asyncio.gather(*calls)
        assert entered[3:] == ["third"]

    asyncio.run(main())


def test_what_does_not_arrive_or_is_no_message_or_too_large_is_an_error() -> None:
    async def never() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    async def dripping(seconds: float) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(seconds)
            yield pb.UploadImageRequest(data=b"x").SerializeToString()

    async def one(receiving: Receiving, read: Read) -> None:
        async with receiving.one("ann", read, pb.GetJobRequest):
            pass

    async def pieces(receiving: Receiving, read: Read) -> list[Any]:
        async with receiving.each("ann", read, pb.UploadImageRequest) as arriving:
            return [piece async for piece in arriving]

    async def main() -> None:
        receiving = Receiving(1, 0.1)
        with pytest.raises(TooSlowError):
            await one(receiving, reading(never()))
        with pytest.raises(TooSlowError):
            await pieces(receiving, reading(dripping(0.02)))
        with pytest.raises(TooSlowError):
            await asyncio.wait_for(pieces(Receiving(1, 60, piece_seconds=0.1), reading(dripping(0.5))), 5)
        with pytest.raises(InvalidInputError, match=r"request: is 70,\d\d\d bytes; at most 65,536"):
            await SmallRequests(1).receive("ann", messages(pb.GetJobRequest(name="x" * 70_000)), pb.GetJobRequest)
        with pytest.raises(InvalidInputError, match=r"request: is not a valid tfstyle\.v1\.GetJobRequest"):
            await one(receiving, messages(b"\xff\xff"))
        with pytest.raises(InvalidInputError, match="request: is missing"):
            await one(receiving, messages())
        sent = [pb.UploadImageRequest(data=data) for data in (b"1", bytes(70_000))]
        assert await pieces(receiving, messages(*sent)) == sent, "and its place is free again after each"

    asyncio.run(main())


def test_unknown_fields_are_dropped() -> None:
    unknown = b"\xfa\x7f\x03abc"  # field 2047, three bytes
    data = pb.GetJobRequest(name="j").SerializeToString() + unknown

    async def main() -> None:
        async with Receiving(1).one("ann", messages(data), pb.GetJobRequest) as request:
            assert request.SerializeToString() == pb.GetJobRequest(name="j").SerializeToString()
        small = await SmallRequests(1).receive("ann", messages(data), pb.GetJobRequest)
        assert small.SerializeToString() == pb.GetJobRequest(name="j").SerializeToString()

    asyncio.run(main())


def test_only_so_many_calls_of_one_caller_wait() -> None:
    async def never() -> bytes:
        await asyncio.Event().wait()
        raise AssertionError

    async def main() -> None:
        small = SmallRequests(1)
        calls = [asyncio.create_task(small.receive("ann", never, pb.GetJobRequest)) for _ in range(WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(LimitError, match="256 of your calls wait for a place"):
            await small.receive("ann", messages(pb.GetJobRequest(name="j")), pb.GetJobRequest)
        assert (await small.receive("bob", messages(pb.GetJobRequest(name="j")), pb.GetJobRequest)).name == "j"
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    asyncio.run(main())
