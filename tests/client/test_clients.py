"""The two client classes against a real server: they agree with each other and with the contract."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from conftest import Server
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client import (
    Accepted,
    AsyncClient,
    BadRequestError,
    CallCancelledError,
    Client,
    ClientError,
    Credentials,
    DeadlineExceededError,
    Event,
    JobNotFoundError,
    Progress,
    ProgressOptions,
    Result,
    ServerBusyError,
    ServerUnreachableError,
    Started,
)
from tfstyle_client.display import losses_text
from tfstyle_client.readers import StylizeReader
from tfstyle_client.retry import Retry

SMALL = {"size": 48, "steps": 4}


def without_times(event: Event) -> object:
    match event:
        case Started():
            return dataclasses.replace(event, expected=0.0)
        case Progress(evaluation, steps, losses, _, _, preview):
            return evaluation, steps, losses, preview
        case Result():
            return event.png, event.digest, event.losses, event.evaluations
        case _:
            return event


def test_blocking_and_asyncio_clients_agree(server: Server, landscape: bytes, painting: bytes) -> None:
    progress = ProgressOptions(preview_every=2)
    with Client(server.address) as client:
        blocking = list(client.stylize(landscape, painting, progress=progress, **SMALL))

    async def run() -> list[Event]:
        async with AsyncClient(server.address) as client:
            return [event async for event in client.stylize(landscape, painting, progress=progress, **SMALL)]

    awaited = asyncio.run(run())
    assert [type(event) for event in blocking] == [Accepted, Started, *[Progress] * 4, Result]
    assert [without_times(event) for event in blocking] == [without_times(event) for event in awaited]
    started = blocking[1]
    assert isinstance(started, Started)
    assert (started.options.size, started.options.max_evaluations, started.network) == (48, 4, "vgg19-lite")


def test_blocking_and_asyncio_jobs_agree(server: Server, landscape: bytes, painting: bytes) -> None:
    progress = ProgressOptions(preview_every=2)
    with Client(server.address) as client:
        job = client.create(landscape, painting, progress=progress, **SMALL)
        blocking = [without_times(event) for event in job.watch()], job.result().png, job.status()
        again = [without_times(event) for event in client.job(job.name).watch(after=2)]

        async def run() -> tuple[object, ...]:
            async with AsyncClient(server.address) as awaited:
                other = await awaited.create(landscape, painting, progress=progress, **SMALL)
                events = [without_times(event) async for event in other.watch()]
                png, status = (await other.result()).png, await other.status()
                listed = [each.name async for each in awaited.jobs()]
                assert listed == [each.name for each in client.jobs()]
                assert (await awaited.job(job.name).cancel()).state == "succeeded"
                await other.delete()
                with pytest.raises(JobNotFoundError):
                    await other.status()
                return events, png, status

        events, png, status = asyncio.run(run())
        assert [type(event) for event in blocking[0][:2]] == [Accepted, Started]
        assert len(again) == len(blocking[0]) - 1
        assert (events, png) == blocking[:2]
        assert (status.state, status.sequence, status.digest) == (
            blocking[2].state,
            blocking[2].sequence,
            blocking[2].digest,
        )
        job.delete()


def test_jobs_are_asked_for_until_patience_ends(landscape: bytes, painting: bytes) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        target = f"127.0.0.1:{free.getsockname()[1]}"
    with Client(target, patience=1) as client:
        for ask in (
            lambda: client.create(landscape, painting),
            client.job("jobs/a").status,
            client.job("jobs/a").result,
        ):
            with pytest.raises(ServerUnreachableError, match=f"cannot connect to {target}: connection refused"):
                ask()


def test_delays_grow_end_and_begin_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("tfstyle_client.retry.time.monotonic", lambda: now)
    retry = Retry(60)
    assert not retry.has_begun
    delays = [retry.next_delay() for _ in range(12)]
    assert all(delay is not None and 0.1 <= delay <= 3 for delay in delays)
    assert max(delays[:2]) < 0.5 < 1.4 < min(delays[-3:])
    assert [retry.notice_is_due(delay) for delay in (0.5, 1.5, 1.5)] == [False, True, False]
    now = 61.0
    assert retry.next_delay() is None
    retry.renew()
    assert not retry.has_begun
    delay = retry.next_delay()
    assert delay is not None
    assert delay < 0.5


def test_result_is_waited_for(server: Server, landscape: bytes, painting: bytes) -> None:
    with Client(server.address) as client:
        result = client.stylize(landscape, painting, **SMALL).result()

    async def run() -> Result:
        async with AsyncClient(server.address) as client:
            return await client.stylize(landscape, painting, **SMALL).result()

    assert result.png.startswith(b"\x89PNG")
    assert asyncio.run(run()).png == result.png


def test_bad_options_are_refused_before_anything_is_sent(landscape: bytes, painting: bytes) -> None:
    with Client("127.0.0.1:1") as client, pytest.raises(BadRequestError) as caught:
        client.stylize(landscape, painting, steps=0, pooling="sum")
    assert {violation.field for violation in caught.value.violations} == {"max_evaluations", "pooling"}


def test_servers_refusal_names_the_field(server: Server, painting: bytes) -> None:
    with Client(server.address) as client, pytest.raises(BadRequestError) as caught:
        client.stylize(b"no picture", painting).result()
    assert [violation.field.removeprefix("inputs.") for violation in caught.value.violations] == ["content"]


def test_nothing_listens(landscape: bytes, painting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    with Client(address) as client, pytest.raises(ServerUnreachableError, match=address):
        client.stylize(landscape, painting).result()

    async def run() -> None:
        async with AsyncClient(address) as client:
            await client.stylize(landscape, painting).result()

    with pytest.raises(ServerUnreachableError, match=address):
        asyncio.run(run())


def test_server_gone_in_the_middle(own_server: Callable[..., Server], landscape: bytes, painting: bytes) -> None:
    server = own_server()
    with Client(server.address) as client:
        call = client.stylize(landscape, painting, size=48, steps=5000)

        def until_lost(events: Iterator[Event]) -> None:
            for event in events:
                if isinstance(event, Progress) and event.evaluation == 3:
                    server.process.kill()

        with pytest.raises(ServerUnreachableError, match="was lost"):
            until_lost(iter(call))


def test_deadline(server: Server, landscape: bytes, painting: bytes) -> None:
    with Client(server.address) as client, pytest.raises(DeadlineExceededError):
        client.stylize(landscape, painting, size=48, steps=5000, timeout=4).result()


def test_cancel_from_another_thread(server: Server, landscape: bytes, painting: bytes) -> None:
    with Client(server.address) as client:
        call = client.stylize(landscape, painting, size=48, steps=5000)
        threading.Timer(1.0, call.cancel).start()
        with pytest.raises(CallCancelledError):
            call.result()


def test_cancel_asyncio(server: Server, landscape: bytes, painting: bytes) -> None:
    async def run() -> None:
        async with AsyncClient(server.address) as client:
            call = client.stylize(landscape, painting, size=48, steps=5000)
            asyncio.get_running_loop().call_later(1.0, call.cancel)
            await call.result()

    with pytest.raises(CallCancelledError):
        asyncio.run(run())


def test_asyncio_tasks_own_cancellation_passes(server: Server, landscape: bytes, painting: bytes) -> None:
    async def run() -> None:
        async with AsyncClient(server.address) as client:
            call = client.stylize(landscape, painting, size=48, steps=5000)
            task = asyncio.create_task(call.result())
            await asyncio.sleep(1)
            task.cancel()
            await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())


def test_busy_server_says_when_to_come_back(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server("--queue", "0")
    server.worker_pid()
    with Client(server.address) as client:
        running = client.stylize(landscape, painting, size=48, steps=5000)
        assert next(iter(running)) == Accepted(0)
        with pytest.raises(ServerBusyError) as caught:
            client.stylize(landscape, painting, **SMALL).result()
        assert caught.value.retry_after is not None
        assert "try again in about" in str(caught.value)
        running.cancel()


def test_damaged_results_are_noticed() -> None:
    def read(*chunks: pb.Chunk) -> None:
        reader = StylizeReader()
        reader.read(pb.StylizeEvent(result=pb.Result(size=4, digest="00")))
        for chunk in chunks:
            reader.read(pb.StylizeEvent(chunk=chunk))

    with pytest.raises(ClientError, match="damaged"):
        read(pb.Chunk(offset=0, data=b"abcd"))
    with pytest.raises(ClientError, match="out of order"):
        read(pb.Chunk(offset=2, data=b"ab"))
    assert StylizeReader().read(pb.StylizeEvent()) is None, "an event of a newer server is passed over"


def test_unknown_codes_keep_their_name() -> None:
    from tfstyle_client.errors import from_rpc_error

    class Odd(grpc.RpcError):
        def code(self) -> grpc.StatusCode:
            return grpc.StatusCode.UNIMPLEMENTED

        def details(self) -> str:
            return "Method not found!"

        def trailing_metadata(self) -> tuple[()]:
            return ()

    assert str(from_rpc_error(Odd())) == "Method not found! (UNIMPLEMENTED)"


def test_closing_the_asyncio_client_cancels_its_calls(server: Server, landscape: bytes, painting: bytes) -> None:
    async def run() -> None:
        client = AsyncClient(server.address)
        call = client.stylize(landscape, painting, size=48, steps=5000)
        task = asyncio.create_task(call.result())
        await asyncio.sleep(1)
        await client.close()
        await task

    with pytest.raises(CallCancelledError):
        asyncio.run(run())


def test_cancelling_works_with_a_token_too(server: Server, landscape: bytes, painting: bytes) -> None:
    credentials = Credentials(token="anything")

    async def run(cancel_task: bool) -> None:
        async with AsyncClient(server.address, credentials=credentials) as client:
            call = client.stylize(landscape, painting, size=48, steps=5000)
            task = asyncio.create_task(call.result())
            await asyncio.sleep(1)
            (task if cancel_task else call).cancel()
            await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run(cancel_task=True))
    with pytest.raises(CallCancelledError):
        asyncio.run(run(cancel_task=False))
    with Client(server.address, credentials=credentials) as client:
        call = client.stylize(landscape, painting, size=48, steps=5000)
        threading.Timer(1.0, call.cancel).start()
        with pytest.raises(CallCancelledError):
            call.result()


def test_leaving_the_iteration_does_not_cancel(server: Server, landscape: bytes, painting: bytes) -> None:
    async def run() -> Result:
        async with AsyncClient(server.address) as client:
            call = client.stylize(landscape, painting, **SMALL)
            async for _ in call:
                break
            return await call.result()

    with Client(server.address) as client:
        call = client.stylize(landscape, painting, **SMALL)
        for _ in call:
            break
        assert call.result().png == asyncio.run(run()).png


def test_threads_share_a_client(server: Server, landscape: bytes, painting: bytes) -> None:
    with Client(server.address) as client, ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda _: client.stylize(landscape, painting, **SMALL).result().png, range(4)))
    assert len(set(results)) == 1


def test_weighted_losses_add_up_to_the_total(server: Server, landscape: bytes, painting: bytes) -> None:
    with Client(server.address) as client:
        losses = client.stylize(landscape, painting, **SMALL).result().losses
    assert sum(losses.weighted.values()) == pytest.approx(losses.total, rel=1e-4)
    assert losses.weighted["style"] == pytest.approx(2 * losses.parts["style"])
    assert losses_text(losses).startswith(f"{losses.total:.2f} = content {losses.weighted['content']:.2f} + neighb")


def test_warnings_of_the_server_are_in_the_record() -> None:
    message = pb.StylizeEvent(started=pb.Started(warnings=["the end marker is missing"], options=pb.TransferOptions()))
    started = StylizeReader().read(message)
    assert isinstance(started, Started)
    assert started.warnings == ("the end marker is missing",)
