"""Objects in a store on the network, as fsspec reaches it: each is written whole or not at all."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfstyle_server.blobs import StoreUnavailableError

_OPTIONS: dict[str, dict[str, Any]] = {
    "s3": {
        # A store that is down is to be noticed while the caller still waits.
        "config_kwargs": {
            "connect_timeout": 3,
            "read_timeout": 10,
            "retries": {"mode": "standard", "total_max_attempts": 2},
        },
        "use_listings_cache": False,
    },
    "memory": {},
}
"""{protocol: the arguments of fsspec's file system}. Only protocols whose writes are atomic."""
PROTOCOLS = tuple(_OPTIONS)
ATTEMPTS = 1
"""Attempts that s3fs itself makes; botocore makes several in each."""
SECONDS, LISTING_SECONDS = 25.0, 120.0
LEAST_RATE = 0.5e6
"""Bytes a second; a request that is slower fails."""
TOGETHER = 2
"""Parts of one file that are on their way at once; each is in memory."""


@dataclass(frozen=True)
class Entry:
    """What a listing tells of an object. `modified` orders the versions of one thing, and has no other meaning."""

    size: int
    modified: str


class ObjectStore:
    """The objects below `url`, which is PROTOCOL://PREFIX. Names are relative to it.

    All methods block, and raise `StoreUnavailableError`; ImportError where a package for the protocol is missing. May
    be used from any number of threads and processes.
    """

    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs

        protocol = url.partition("://")[0]
        self._fs, root = url_to_fs(url, **_OPTIONS[protocol])
        if protocol == "s3":
            self._fs.retries = ATTEMPTS
        self._root = root.rstrip("/")

    def listed(self, below: str = "") -> dict[str, Entry]:
        """The objects whose names begin with the folder `below`, by name."""
        path = f"{self._root}/{below}".rstrip("/")
        try:
            found = self._call("find", path, seconds=LISTING_SECONDS, detail=True)
        except FileNotFoundError:
            return {}
        entries = {}
        for name, status in found.items():
            modified = status.get("LastModified") or status.get("created")
            entries[name.removeprefix(f"{self._root}/")] = Entry(status["size"], str(modified))
        return entries

    def read(self, name: str, start: int, end: int) -> bytes:
        """The bytes of an object from `start` to before `end`. Raises FileNotFoundError."""
        if end <= start:
            return b""
        return bytes(self._call("cat_file", self._path(name), seconds=_most_seconds(end - start), start=start, end=end))

    def write(self, name: str, data: bytes) -> None:
        """Write an object, in one request, so that nothing is left of one that breaks off."""
        in_one = {"chunksize": len(data) + 1} if self._is_s3 else {}
        self._call("pipe_file", self._path(name), data, seconds=_most_seconds(len(data)), **in_one)

    def create(self, name: str, data: bytes) -> None:
        """Write an object that does not exist yet. Raises FileExistsError."""
        self._call("pipe_file", self._path(name), data, seconds=_most_seconds(len(data)), mode="create")

    def upload(self, path: Path, name: str) -> None:
        """Write an object from the file at `path`, in parts where it is large."""
        limits = {"max_concurrency": TOGETHER} if self._is_s3 else {}
        seconds = _most_seconds(path.stat().st_size)
        self._call("put_file", str(path), self._path(name), seconds=seconds, **limits)

    def download(self, name: str, path: Path) -> None:
        """Write an object to the file `path`. Raises FileNotFoundError."""
        limits = {"max_concurrency": TOGETHER} if self._is_s3 else {}
        size = self._call("size", self._path(name), seconds=_most_seconds(0))
        self._call("get_file", self._path(name), str(path), seconds=_most_seconds(size), **limits)

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects; those that do not exist are passed over."""
        for name in names:
            with suppress(FileNotFoundError):
                self._call("rm_file", self._path(name), seconds=_most_seconds(0))

    @property
    def _is_s3(self) -> bool:
        return "s3" in self._fs.protocol

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _call(self, method: str, *arguments: Any, seconds: float, **options: Any) -> Any:
        """Call a method of the file system, which has `seconds` for it."""
        from fsspec.asyn import sync

        try:
            if not self._fs.async_impl:
                return getattr(self._fs, method)(*arguments, **options)
            # The limit is needed: aiohttp waits for ever where a server does not ask for the body that it announced.
            return sync(self._fs.loop, getattr(self._fs, f"_{method}"), *arguments, timeout=seconds, **options)
        except FileExistsError:
            raise
        except FileNotFoundError as error:
            if _code(error) != "NoSuchBucket":
                raise
            raise StoreUnavailableError(errno.EIO, _line(error)) from None
        except TimeoutError:
            raise StoreUnavailableError(errno.EIO, f"no answer within {seconds:.0f} s") from None
        except Exception as error:  # botocore's and aiohttp's are no OSError
            raise StoreUnavailableError(errno.EIO, _line(error)) from None


def _most_seconds(size: int) -> float:
    """How long a request may take that sends or fetches `size` bytes."""
    return SECONDS + size / LEAST_RATE


def _code(error: Exception) -> str:
    """S3's own name of an error; empty where there is none."""
    response = getattr(error.__cause__, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def _line(error: Exception) -> str:
    """The error as one line."""
    said = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return " ".join(said.split()) or type(error).__name__
