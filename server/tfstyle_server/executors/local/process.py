"""One worker process as the executor sees it: started, sent commands, listened to, and noticed when it ends.

All methods are for the event loop's thread. Since the pipe to a worker cannot be awaited, a thread reads it and hands
each report to the event loop.
"""

from __future__ import annotations

import asyncio
import json
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
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO

from tfstyle_server.executors.local.environment import worker_environment
from tfstyle_server.executors.local.messages import Command, Report
from tfstyle_server.executors.local.settings import WorkerSettings
from tfstyle_server.executors.local.wire import MOST_BYTES, WireError, decode
from tfstyle_server.locations import credentials_of

log = logging.getLogger("tfstyle.front")

WORKER = "tfstyle_server.executors.local.worker"
MOST_UNHANDLED = 64
"""Reports that have been read and wait for the event loop; with more, the worker has to wait."""
LONGEST_LINE = 64 * 1024
"""The longest line of a worker's standard error; a longer one is divided."""
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
        self._unhandled = threading.Semaphore(MOST_UNHANDLED)
        settings.temporary.mkdir(parents=True, exist_ok=True)
        self._temporary = Path(tempfile.mkdtemp(dir=settings.temporary))
        with ExitStack() as on_error:
            on_error.callback(shutil.rmtree, self._temporary, ignore_errors=True)
            self._socket, workers = socket.socketpair()
            on_error.callback(self._socket.close)
            with workers:
                environment = worker_environment(os.environ, self._temporary, credentials_of(settings.blobs))
                self._process = _started(workers.fileno(), environment, relays=settings.log_format == "json")
            on_error.callback(self._process.kill)
            self._pipe = Connection(os.dup(self._socket.fileno()))
            with suppress(OSError):  # where it has ended already, which `_read` notices
                self._pipe.send(settings)
            self._begin_thread("reader", self._read)
            self._begin_thread("waiter", self._wait_for_end)
            if self._process.stderr is not None:
                self._begin_thread("relay", _relay, self.pid, self._process.stderr)
            on_error.pop_all()

    def _begin_thread(self, what: str, target: Callable[..., None], *arguments: object) -> None:
        name = f"tfstyle-worker-{self.settings.device}-{what}"
        threading.Thread(target=target, args=arguments, name=name, daemon=True).start()

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

    def _wait_for_end(self) -> None:
        """End the pipe with the process: one that the process has started may hold it open."""
        self._process.wait()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # what has arrived can still be read

    def _read(self) -> None:
        try:
            while True:
                report = decode(self._pipe.recv_bytes(MOST_BYTES))
                self._unhandled.acquire()
                self._loop.call_soon_threadsafe(self._handle, report)
        except WireError as error:
            log.error("worker %s is killed: it sent bytes that are no report: %s", self.pid, error)
            self._process.kill()
        except (EOFError, OSError, RuntimeError):  # RuntimeError: the event loop has closed
            pass
        except Exception:
            log.exception("worker %s is killed: it cannot be heard", self.pid)
            self._process.kill()
        self._end()

    def _handle(self, report: Report) -> None:
        self._unhandled.release()
        self._on_report(self, report)

    def _end(self) -> None:
        try:
            self._process.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._pipe.close()
        self._socket.close()
        shutil.rmtree(self._temporary, ignore_errors=True)
        try:
            self._loop.call_soon_threadsafe(self._on_end, self, self._process.returncode)
        except RuntimeError:
            log.debug("worker %s ended after the event loop", self.pid)


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
    """Pass on a worker's log lines. What TensorFlow and other libraries write becomes log lines of ours."""
    with error:
        while data := error.readline(LONGEST_LINE):
            text = data.decode("utf-8", "replace").rstrip()
            try:
                line = json.loads(text)
            except ValueError:
                line = None
            if isinstance(line, dict):  # a worker speaks for itself only
                sys.stderr.write(json.dumps({**line, "logger": "tfstyle.worker"}, ensure_ascii=False) + "\n")
            else:
                log.info("worker %s: %s", pid, text)


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
