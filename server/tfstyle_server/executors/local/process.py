"""A worker process on this machine, as the pool sees it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tfstyle_server.executors.local.environment import worker_environment
from tfstyle_server.executors.local.messages import Command, Report
from tfstyle_server.executors.local.settings import WorkerSettings
from tfstyle_server.executors.local.wire import MOST_BYTES, decode
from tfstyle_server.executors.piped_process import PipedProcess
from tfstyle_server.locations import credentials_of

WORKER = "tfstyle_server.executors.local.worker"


class WorkerProcess:
    """A started worker process, with a folder for its temporary files. Implements `executors.worker.Worker`.

    A worker that sends anything but reports is killed. Raises OSError and RuntimeError where none can be started.
    """

    placed = True

    def __init__(
        self,
        settings: WorkerSettings,
        on_report: Callable[[WorkerProcess, Report], None],
        on_end: Callable[[WorkerProcess, str], None],
    ) -> None:
        self.settings = settings
        settings.temporary.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=settings.temporary))
        with ExitStack() as on_error:
            on_error.callback(shutil.rmtree, temporary, ignore_errors=True)
            self._process = PipedProcess(
                WORKER,
                "worker",
                worker_environment(os.environ, temporary, credentials_of(settings.blobs)),
                settings,
                MOST_BYTES,
                decode,
                lambda report: on_report(self, report),
                lambda exit_code: on_end(self, f"exit code {exit_code}"),
                partial(shutil.rmtree, temporary, ignore_errors=True),
                relays=settings.log_format == "json",
            )
            on_error.pop_all()

    @property
    def name(self) -> str:
        """As in `Worker`: the process ID."""
        return str(self.pid)

    @property
    def pid(self) -> int:
        """As in `Worker`."""
        return self._process.pid

    async def send(self, command: Command) -> None:
        """As in `Worker`."""
        await self._process.send(command)

    def kill(self) -> None:
        """As in `Worker`. Nothing is lost with the process that is not on the disk as well."""
        self._process.kill()

    def wait(self) -> None:
        """As in `Worker`."""
        self._process.wait()
