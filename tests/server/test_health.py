"""Health and reflection: what they answer, and how little callers without credentials can make the server hold."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from conftest import Server, peak_bytes, start_server
from tfstyle_server.strangers import STREAMS, WAITING, StrangerError, Strangers, host_of_peer
from tfstyle_server.tokens import new_token

CHECK = "/grpc.health.v1.Health/Check"
REFLECT = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
CONNECTIONS = 16
LARGE = health_pb2.HealthCheckRequest(service="\0" * (62 * 2**20)).SerializeToString()
MOST_MOVED = 50 * 10**6


def channels(server: Server, count: int) -> list[grpc.Channel]:
    """Connections of their own: channels with equal options would share one."""
    options = [("grpc.max_send_message_length", -1)]
    return [grpc.insecure_channel(server.address, [*options, ("tfstyle.number", number)]) for number in range(count)]


def flood(server: Server, count: int, message: bytes, compression: grpc.Compression | None) -> set[grpc.StatusCode]:
    """The codes of calls that send `message` on `count` connections."""
    opened = channels(server, count)
    with ThreadPoolExecutor(4) as pool:
        calls = pool.map(
            lambda channel: channel.unary_unary(CHECK).future(message, timeout=60, compression=compression), opened
        )
        codes = {call.code() for call in calls}
    for channel in opened:
        channel.close()
    return codes


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that knows its callers. The tests of its peak memory come first, the one that moves it least before."""
    folder = tmp_path_factory.mktemp("guarded")
    new_token("ann", folder / "tokens")
    server = start_server(folder, "--network", "vgg19-lite", "--tokens", str(folder / "tokens"))
    server.worker_pid()
    yield server
    server.stop()


def compressed_flood(server: Server, count: int) -> None:
    before = peak_bytes(server.process.pid)
    assert flood(server, count, LARGE, grpc.Compression.Gzip) == {grpc.StatusCode.UNIMPLEMENTED}
    assert peak_bytes(server.process.pid) - before < MOST_MOVED


def test_malformed_messages_are_refused_with_one_line_in_the_log(guarded: Server) -> None:
    channel = grpc.insecure_channel(guarded.address)
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(CHECK)(b"\xff\xff", timeout=10)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == "the request is not a valid grpc.health.v1.HealthCheckRequest"
    guarded.wait_for_log("is refused: the request is not a valid")
    assert not any("Traceback" in line for line in guarded.log)


def test_compressed_messages_of_strangers_are_not_unpacked(guarded: Server) -> None:
    compressed_flood(guarded, CONNECTIONS)


@pytest.mark.slow
def test_a_large_flood_of_compressed_messages(guarded: Server) -> None:
    compressed_flood(guarded, 60)


def test_large_messages_of_strangers_are_refused_one_after_another(guarded: Server) -> None:
    stub = health_pb2_grpc.HealthStub(grpc.insecure_channel(guarded.address))
    before = peak_bytes(guarded.process.pid)
    refused = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert flood(guarded, CONNECTIONS, LARGE, None) <= refused
    # One message at a time and its copies: about four times its size, with 8 connections as with 32.
    assert peak_bytes(guarded.process.pid) - before < 6 * len(LARGE)
    assert stub.Check(health_pb2.HealthCheckRequest(), timeout=5).status == health_pb2.HealthCheckResponse.SERVING
    guarded.wait_for_log(r"a call without credentials from ipv4:127\.0\.0\.1:\d+ is refused: the request is 65,0")


def test_streams_of_one_address_are_bounded(guarded: Server) -> None:
    opened = channels(guarded, 2)
    watches = [
        health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=60)
        for channel in opened
        for _ in range(STREAMS // 2)
    ]
    assert {next(watch).status for watch in watches} == {health_pb2.HealthCheckResponse.SERVING}
    stub = health_pb2_grpc.HealthStub(opened[0])
    with pytest.raises(grpc.RpcError) as caught:
        next(stub.Watch(health_pb2.HealthCheckRequest(), timeout=60))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert caught.value.details() == "your address has 64 streams open; that is all that it may have"
    watches[0].cancel()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            assert next(stub.Watch(health_pb2.HealthCheckRequest(), timeout=60)).status == 1
            return
        except grpc.RpcError:
            time.sleep(0.05)
    raise AssertionError("the place of a stream that has ended is not free")


def test_unknown_services_and_methods(server: Server) -> None:
    channel = grpc.insecure_channel(server.address)
    stub = health_pb2_grpc.HealthStub(channel)
    for call, code in (
        (lambda: stub.Check(health_pb2.HealthCheckRequest(service="x.Y"), timeout=10), grpc.StatusCode.NOT_FOUND),
        (lambda: channel.unary_unary("/grpc.health.v1.Health/List")(b"", timeout=10), grpc.StatusCode.UNIMPLEMENTED),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            call()
        assert caught.value.code() is code
    watch = stub.Watch(health_pb2.HealthCheckRequest(service="x.Y"), timeout=10)
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


def test_reflection_answers_in_one_stream_and_refuses_large_messages(server: Server) -> None:
    channel = grpc.insecure_channel(server.address)
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked = (
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="tfstyle.v1.StyleTransfer"),
    )
    listed, described = stub.ServerReflectionInfo(iter(asked), timeout=10)
    assert {each.name for each in listed.list_services_response.service} == {
        "tfstyle.v1.StyleTransfer",
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    assert described.file_descriptor_response.file_descriptor_proto
    with pytest.raises(grpc.RpcError) as caught:
        list(channel.stream_stream(REFLECT)(iter([bytes(5000)]), timeout=10))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "5,000 bytes; at most 4,096" in caught.value.details()


async def empty() -> bytes:
    return b""


def test_one_address_holds_up_no_other_and_only_some_of_its_calls_wait() -> None:
    async def main() -> None:
        strangers, over = Strangers(seconds=0.2), asyncio.Event()

        async def never() -> None:
            await over.wait()

        kind = health_pb2.HealthCheckRequest
        slow = [asyncio.create_task(strangers.receive(f"ipv4:10.0.0.1:{port}", never, kind)) for port in range(WAITING)]
        await asyncio.sleep(0)
        assert await asyncio.wait_for(strangers.receive("ipv4:10.0.0.2:1", empty, kind), 0.1) == kind()
        with pytest.raises(StrangerError, match="64 calls from your address wait") as caught:
            await strangers.receive("ipv4:10.0.0.1:9", empty, kind)
        assert caught.value.busy
        with pytest.raises(StrangerError, match=r"did not arrive within 0\.2 s"):
            await slow[0]
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        over.set()  # the calls have ended
        assert await strangers.receive("ipv4:10.0.0.1:9", empty, kind) == kind()

    asyncio.run(main())


def test_a_late_message_holds_its_turn_until_its_call_ends() -> None:
    async def main() -> None:
        strangers, kind, ended = Strangers(seconds=0.05, at_once=1), health_pb2.HealthCheckRequest, asyncio.Event()

        async def late() -> None:
            await ended.wait()

        with pytest.raises(StrangerError, match="did not arrive"):
            await strangers.receive("ipv4:10.0.0.1:1", late, kind)
        other = asyncio.create_task(strangers.receive("ipv4:10.0.0.2:1", empty, kind))
        await asyncio.sleep(0.1)
        assert not other.done()
        ended.set()
        assert await asyncio.wait_for(other, 5) == kind()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("peer", "host"),
    [
        ("ipv4:10.0.0.1:5000", "ipv4:10.0.0.1"),
        ("ipv6:%5B::1%5D:5000", "ipv6:::/64"),
        ("ipv6:%5B2001:db8:1:2:3:4:5:6%5D:5000", "ipv6:2001:db8:1:2::/64"),
        ("ipv6:%5Bfe80::1%25eth0%5D:5000", "ipv6:fe80::/64"),
        ("ipv6:[::ffff:10.0.0.1]:5000", "ipv4:10.0.0.1"),
        ("ipv6:nonsense:5000", "ipv6:nonsense"),
        ("unix:", "unix"),
    ],
)
def test_host_of_a_peer(peer: str, host: str) -> None:
    assert host_of_peer(peer) == host
