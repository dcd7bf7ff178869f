"""Pictures as files named by the SHA-256 of their bytes: written once, whole or not at all, never changed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

SPARED_SECONDS = 100.0
"""A blob that nothing refers to stays for so long: who has just written it may be about to."""


class BlobDamagedError(Exception):
    """A blob is gone, or its bytes are not those that its name promises."""


class BlobStore:
    """Blobs below `folder`. Safe for any number of processes and threads; every method may raise OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unwanted: dict[tuple[str, int, int], float] = {}  # which file: since when
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, digest: str) -> Path:
        """Where the blob of that digest is, or would be."""
        return self._folder / digest[:2] / digest

    def put(self, pieces: Iterable[bytes]) -> str:
        """Write a blob and give its digest."""
        draft = self._folder / f"{secrets.token_hex(8)}.draft"
        digest = hashlib.sha256()
        try:
            with draft.open("wb") as file:
                for piece in pieces:
                    digest.update(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            path = self.path(digest.hexdigest())
            path.parent.mkdir(exist_ok=True)
            with self._undisturbed():
                draft.replace(path)  # over its like, if there is one: a new file is spared by `sweep`
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        return digest.hexdigest()

    def read(self, digest: str) -> bytes:
        """The blob, checked. Raises `BlobDamagedError`."""
        try:
            data = self.path(digest).read_bytes()
        except FileNotFoundError:
            raise BlobDamagedError(f"{digest} is gone") from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise BlobDamagedError(f"{digest} is damaged")
        return data

    def sweep(self, wanted: frozenset[str], now: float) -> int:
        """Delete blobs, and drafts that were left, that earlier sweeps have not found `wanted` for `SPARED_SECONDS`
        either; gives the bytes freed. `now` in seconds of a clock that nobody sets. For one thread at a time.
        """
        freed = 0
        unwanted = {}
        for file in [*self._folder.glob("??/*"), *self._folder.glob("*.draft")]:
            if file.name in wanted:
                continue
            with self._undisturbed():
                try:
                    status = file.stat()
                except FileNotFoundError:  # a draft that has just got its name
                    continue
                # One that is written again is another file.
                key = file.name, status.st_ino, status.st_ctime_ns
                since = self._unwanted.get(key, now)
                if now - since > SPARED_SECONDS:
                    file.unlink()
                    freed += status.st_size
                else:
                    unwanted[key] = since
        self._unwanted = unwanted
        return freed

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """No other thread or process gives a file its name, or takes one away."""
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)
