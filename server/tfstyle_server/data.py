"""The server's data folder: its owner lock, the database on a thread of its own, the blobs and the checkpoints."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.message import DecodeError

from tfstyle_server.blobs import Blobs
from tfstyle_server.elsewhere import BLOBS, CHECKPOINTS, settle
from tfstyle_server.executors.checkpoints import CheckpointStore
from tfstyle_server.locations import LocationError, below, checked_location, open_blobs, open_checkpoints
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
        self._location = str(folder)
        self.blobs: Blobs
        self.checkpoints: CheckpointStore
        self.store: JobStore
        """For use with `call` only, since its methods block and belong to one thread."""

    @property
    def blob_location(self) -> str:
        """Where workers find the blobs."""
        return below(self._location, BLOBS)

    @property
    def checkpoint_location(self) -> str:
        """Where workers find the checkpoints."""
        return below(self._location, CHECKPOINTS)

    @property
    def temporary(self) -> Path:
        """The folder with a folder of temporary files for each worker process on this machine."""
        return self._folder / TEMPORARY

    async def call(self, method: Callable[..., Value], *arguments: Any) -> Value:
        """Call a method of the store on the store's thread. Calls are made in the order of the requests for them."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, method, *arguments)

    async def connect(self, retention: Retention, blobs: str | None, *, accept_empty: bool) -> None:
        """Open the blobs, as in `open_data`, and the database. Raises `LocationError`, OSError, sqlite3.Error.

        Raises `DatabaseLostError` unless an empty database is to be accepted beside blobs.
        """
        asked = None if blobs is None else checked_location(blobs)
        self._location = await self.call(settle, self._folder, asked)
        self.blobs = await self.call(open_blobs, self.blob_location)
        self.checkpoints = await self.call(open_checkpoints, self.checkpoint_location)
        if not accept_empty and await self.call(self._has_lost_its_database):
            raise DatabaseLostError
        self.store = await self.call(JobStore, database_of(self._folder), retention)

    def _has_lost_its_database(self) -> bool:
        return is_new(database_of(self._folder)) and any(self.blobs.names())

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
    return folder / BLOBS


async def open_data(
    folder: Path, retention: Retention, blobs: str | None = None, *, accept_empty: bool = False
) -> Data:
    """Lock and open `folder`, which is created where it does not exist. Raises `DataInUseError`.

    `blobs` is where pictures and checkpoints are; None: where the folder remembers, or else in it.
    A folder with blobs and without database is refused unless `accept_empty`, which lets the blobs be deleted. The
    operating system releases the lock however the server ends.
    """
    try:
        data = Data(folder, await asyncio.to_thread(_locked, folder))
        await data.connect(retention, blobs, accept_empty=accept_empty)
    except BlockingIOError:
        raise DataInUseError(f"data: another server uses {folder}; name another folder with --data") from None
    except LocationError as error:
        raise DataInUseError(f"blobs: {error}") from None
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
    for own in (BLOBS, CHECKPOINTS):
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
