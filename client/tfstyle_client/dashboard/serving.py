"""A dashboard from its start to its end: the key of its cookies, its address, and uvicorn."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from tfstyle.atomic import new_draft
from tfstyle.loopback import is_loopback
from tfstyle_client.dashboard.app import application
from tfstyle_client.dashboard.connections import PunctualProtocol
from tfstyle_client.dashboard.settings import DashboardSettings, Reach
from tfstyle_client.errors import refusal

KEY_BYTES = 32
MOST_CONNECTIONS = 2000
CLOSING_SECONDS = 1
KEEP_ALIVE_SECONDS = 20


def key_in(folder: Path) -> bytes:
    """The key with which cookies are signed, made at the first call, so that a restart logs nobody out.

    Raises OSError.
    """
    path = folder / "dashboard.key"
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = b""
    if len(key) == KEY_BYTES:
        return key
    key = secrets.token_bytes(KEY_BYTES)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with new_draft(folder, mode=0o600) as draft:
        draft.file.write(key)
        draft.complete()
        draft.publish(path)
    return key


def bound(reach: Reach) -> socket.socket:
    """A socket that listens where the dashboard is to be reached. Raises `BadRequestError`."""
    try:
        found = socket.getaddrinfo(reach.host, reach.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise refusal("listen", f"cannot listen on {reach.host}: {error}") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(512)
    except OSError as error:
        listening.close()
        why = error.strerror or str(error)
        raise refusal("listen", f"cannot listen on {reach.host}:{reach.port}: {why}") from None
    return listening


def address_of(listening: socket.socket, reach: Reach, code: str = "") -> str:
    """The address of the page for a person to open, with the code if one is needed."""
    host = reach.host
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 - only to be shown as what a browser can open
        host = "localhost"
    host = f"[{host}]" if ":" in host else host
    scheme = "https" if reach.certificate is not None else "http"
    query = f"?code={code}" if code else ""
    return f"{scheme}://{host}:{listening.getsockname()[1]}/{query}"


async def serve(
    settings: DashboardSettings,
    listening: socket.socket,
    on_ready: Callable[[], None],
    *,
    stop_with_stdin: bool = False,
) -> None:
    """Serve at the socket until SIGTERM or SIGINT; with `stop_with_stdin` also until standard input ends.

    `on_ready` is called when requests are answered.
    """
    reach = settings.reach
    server = _Server(
        uvicorn.Config(
            application(settings),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=CLOSING_SECONDS,
            ssl_certfile=reach.certificate,
            ssl_keyfile=reach.key,
            http=PunctualProtocol,
            ws="none",
        ),
        on_ready,
    )
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    if stop_with_stdin:
        asyncio.get_running_loop().add_reader(sys.stdin, server.stop_at_end_of_stdin)
    await server.serve([listening])


class _Server(uvicorn.Server):
    """Ends in peace at a signal, where uvicorn would raise it once more at the end."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As in `uvicorn.Server`."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        yield

    def stop(self) -> None:
        """Stop soon; at a second call at once."""
        self.force_exit = self.should_exit
        self.should_exit = True

    def stop_at_end_of_stdin(self) -> None:
        """Stop where standard input has ended."""
        if not os.read(sys.stdin.fileno(), 4096):
            asyncio.get_running_loop().remove_reader(sys.stdin)
            self.stop()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As in `uvicorn.Server`."""
        await super().startup(sockets)
        self._on_ready()


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a log line tells more than that streams end with the server, or that a stranger sends no HTTP."""
    text = record.getMessage()
    return not any(known in text for known in ("timeout graceful shutdown exceeded", "Invalid HTTP request received"))


def is_reachable_by_others(reach: Reach) -> bool:
    """Whether other machines can connect."""
    return not is_loopback(reach.host)
