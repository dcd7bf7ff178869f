"""The metrics' page, with connections that are slow, silent, large or wrong."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from tfstyle_server import metrics_page
from tfstyle_server.metrics import Metrics


def with_page(story: Callable[[int], Awaitable[None]], caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with metrics_page.metrics_page(Metrics().registry, "127.0.0.1:0"):
            port = int(caplog.records[-1].args[1])
            await asyncio.wait_for(story(port), 30)

    with caplog.at_level("INFO"):
        asyncio.run(main())


async def answer(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "begin", "has"),
    [
        (GET, b"HTTP/1.1 200 OK\r\n", b"tfstyle_queue_depth 0.0"),
        (GET.replace(b"\r\n\r\n", b"\r\nAccept-Encoding: gzip\r\n\r\n"), b"HTTP/1.1 200 OK\r\n", b"\x1f\x8b"),
        (b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b"tfstyle_queue_depth 0.0"),
        (GET.replace(b"\r\n\r\n", b"\r\nAccept: \xff\r\n\r\n"), b"HTTP/1.1 200 OK\r\n", b"tfstyle_queue_depth 0.0"),
        (
            GET.replace(b"\r\n\r\n", b"\r\nAccept: application/openmetrics-text;version=1.x.0\r\n\r\n"),
            b"HTTP/1.1 400 Bad Request\r\n",
            b"",
        ),
        (b"POST /metrics HTTP/1.1\r\n\r\n", b"HTTP/1.1 405 Method Not Allowed\r\n", b"Allow: "),
        (b"\xff\xfe\r\n\r\n", b"HTTP/1.1 405 Method Not Allowed\r\n", b""),
        (b"\r\n\r\n", b"HTTP/1.1 405 Method Not Allowed\r\n", b""),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", b"", b""),
    ],
)
def test_answers(caplog: pytest.LogCaptureFixture, request_bytes: bytes, begin: bytes, has: bytes) -> None:
    async def story(port: int) -> None:
        got = await answer(port, request_bytes)
        assert got.startswith(begin)
        assert has in got
        assert (await answer(port, GET)).startswith(b"HTTP/1.1 200 OK")

    with_page(story, caplog)
    assert "Traceback" not in caplog.text


def test_slow_connections_take_no_threads_and_are_closed(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_page, "SECONDS", 1.0)

    async def story(port: int) -> None:
        threads = threading.active_count()
        slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(200)]
        for number, (_, writer) in enumerate(slow):
            writer.write(GET[: number % 20])
        await asyncio.sleep(0.2)
        assert threading.active_count() <= threads + 1
        assert await answer(port, GET) == b"", "all places are taken"
        await asyncio.sleep(1.2)
        assert (await answer(port, GET)).startswith(b"HTTP/1.1 200 OK")
        for reader, writer in slow:
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.close()

    with_page(story, caplog)


def test_open_connections_do_not_hold_up_the_end(caplog: pytest.LogCaptureFixture) -> None:
    async def story(port: int) -> None:
        opened.append(socket.create_connection(("127.0.0.1", port)))
        await asyncio.sleep(0.1)

    opened: list[socket.socket] = []
    began = time.monotonic()
    with_page(story, caplog)
    assert time.monotonic() - began < metrics_page.SECONDS
    opened[0].close()
