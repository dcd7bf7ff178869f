"""The dashboard beside a server: a process of its own, started again where it ends, which knows none of our secrets.

It reaches the server through a Unix socket that only this user can open, so that it needs neither certificate nor name
of the server. Its callers authenticate with their own tokens all the same.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tfstyle.loopback import is_loopback
from tfstyle_client.private_folder import private_folder
from tfstyle_server.executors.local.environment import worker_environment
from tfstyle_server.security import SecurityOptions

log = logging.getLogger("tfstyle.front")

SAYS = "tfstyle: dashboard on "
"""What the process says when it answers requests."""
LONGEST_BASE = 70
"""Characters of a temporary folder's path that leave room for the socket's name."""
START_SECONDS = 60.0
STOP_SECONDS = 5.0
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 60.0


class DashboardError(Exception):
    """The dashboard cannot be served; `str()` of it is one line."""


@dataclass(frozen=True)
class DashboardOptions:
    """Where the dashboard listens, host:port, and further names and origins that it accepts."""

    listen: str
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()


@dataclass(frozen=True)
class PrivateSocket:
    """A Unix socket for the dashboard, in a folder that only this user can enter."""

    folder: Path

    @property
    def address(self) -> str:
        """As gRPC takes it."""
        return f"unix:{self.folder}/socket"


@asynccontextmanager
async def dashboard_page(
    options: DashboardOptions, security: SecurityOptions, own: PrivateSocket, public: str
) -> AsyncIterator[None]:
    """Serve the dashboard of the server at `own`, whose address for people is `public`, inside the block.

    Raises `DashboardError` where it cannot start.
    """
    command = _command(options, security, own, public)
    process = await _started(command, own.folder)
    keeping = asyncio.create_task(_keep(process, command, own.folder))
    try:
        yield
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


@contextmanager
def private_socket() -> Iterator[PrivateSocket]:
    """A folder for a private socket, which is deleted at the end; those of servers that were killed are, too."""
    base = tempfile.gettempdir()
    # The path of a socket has at most 107 bytes.
    with private_folder(base if len(base) < LONGEST_BASE else "/tmp") as folder:  # noqa: S108 - it is private
        yield PrivateSocket(folder)


def _command(options: DashboardOptions, security: SecurityOptions, own: PrivateSocket, public: str) -> list[str]:
    # -P: modules that lie in the current folder are none of ours.
    command = [sys.executable, "-P", "-m", "tfstyle_client", "dashboard", "--of-server", "--stop-with-stdin"]
    command += ["--server", own.address, "--public-server", _for_people(public), "--listen", options.listen]
    for host in options.hosts:
        command += ["--host", host]
    for origin in options.origins:
        command += ["--origin", origin]
    if security.insecure:
        command.append("--insecure")
    if security.certificate is not None and security.key is not None:
        command.append("--public-tls")
        page_host = options.listen.rpartition(":")[0].strip("[]")
        if not is_loopback(page_host):
            command += ["--page-certificate", str(security.certificate), "--page-key", str(security.key)]
    return command


def _for_people(address: str) -> str:
    """The address at which others find this server."""
    host, _, port = address.rpartition(":")
    return f"{socket.gethostname()}:{port}" if host in ("0.0.0.0", "[::]") else address  # noqa: S104 - only compared


async def _started(command: list[str], folder: Path) -> Process:
    """The process, once it answers requests. Raises `DashboardError`."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=worker_environment(os.environ, folder),
        start_new_session=True,  # Ctrl-C reaches the server only, which then ends the dashboard
    )
    last = "it said nothing"
    try:
        async with asyncio.timeout(START_SECONDS):
            assert process.stderr is not None
            async for line in process.stderr:
                text = line.decode("utf-8", "replace").strip()
                if text.startswith(SAYS):
                    log.info("dashboard on %s", text.removeprefix(SAYS))
                    return process
                last = text.removeprefix("tfstyle: ") or last
    except TimeoutError:
        last = f"it did not start within {START_SECONDS:.0f} s"
    except asyncio.CancelledError:
        await _end(process)
        raise
    await _end(process)
    raise DashboardError(f"dashboard: {last}")


async def _keep(process: Process, command: list[str], folder: Path) -> None:
    """Pass on what the process says, and start it again where it ends, until cancelled."""
    pause = SHORTEST_PAUSE
    current: Process | None = process
    try:
        while True:
            if current is not None:
                await _relay(current)
                log.warning("the dashboard ended (exit code %s); starting it again", await current.wait())
                current = None
            await asyncio.sleep(pause)
            try:
                current = await _started(command, folder)
                pause = SHORTEST_PAUSE
            except (DashboardError, OSError) as error:
                log.error("%s", error)
                pause = min(2 * pause, LONGEST_PAUSE)
    finally:
        if current is not None:
            await _end(current)


async def _relay(process: Process) -> None:
    assert process.stderr is not None
    while True:
        try:
            line = await process.stderr.readline()
        except ValueError:  # a line that is too long
            continue
        if not line:
            return
        log.info("dashboard: %s", line.decode("utf-8", "replace").rstrip())


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
