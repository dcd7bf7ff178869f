"""One worker process as the executor sees it: started, sent commands, listened to, and noticed when it ends.

All methods are for the event loop's thread. Since the pipe to a worker cannot be awaited, a thread reads it and hands
each report to the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO

from tfstyle_server.executors.local.environment import worker_environment
from tfstyle_server.executors.local.messages import Command, Report
from tfstyle_server.executors.local.settings import WorkerSettings
from tfstyle_server.executors.local.wire import MOST_BYTES, WireError, decode

log = logging.getLogger("tfstyle.front")

WORKER = "tfstyle_server.executors.local.worker"
EXIT_SECONDS = 5.0
"""How long a process whose pipe has closed may take to exit before it is killed."""


class WorkerProcess:
    """A started worker. `on_report` is called with each report, and `on_end` once with the exit code.

    A worker that sends anything but reports is killed.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        on_report: Callable[[WorkerProcess, Report], None],
        on_end: Callable[[WorkerProcess, int | None], None],
    ) -> None:
        self.settings = settings
        self._on_report = on_report
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._sending = asyncio.Lock()
        settings.temporary.mkdir(parents=True, exist_ok=True)
        self._temporary = Path(tempfile.mkdtemp(dir=settings.temporary))
        own, workers = socket.socketpair()
        self._pipe = Connection(own.detach())
        with workers, _removed_on_error(self._temporary):
            environment = worker_environment(os.environ, self._temporary)
            self._process = _started(workers.fileno(), environment, relays=settings.log_format == "json")
        with suppress(OSError):  # where it has ended already, which `_read` notices
            self._pipe.send(settings)
        name = f"tfstyle-worker-{settings.device}-reader"
        threading.Thread(target=self._read, args=(self._pipe,), name=name, daemon=True).start()
        if self._process.stderr is not None:
            threading.Thread(target=_relay, args=(self.pid, self._process.stderr), name=name, daemon=True).start()

    @property
    def pid(self) -> int:
        """The process ID."""
        return self._process.pid

    async def send(self, command: Command) -> None:
        """Send `command`. If the worker has ended already, this does nothing, since `on_end` reports that."""
        async with self._sending:
            try:
                # A worker that does not read may let the pipe fill up, so sending may block.
                await asyncio.to_thread(self._pipe.send, command)
            except OSError:
                log.info("worker %s ended before it received a command", self.pid)

    def kill(self) -> None:
        """Kill the process. Nothing is lost with it that is not on the disk as well."""
        self._process.kill()

    def wait(self) -> None:
        """Wait, not long, until a killed process has ended. Blocks."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(EXIT_SECONDS)

    def _read(self, pipe: Connection) -> None:
        try:
            while True:
                report = decode(pipe.recv_bytes(MOST_BYTES))
                self._loop.call_soon_threadsafe(self._on_report, self, report)
        except WireError as error:
            log.error("worker %s is killed: it sent bytes that are no report: %s", self.pid, error)
            self._process.kill()
        except (EOFError, OSError, RuntimeError):  # RuntimeError: the event loop has closed
            pass
        try:
            self._process.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._temporary, ignore_errors=True)
        try:
            self._loop.call_soon_threadsafe(self._on_end, self, self._process.returncode)
        except RuntimeError:
            log.debug("worker %s ended after the event loop", self.pid)


@contextmanager
def _removed_on_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _started(pipe: int, environment: dict[str, str], *, relays: bool = False) -> subprocess.Popen[bytes]:
    """A new process that runs `worker.main` with the open file `pipe`. Raises OSError.

    With `relays` its standard error can be read here, and is otherwise that of this process.
    """
    # -P: modules that lie in the current folder are none of ours.
    command = [sys.executable, "-P", "-m", WORKER, str(pipe)]
    error = subprocess.PIPE if relays else None
    with _signals_blocked():
        return subprocess.Popen(  # noqa: S603 - our own module
            command, env=environment, pass_fds=[pipe], stdin=subprocess.DEVNULL, stderr=error
        )


def _relay(pid: int, error: IO[bytes]) -> None:
    """Pass on a worker's standard error. What TensorFlow and other libraries write becomes log lines of ours."""
    with error:
        for line in error:
            if line.startswith(b"{"):
                sys.stderr.write(line.decode("utf-8", "replace"))
            else:
                log.info("worker %s: %s", pid, line.decode("utf-8", "replace").rstrip())


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """A process that is started here begins with signals blocked, until it ignores them.

    Ctrl-C and SIGTERM may reach the whole process group, but the server decides when a job ends.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
