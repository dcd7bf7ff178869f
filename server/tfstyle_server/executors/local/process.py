"""One worker process as the executor sees it: started, sent commands, listened to, and noticed when it ends.

All methods are for the event loop's thread. Since a multiprocessing pipe cannot be awaited, a thread reads it and hands
each report to the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection

from tfstyle_server.executors.local import worker
from tfstyle_server.executors.local.messages import Command, Report
from tfstyle_server.executors.local.settings import WorkerSettings

log = logging.getLogger("tfstyle.front")

EXIT_SECONDS = 5.0
"""How long a process whose pipe has closed may take to exit before it is killed."""


class WorkerProcess:
    """A spawned worker. `on_report` is called with each report, and `on_end` once with the exit code."""

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
        self._pipe, worker_end = context.Pipe()
        name = f"tfstyle-worker-{settings.device}"
        self._process = context.Process(target=worker.main, args=(worker_end, settings), name=name, daemon=True)
        self._process.start()
        worker_end.close()  # so that the pipe closes when the process ends
        threading.Thread(target=self._read, args=(self._pipe,), name=f"{name}-reader", daemon=True).start()

    @property
    def pid(self) -> int | None:
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

    def _read(self, pipe: Connection) -> None:
        try:
            while True:
                report = pipe.recv()
                self._loop.call_soon_threadsafe(self._on_report, self, report)
        except (EOFError, OSError, RuntimeError):  # RuntimeError: the event loop has closed
            pass
        self._process.join(EXIT_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        try:
            self._loop.call_soon_threadsafe(self._on_end, self, self._process.exitcode)
        except RuntimeError:
            log.debug("worker %s ended after the event loop", self.pid)
