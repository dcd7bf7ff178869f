"""Pictures stored under the SHA-256 of their bytes: written once, whole or not at all, and never changed."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from tfstyle.atomic import SUFFIX, new_draft, write_atomically
from tfstyle.file_lock import locked

_DIGEST = re.compile("[0-9a-f]{64}")
UNREFERENCED_SECONDS = 100.0
"""How long a blob is kept that nothing refers to: the process that has just written it may be about to refer to it."""


OWNER = "owner"
"""The name of the file or object that tells whose the blobs are."""


class BlobDamagedError(Exception):
    """A blob is missing, or its bytes do not match its digest."""

    def __init__(self, digest: str, why: str = "is damaged") -> None:
        super().__init__(f"blob {digest} {why}")
        self.why = why


class BlobMissingError(BlobDamagedError):
    """There is no such blob."""

    def __init__(self, digest: str) -> None:
        super().__init__(digest, "is missing")


class BlobsTakenError(Exception):
    """The blobs belong to another server's data folder."""


class StoreUnavailableError(OSError):
    """A store on the network does not answer, or refuses; it may work later. `strerror` is one line with the cause."""


class Blobs(Protocol):
    """A store of blobs, each named by its digest: the SHA-256 of its bytes, in hexadecimal.

    All methods block and may raise OSError, which is `StoreUnavailableError` where blobs are not on this machine. They
    may be called from any number of threads and processes.
    """

    def owner(self) -> str:
        """Whose the blobs are; empty where they are nobody's yet."""

    def claim(self, owner: str) -> None:
        """Check that blobs can be written and read, and that they are those of `owner`, from now on if nobody's yet.

        Raises `BlobsTakenError`.
        """

    def put(self, pieces: Iterable[bytes], digest: str | None = None) -> str:
        """Write a blob and return its digest. Pass `digest` where it is known, so that it is not computed again."""

    def read(self, digest: str) -> bytes:
        """Return a blob after checking it against its digest. Raises `BlobDamagedError`."""

    def pieces(self, digest: str, offset: int, length: int) -> Iterator[bytes]:
        """Yield a blob from byte `offset` on in pieces of `length` bytes; no file stays open between two of them.

        Raises `BlobDamagedError` where the blob is missing, and in place of the last piece where the bytes do not match
        the digest.
        """

    def size(self, digest: str) -> int | None:
        """Bytes of the blob with this digest; None where there is none."""

    def names(self) -> Iterator[str]:
        """The digests of all blobs, and the names of what lies among them, in no particular order."""

    @property
    def held(self) -> int:
        """About how many bytes all blobs have, those among them that are not wanted any more."""

    def sweep(self, wanted: frozenset[str], now: float) -> int:
        """Delete blobs that have not been `wanted` for `UNREFERENCED_SECONDS`, and return the number of bytes freed.

        `now` is in seconds of a monotonic clock. Call this from one thread at a time.
        """


def is_digest(value: object) -> bool:
    """Whether `value`, of a damaged row perhaps, can be the digest of a blob."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def checked_digest(value: str) -> str:
    """`value`. Raises `BlobDamagedError` where it is no digest."""
    if not is_digest(value):
        raise BlobDamagedError(repr(value[:100]), "has a name that is no digest")
    return value


def blob_files(folder: Path) -> Iterator[Path]:
    """The files of the blobs below `folder`, each named by its digest."""
    return folder.glob("??/*")


class BlobFolder:
    """Blobs as files below `folder`, which the first one makes where it does not exist. Implements `Blobs`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unwanted: dict[tuple[str, int, int], float] = {}
        """{(file name, inode, change time in ns): when a sweep first found the file unwanted}."""
        self.held = 0
        """Bytes of all blobs at the last sweep, and of those that this process has written since."""

    def owner(self) -> str:
        """As in `Blobs`."""
        try:
            return (self._folder / OWNER).read_text("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def claim(self, owner: str) -> None:
        """As in `Blobs`."""
        path = self._folder / OWNER
        self._folder.mkdir(parents=True, exist_ok=True)
        with locked(self._folder):
            if not path.exists():
                with write_atomically(path) as file:
                    file.write(owner.encode())
            with new_draft(self._folder):
                pass  # it can be written to
        if self.owner() != owner:
            raise BlobsTakenError

    def put(self, pieces: Iterable[bytes], digest: str | None = None) -> str:
        """As in `Blobs`."""
        computed = hashlib.sha256() if digest is None else None
        self._folder.mkdir(parents=True, exist_ok=True)
        with new_draft(self._folder) as draft:
            for piece in pieces:
                if computed is not None:
                    computed.update(piece)
                draft.file.write(piece)
                self.held += len(piece)
            name = computed.hexdigest() if computed is not None else str(digest)
            path = self._path(name)
            path.parent.mkdir(exist_ok=True)
            draft.complete()
            with locked(self._folder):
                # Replaces a blob of the same digest if there is one: `sweep` spares the new file.
                draft.publish(path)
        return name

    def read(self, digest: str) -> bytes:
        """As in `Blobs`."""
        with self._open(digest) as file:
            data = file.read()
        if hashlib.sha256(data).hexdigest() != digest:
            raise BlobDamagedError(digest)
        return data

    def pieces(self, digest: str, offset: int, length: int) -> Iterator[bytes]:
        """As in `Blobs`."""
        computed = hashlib.sha256()
        position, last = 0, b""
        while True:
            with self._open(digest) as file:
                file.seek(position)
                while position < offset and (skipped := file.read(min(length, offset - position))):
                    computed.update(skipped)
                    position += len(skipped)
                piece = file.read(length)
            if not piece:
                break
            if last:
                yield last
            computed.update(piece)
            position, last = position + len(piece), piece
        if computed.hexdigest() != digest:
            raise BlobDamagedError(digest)
        if last:
            yield last

    def _open(self, digest: str) -> BinaryIO:
        try:
            # Whatever else has taken the file's place could block for ever.
            descriptor = os.open(self._path(digest), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise BlobMissingError(digest) from None
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise BlobDamagedError(digest, "is no regular file") from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise BlobDamagedError(digest, "is no regular file")
        return os.fdopen(descriptor, "rb")

    def size(self, digest: str) -> int | None:
        """As in `Blobs`."""
        try:
            return self._path(digest).stat().st_size if is_digest(digest) else None
        except FileNotFoundError:
            return None

    def names(self) -> Iterator[str]:
        """As in `Blobs`."""
        return (file.name for file in blob_files(self._folder))

    def sweep(self, wanted: frozenset[str], now: float) -> int:
        """As in `Blobs`; deletes abandoned drafts as well."""
        freed = held = 0
        unwanted = {}
        for file in [*blob_files(self._folder), *self._folder.glob(f"*{SUFFIX}")]:
            try:
                status = file.lstat()
            except FileNotFoundError:  # a draft that has been published meanwhile
                continue
            held += status.st_size
            if file.name in wanted or not stat.S_ISREG(status.st_mode):
                continue
            with locked(self._folder):
                try:
                    status = file.lstat()
                except FileNotFoundError:
                    continue
                # A blob that was written again is a different file, and its time starts anew.
                key = file.name, status.st_ino, status.st_ctime_ns
                since = self._unwanted.get(key, now)
                if now - since > UNREFERENCED_SECONDS:
                    file.unlink()
                    freed += status.st_size
                else:
                    unwanted[key] = since
        self._unwanted = unwanted
        self.held = held - freed
        return freed

    def _path(self, digest: str) -> Path:
        return self._folder / checked_digest(digest)[:2] / digest
