"""Serves the metrics over HTTP to a few connections at a time, each of which must be quick."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.parser import BytesParser
from typing import Any

from prometheus_client import CollectorRegistry, make_wsgi_app

from tfstyle_server.logs import STRANGERS

log = logging.getLogger("tfstyle.front")

MOST_CONNECTIONS = 32
"""Connections that are open at once; further ones are closed at once."""
SECONDS = 5.0
"""Time for a request to arrive and for its response to leave."""
HEAD_BYTES = 8192
"""The largest head of a request."""


@asynccontextmanager
async def metrics_page(registry: CollectorRegistry, address: str | None) -> AsyncIterator[None]:
    """Serve the metrics in `registry` at `address`, host:port, inside the block. None serves nothing.

    Raises OSError, ValueError, OverflowError where the address cannot be used.
    """
    if address is None:
        yield
        return
    page = _Page(make_wsgi_app(registry))
    host, _, port = address.rpartition(":")
    server = await asyncio.start_server(page.serve, host.strip("[]"), int(port), limit=HEAD_BYTES)
    async with server:
        log.info("metrics on http://%s:%d/metrics", host, server.sockets[0].getsockname()[1])
        try:
            yield
        finally:
            await page.close()


class _Page:
    def __init__(self, application: Callable[..., Any]) -> None:
        self._application = application
        self._rendering = asyncio.Lock()
        self._connections: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request of a connection, and close it."""
        if len(self._connections) >= MOST_CONNECTIONS:
            writer.transport.abort()
            return
        self._connections[writer] = asyncio.current_task()
        try:
            async with asyncio.timeout(SECONDS):
                writer.write(await self._response(await reader.readuntil(b"\r\n\r\n")))
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()
        except Exception as error:
            writer.write(_head("400 Bad Request", []))  # what the application cannot read
            writer.close()
            if (note := STRANGERS.note("metrics")) is not None:
                log.error("a request for metrics failed: %r%s", error, note)
        finally:
            del self._connections[writer]

    async def close(self) -> None:
        """Close all connections."""
        serving = [task for task in self._connections.values() if task is not None]
        for writer in self._connections:
            writer.transport.abort()
        await asyncio.gather(*serving, return_exceptions=True)

    async def _response(self, head: bytes) -> bytes:
        request, _, rest = head.partition(b"\r\n")
        method, target, *_ = [*request.decode("latin-1").split(" "), "", ""]
        path, _, query = target.partition("?")
        headers = BytesParser().parsebytes(rest, headersonly=True)
        environment = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            **{f"HTTP_{name.upper().replace('-', '_')}": str(value) for name, value in headers.items()},
        }
        began: list[bytes] = []

        def start_response(line: str, fields: list[tuple[str, str]]) -> None:
            began.append(_head(line, fields))

        async with self._rendering:  # one at a time, so that a flood leaves the threads to others
            body = b"".join(await asyncio.to_thread(self._application, environment, start_response))
        return began[0] + body


def _head(line: str, fields: list[tuple[str, str]]) -> bytes:
    lines = [f"HTTP/1.1 {line}", *(f"{name}: {value}" for name, value in fields), "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1")
