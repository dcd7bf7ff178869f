"""The server's folder: who has it, its database on a thread of its own, its pictures, its checkpoints."""

from __future__ import annotations

import asyncio
import fcntl
import shutil
import sqlite3
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TypeVar

from tfstyle_server.blobs import BlobStore
from tfstyle_server.store import JobStore, Retention

Value = TypeVar("Value")


class DataInUseError(Exception):
    """Another server has the folder, or it cannot be used."""


class Data:
    """An opened folder: made by `open_data`, and this server's alone until `close`."""

    def __init__(self, folder: Path, lock: TextIOWrapper) -> None:
        self._folder = folder
        self._lock = lock
        self._thread = ThreadPoolExecutor(1, "store")
        self.blobs: BlobStore
        self.store: JobStore
        """For `call` only: its methods block and belong to one thread."""

    @property
    def blob_folder(self) -> Path:
        """Where the blobs are, for workers."""
        return self._folder / "blobs"

    def checkpoints(self, name: str) -> Path:
        """The folder for the checkpoints of the job `name`."""
        return self._folder / "checkpoints" / name.removeprefix("jobs/")

    def sweep_checkpoints(self, kept: Collection[str]) -> None:
        """Delete the checkpoints of all jobs but those named in `kept`. Blocks."""
        for folder in (self._folder / "checkpoints").glob("*"):
            if f"jobs/{folder.name}" not in kept:
                shutil.rmtree(folder, ignore_errors=True)

    async def call(self, work: Callable[..., Value], *arguments: Any) -> Value:
        """Run `work`, a method of the store, on the store's thread: calls are made in the order of asking."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    async def connect(self, retention: Retention) -> None:
        """Open what the folder has. Raises OSError, sqlite3.Error."""
        self.blobs = await self.call(BlobStore, self.blob_folder)
        self.store = await self.call(JobStore, self._folder / "jobs.sqlite3", retention)

    async def close(self) -> None:
        """Let another server have the folder."""
        await self.call(self.store.close)
        self._thread.shutdown()
        self._lock.close()


async def open_data(folder: Path, retention: Retention) -> Data:
    """Take `folder`, which is made where it is not there. Raises `DataInUseError`.

    The system releases its lock however the server ends.
    """
    try:
        data = Data(folder, await asyncio.to_thread(_locked, folder))
        await data.connect(retention)
    except BlockingIOError:
        raise DataInUseError(f"data: another server uses {folder}; name another folder") from None
    except OSError as error:
        raise DataInUseError(f"data: cannot use {folder}: {error.strerror or error}") from None
    except sqlite3.Error as error:
        raise DataInUseError(f"data: cannot use {folder}: {error}") from None
    return data


def _locked(folder: Path) -> TextIOWrapper:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = (folder / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return lock
