"""The server's data folder: its owner lock, the database on a thread of its own, the blobs and the checkpoints."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.message import DecodeError

from tfstyle_server.blobs import BlobFolder, Blobs, blob_files
from tfstyle_server.executors.checkpoints import checkpoint_folder
from tfstyle_server.retention import Retention
from tfstyle_server.schema import is_new
from tfstyle_server.store import JobStore

log = logging.getLogger("tfstyle.front")

TEMPORARY = "temporary"

Value = TypeVar("Value")


class DataInUseError(Exception):
    """Another server holds the folder's lock, or the folder cannot be used. `str()` of it is one line."""


class DatabaseLostError(Exception):
    """There are pictures and no database: what is not in the database would be deleted."""


class Data:
    """An open data folder, locked by this server until `close`. Made by `open_data`."""

    def __init__(self, folder: Path, lock: TextIOWrapper) -> None:
        self._folder = folder
        self._lock = lock
        self._thread = ThreadPoolExecutor(1, "store")
        self.blobs: Blobs
        self.store: JobStore
        """For use with `call` only, since its methods block and belong to one thread."""

    @property
    def blob_folder(self) -> Path:
        """The folder of the blobs, for worker processes on this machine."""
        return blobs_of(self._folder)

    @property
    def checkpoint_base(self) -> Path:
        """The folder with a folder of checkpoints for each job, for worker processes on this machine."""
        return self._folder / "checkpoints"

    @property
    def temporary(self) -> Path:
        """The folder with a folder of temporary files for each worker process on this machine."""
        return self._folder / TEMPORARY

    def delete_checkpoints(self, name: str) -> None:
        """Delete the checkpoints of the job `name`. Blocks."""
        shutil.rmtree(checkpoint_folder(self.checkpoint_base, name), ignore_errors=True)

    def sweep_checkpoints(self, kept: Collection[str]) -> None:
        """Delete the checkpoints of all jobs except those named in `kept`. Blocks."""
        wanted = {checkpoint_folder(self.checkpoint_base, name) for name in kept}
        for folder in self.checkpoint_base.glob("*"):
            if folder not in wanted:
                shutil.rmtree(folder, ignore_errors=True)

    async def call(self, method: Callable[..., Value], *arguments: Any) -> Value:
        """Call a method of the store on the store's thread. Calls are made in the order of the requests for them."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, method, *arguments)

    async def connect(self, retention: Retention, *, accept_empty: bool) -> None:
        """Open the blobs and the database. Raises OSError, sqlite3.Error.

        Raises `DatabaseLostError` unless an empty database is to be accepted beside blobs.
        """
        self.blobs = await self.call(BlobFolder, self.blob_folder)
        if not accept_empty and await self.call(self._has_lost_its_database):
            raise DatabaseLostError
        self.store = await self.call(JobStore, database_of(self._folder), retention)

    def _has_lost_its_database(self) -> bool:
        return is_new(database_of(self._folder)) and any(blob_files(self.blob_folder))

    async def close(self) -> None:
        """Close the database, delete temporary files, and release the lock."""
        await self.call(self.store.close)
        shutil.rmtree(self.temporary, ignore_errors=True)
        self._thread.shutdown()
        self._lock.close()


def database_of(folder: Path) -> Path:
    """The database in a data folder."""
    return folder / "jobs.sqlite3"


def blobs_of(folder: Path) -> Path:
    """The folder of the blobs in a data folder."""
    return folder / "blobs"


async def open_data(folder: Path, retention: Retention, *, accept_empty: bool = False) -> Data:
    """Lock and open `folder`, which is created where it does not exist. Raises `DataInUseError`.

    A folder with blobs and without database is refused unless `accept_empty`, which lets the blobs be deleted. The
    operating system releases the lock however the server ends.
    """
    try:
        data = Data(folder, await asyncio.to_thread(_locked, folder))
        await data.connect(retention, accept_empty=accept_empty)
    except BlockingIOError:
        raise DataInUseError(f"data: another server uses {folder}; name another folder with --data") from None
    except OSError as error:
        raise DataInUseError(f"data: cannot use {folder}: {error.strerror or error}") from None
    except (sqlite3.Error, DecodeError, UnicodeDecodeError) as error:
        raise DataInUseError(
            f"data: cannot use {folder}: {error}; tfstyle-server check tells what is damaged"
        ) from None
    except DatabaseLostError:
        raise DataInUseError(
            f"data: {folder} has pictures, but {database_of(folder).name} is missing or empty; restore it from a"
            " backup, or give --accept-empty-database to delete the pictures"
        ) from None
    return data


def _locked(folder: Path) -> TextIOWrapper:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A link that another user has planted is not followed.
    lock = os.fdopen(os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "r+")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if mended := sum(map(_close_to_others, _own_files(folder))):
        log.warning("data: %d files and folders of %s were open to other users; they no longer are", mended, folder)
    shutil.rmtree(folder / TEMPORARY, ignore_errors=True)  # of workers that were killed with their server
    return lock


def _own_files(folder: Path) -> Iterator[Path]:
    """`folder`, and the files and folders below it that a server made."""
    yield from (folder, folder / "lock")
    yield from folder.glob("jobs.sqlite3*")
    for own in ("blobs", "checkpoints"):
        yield folder / own
        yield from (folder / own).rglob("*")


def _close_to_others(path: Path) -> bool:
    """Take all permissions of others away. Returns whether there were any. What does not exist, or is another user's,
    is left alone.
    """
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode) or not mode & 0o077:
            return False
        path.chmod(stat.S_IMODE(mode) & 0o700)
    except OSError:
        return False
    return True
