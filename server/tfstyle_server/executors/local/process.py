"""The front's hold on one worker process: start it, talk to it, notice its end.

All methods run on the event loop's thread. One thread of its own reads the pipe, since a pipe of
multiprocessing cannot be awaited, and hands each report to the loop.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection

from tfstyle_server import worker
from tfstyle_server.messages import Command, Report, WorkerSettings

log = logging.getLogger("tfstyle.front")


class WorkerProcess:
    """A spawned worker. `on_report` is called with each report, `on_end` once with its exit code."""

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
        # TensorFlow and gRPC do not survive a fork.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        name = f"tfstyle-worker-{settings.device}"
        self._process = context.Process(target=worker.main, args=(theirs, settings), name=name, daemon=True)
        self._process.start()
        theirs.close()  # so that the pipe ends when the process does
        threading.Thread(target=self._read, args=(self._pipe,), name=f"{name}-reader", daemon=True).start()

    @property
    def pid(self) -> int | None:
        """The process' number."""
        return self._process.pid

    async def send(self, command: Command) -> None:
        """Pass `command` on; a worker that is gone already is no error, for `on_end` tells of it."""
        async with self._sending:
            try:
                # A worker that does not read may let the pipe fill up.
                await asyncio.to_thread(self._pipe.send, command)
            except OSError:
                log.info("worker %s has gone before it could be told", self.pid)

    def kill(self) -> None:
        """End the process at once. It holds nothing that is not the front's as well."""
        self._process.kill()

    def _read(self, pipe: Connection) -> None:
        try:
            while True:
                report = pipe.recv()
                self._loop.call_soon_threadsafe(self._on_report, self, report)
        except (EOFError, OSError, RuntimeError):  # RuntimeError: the loop has closed before us
            pass
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        try:
            self._loop.call_soon_threadsafe(self._on_end, self, self._process.exitcode)
        except RuntimeError:
            log.debug("worker %s ended after the front's loop", self.pid)
