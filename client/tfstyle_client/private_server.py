"""A private server for one run: reached through a socket that only this user can open."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tfstyle_client.errors import CallCancelledError, ClientError, NotPreparedError, ServerUnreachableError

STOP_SECONDS = 10.0
START_SECONDS = 60.0
LONGEST_BASE = 70


@contextmanager
def private_server(weights: str | None = None, network: str = "auto") -> Iterator[str]:
    """Start a server, give its address, stop it at the end; it also ends if this process is killed.

    Raises `ClientError` with the server's last line where it cannot start or broke down.
    """
    if importlib.util.find_spec("grpc_health") is None or importlib.util.find_spec("tensorflow") is None:
        message = "server: none is installed here; pip install 'tfstyle[server]', or name one with --server HOST:PORT"
        raise ServerUnreachableError(message, "UNAVAILABLE")
    # A socket's path has room for a hundred bytes.
    base = None if len(tempfile.gettempdir()) < LONGEST_BASE else "/tmp"  # noqa: S108 - the folder is private
    with tempfile.TemporaryDirectory(prefix="tfstyle-", dir=base) as folder:
        socket, log = Path(folder) / "socket", Path(folder) / "log"
        arguments = ["--listen", f"unix:{socket}", "--data", f"{folder}/data", "--network", network]
        arguments += ["--grace", "0", "--stop-with-stdin"]
        if weights is not None:
            arguments += ["--weights", weights]
        with log.open("wb") as output:
            server = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "tfstyle_server", *arguments],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the client, which then stops the server
            )
        try:
            _wait_for(socket, server, log)
            try:
                yield f"unix:{socket}"
            except (ServerUnreachableError, CallCancelledError):
                # Its own last words say more than a broken connection does.
                if _ended(server, 3.0):
                    raise _obituary(server, log) from None
                raise
        finally:
            _stop(server)


def _wait_for(socket: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not socket.exists():
        if server.poll() is not None or time.monotonic() > deadline:
            raise _obituary(server, log)
        time.sleep(0.02)


def _ended(server: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        server.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _obituary(server: subprocess.Popen[bytes], log: Path) -> ClientError:
    """Why the server is not there: what it said itself, else how it ended."""
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    for line in reversed(lines):
        if line.startswith("tfstyle-server: "):
            return NotPreparedError(line.removeprefix("tfstyle-server: "), "FAILED_PRECONDITION")
    last = lines[-1] if lines else "nothing"
    how = f"it ended with {server.poll()}, and its last log line is: {last}"
    return ServerUnreachableError(f"server: the private server has gone: {how}", "UNAVAILABLE")


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.stdin is not None:
        server.stdin.close()
    server.terminate()
    if not _ended(server, STOP_SECONDS):
        server.kill()
        server.wait()
