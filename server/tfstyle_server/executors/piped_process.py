"""A child process of the front that it talks with through a pipe: started, sent to, listened to, noticed when it ends.

All methods are for the event loop's thread. Since the pipe cannot be awaited, a thread reads it and hands each message
to the event loop.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from os import dup
from typing import IO, Generic, TypeVar

from tfstyle_server.background import Background

log = logging.getLogger("tfstyle.front")

MOST_UNHANDLED = 64
"""Messages that have been read and wait for the event loop; with more, the process has to wait."""
LONGEST_LINE = 64 * 1024
"""The longest line of a process's standard error; a longer one is divided."""
EXIT_SECONDS = 5.0
"""How long a process whose pipe has closed may take to exit before it is killed."""

Message = TypeVar("Message")


class UnreadableError(Exception):
    """The bytes that a process sent are no message; `str()` of it says why."""


class PipedProcess(Generic[Message]):
    """A process that runs `python -m module FILE` with its end of the pipe as the open file FILE.

    It is sent the object `first`. What it sends, at most `most_bytes` at once, is parsed by `parse` in a thread, which
    raises `UnreadableError`; whoever sends anything else is killed. `on_message` is called with each message, and
    `on_end` once with the exit code; before that, `clean_up` is called in the thread. `what` names the process in log
    lines, followed by its process ID. With `relays` its log lines pass through this process, which makes each a JSON
    object.
    """

    def __init__(
        self,
        module: str,
        what: str,
        environment: Mapping[str, str],
        first: object,
        most_bytes: int,
        parse: Callable[[bytes], Message],
        on_message: Callable[[Message], None],
        on_end: Callable[[int | None], None],
        clean_up: Callable[[], None] = lambda: None,
        *,
        relays: bool = False,
    ) -> None:
        self._what = what
        self._most_bytes = most_bytes
        self._parse = parse
        self._on_message = on_message
        self._on_end = on_end
        self._clean_up = clean_up
        self._loop = asyncio.get_running_loop()
        self._sending = asyncio.Lock()
        self._background = Background()
        self._unhandled = threading.Semaphore(MOST_UNHANDLED)
        with ExitStack() as on_error:
            self._socket, other_end = socket.socketpair()
            on_error.callback(self._socket.close)
            with other_end:
                self._process = started(module, other_end.fileno(), environment, relays=relays)
            on_error.callback(self._process.kill)
            self._pipe = Connection(dup(self._socket.fileno()))
            with suppress(OSError):  # where it has ended already, which `_read` notices
                self._pipe.send(first)
            self._begin_thread("reader", self._read)
            self._begin_thread("waiter", self._wait_for_end)
            if self._process.stderr is not None:
                self._begin_thread("relay", _relay, what, self.pid, self._process.stderr)
            on_error.pop_all()

    def _begin_thread(self, role: str, target: Callable[..., None], *arguments: object) -> None:
        name = f"tfstyle-{self._what}-{role}"
        threading.Thread(target=target, args=arguments, name=name, daemon=True).start()

    @property
    def pid(self) -> int:
        """The process ID."""
        return self._process.pid

    async def send(self, message: object) -> None:
        """Send `message`. If the process has ended already, this does nothing, since `on_end` reports that."""
        async with self._sending:
            try:
                # A process that does not read may let the pipe fill up, so sending may block.
                await asyncio.to_thread(self._pipe.send, message)
            except OSError:
                log.info("%s %s ended before it received a message", self._what, self.pid)

    def post(self, message: object) -> None:
        """Send `message` soon, after those that were sent or posted before."""
        self._background.start(self.send(message))

    def kill(self) -> None:
        """Kill the process."""
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
                message = self._parse(self._pipe.recv_bytes(self._most_bytes))
                self._unhandled.acquire()
                self._loop.call_soon_threadsafe(self._handle, message)
        except UnreadableError as error:
            log.error("%s %s is killed: it sent bytes that are no report: %s", self._what, self.pid, error)
            self._process.kill()
        except (EOFError, OSError, RuntimeError):  # RuntimeError: the event loop has closed
            pass
        except Exception:
            log.exception("%s %s is killed: it cannot be heard", self._what, self.pid)
            self._process.kill()
        self._end()

    def _handle(self, message: Message) -> None:
        self._unhandled.release()
        self._on_message(message)

    def _end(self) -> None:
        try:
            self._process.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._pipe.close()
        self._socket.close()
        self._clean_up()
        try:
            self._loop.call_soon_threadsafe(self._on_end, self._process.returncode)
        except RuntimeError:
            log.debug("%s %s ended after the event loop", self._what, self.pid)


def started(module: str, pipe: int, environment: Mapping[str, str], *, relays: bool = False) -> subprocess.Popen[bytes]:
    """A new process that runs `module` with the open file `pipe`. Raises OSError.

    With `relays` its standard error can be read here, and is otherwise that of this process.
    """
    # -P: modules that lie in the current folder are none of ours.
    command = [sys.executable, "-P", "-m", module, str(pipe)]
    error = subprocess.PIPE if relays else None
    with _signals_blocked():
        return subprocess.Popen(  # noqa: S603 - our own module
            command, env=environment, pass_fds=[pipe], stdin=subprocess.DEVNULL, stderr=error
        )


def _relay(what: str, pid: int, error: IO[bytes]) -> None:
    """Pass on a process's log lines. What TensorFlow and other libraries write becomes log lines of ours."""
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
                log.info("%s %s: %s", what, pid, text)


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
