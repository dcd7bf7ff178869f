"""A server for one run, reached through a Unix socket that only this user can open."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tfstyle_client.errors import CallCancelledError, ClientError, FailedPreconditionError, ServerUnreachableError
from tfstyle_client.files import LARGEST_FILE
from tfstyle_client.private_folder import private_folder

START_SECONDS = 60.0
STOP_SECONDS = 10.0
END_SECONDS = 3.0
"""How long a server that broke down may take to exit, so that its log is complete."""
LONGEST_BASE = 70
"""Characters of a temporary folder's path that leave room for the socket's name in the 107 of its path."""


@contextmanager
def private_server(weights: str | None = None, network: str = "auto") -> Iterator[str]:
    """Start a server, yield its address, and stop it at the end. It also ends if this process is killed.

    Raises `ClientError` with the server's last line where it cannot start or broke down.
    """
    if importlib.util.find_spec("grpc_health") is None or importlib.util.find_spec("tensorflow") is None:
        message = "server: none is installed here; pip install 'tfstyle[server]', or name one with --server HOST:PORT"
        raise ServerUnreachableError(message, "UNAVAILABLE")
    base = tempfile.gettempdir()
    with private_folder(base if len(base) < LONGEST_BASE else "/tmp") as folder:  # noqa: S108 - it is private
        socket, log = folder / "socket", folder / "log"
        arguments = ["--listen", f"unix:{socket}", "--data", f"{folder}/data", "--network", network]
        arguments += ["--max-image-bytes", str(LARGEST_FILE), "--grace", "0", "--stop-with-stdin"]
        if weights is not None:
            arguments += ["--weights", weights]
        with log.open("wb") as output:
            server = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "tfstyle_server", *arguments],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(),
                start_new_session=True,  # Ctrl-C reaches the client only, which then stops the server
            )
        try:
            _wait_for(socket, server, log)
            try:
                yield f"unix:{socket}"
            except (ServerUnreachableError, CallCancelledError):
                # The server's own last line says more than that the connection was lost.
                if _ended(server, END_SECONDS):
                    raise _reason_for_end(server, log) from None
                raise
        finally:
            _stop(server)


def _environment() -> dict[str, str]:
    """The environment without what is meant for other programs and other servers.

    The engine needs Keras on TensorFlow, whatever KERAS_BACKEND says. Settings for a shared server, such as
    TFSTYLE_TOKENS, would make the private server refuse its own client.
    """
    engine_settings = {"TFSTYLE_WEIGHTS", "TFSTYLE_MEMORY", "TFSTYLE_DEVICES", "TFSTYLE_TF32", "TFSTYLE_NOT_REPEATABLE"}
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("TFSTYLE_") or name in engine_settings
    }
    return kept | {"KERAS_BACKEND": "tensorflow"}


def _wait_for(socket: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not socket.exists():
        if server.poll() is not None or time.monotonic() > deadline:
            raise _reason_for_end(server, log)
        time.sleep(0.02)


def _ended(server: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        server.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _reason_for_end(server: subprocess.Popen[bytes], log: Path) -> ClientError:
    """Why the server ended: its own error message, or else its exit code."""
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    for line in reversed(lines):
        if line.startswith("tfstyle-server: "):
            return FailedPreconditionError(line.removeprefix("tfstyle-server: "), "FAILED_PRECONDITION")
    last = lines[-1] if lines else "empty"
    how = f"exit code {server.poll()}, and the last line of its log is: {last}"
    return ServerUnreachableError(f"server: the private server ended: {how}", "UNAVAILABLE")


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.stdin is not None:
        server.stdin.close()
    server.terminate()
    if not _ended(server, STOP_SECONDS):
        server.kill()
        server.wait()
