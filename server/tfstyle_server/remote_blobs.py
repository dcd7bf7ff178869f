"""Blobs in a store on the network that several machines reach."""

from __future__ import annotations

import errno
import hashlib
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import groupby

from tfstyle_server.blobs import (
    OWNER,
    UNREFERENCED_SECONDS,
    BlobDamagedError,
    BlobMissingError,
    BlobsTakenError,
    StoreUnavailableError,
    checked_digest,
    is_digest,
)
from tfstyle_server.object_store import Entry, ObjectStore

FETCHED_BYTES = 4 * 2**20
"""Bytes of one request, of which `pieces` makes smaller ones."""


class RemoteBlobs:
    """Blobs as objects of `store`. Implements `Blobs`.

    An object's name is the blob's digest and a number of its own, which is drawn anew each time a blob is written. So
    a sweep never deletes what another machine has just written, although object stores have no locks.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._unwanted: dict[tuple[str, str], float] = {}
        """{(object's name, when it was written): when a sweep first found the object unwanted}."""
        self.held = 0
        """Bytes of all blobs at the last sweep, and of those that this process has written since."""

    def owner(self) -> str:
        """As in `Blobs`."""
        entry = self._store.listed(OWNER).get(OWNER)
        return "" if entry is None else self._store.read(OWNER, 0, entry.size).decode("utf-8", "replace")

    def claim(self, owner: str) -> None:
        """As in `Blobs`."""
        # Looked at first, because some S3-compatible servers do not know that an object is to be created only.
        if not self.owner():
            with suppress(FileExistsError):
                self._store.create(OWNER, owner.encode())
        found = self.owner()
        if not found:
            raise StoreUnavailableError(errno.EIO, "it does not keep what is written to it")
        if found != owner:
            raise BlobsTakenError
        probe = f"probe-{secrets.token_hex(8)}"
        self._store.write(probe, b"")
        self._store.delete([probe])

    def put(self, pieces: Iterable[bytes], digest: str | None = None) -> str:
        """As in `Blobs`. Holds the whole blob in memory."""
        data = b"".join(pieces)
        name = hashlib.sha256(data).hexdigest() if digest is None else checked_digest(digest)
        self._store.write(f"{_folder(name)}/{secrets.token_hex(8)}", data)
        self.held += len(data)
        return name

    def read(self, digest: str) -> bytes:
        """As in `Blobs`."""
        return b"".join(self.pieces(digest, 0, FETCHED_BYTES))

    def pieces(self, digest: str, offset: int, length: int) -> Iterator[bytes]:
        """As in `Blobs`."""
        computed = hashlib.sha256()
        position, rest = 0, b""
        for fetched in self._fetched(digest):
            computed.update(fetched)
            rest += fetched[max(0, offset - position) :]
            position += len(fetched)
            begin = 0
            while len(rest) - begin > length:  # the last piece is kept until the digest is known
                yield rest[begin : begin + length]
                begin += length
            rest = rest[begin:]
        if computed.hexdigest() != digest:
            raise BlobDamagedError(digest)
        if rest:
            yield rest

    def _fetched(self, digest: str) -> Iterator[bytes]:
        name, entry = self._latest(digest)
        position = 0
        while position < entry.size:
            end = min(entry.size, position + FETCHED_BYTES)
            try:
                data = self._store.read(name, position, end)
            except FileNotFoundError:  # an earlier copy that a sweep has deleted: there is a later one, or none
                name, entry = self._latest(digest)
                continue
            if not data:
                return
            position += len(data)
            yield data

    def _latest(self, digest: str) -> tuple[str, Entry]:
        copies = self._store.listed(_folder(checked_digest(digest)))
        if not copies:
            raise BlobMissingError(digest)
        return max(copies.items(), key=_age)

    def size(self, digest: str) -> int | None:
        """As in `Blobs`."""
        try:
            return self._latest(digest)[1].size if is_digest(digest) else None
        except BlobMissingError:
            return None

    def names(self) -> Iterator[str]:
        """As in `Blobs`."""
        for digest, _ in groupby(sorted(self._copies()), key=_digest_of):
            yield digest

    def sweep(self, wanted: frozenset[str], now: float) -> int:
        """As in `Blobs`; deletes what a later copy has replaced as well."""
        copies = self._copies()
        by_digest = groupby(sorted(copies.items()), key=lambda item: _digest_of(item[0]))
        latest = {digest: max(group, key=_age)[0] for digest, group in by_digest}
        unwanted, expired = {}, []
        for name, entry in copies.items():
            digest = _digest_of(name)
            if digest in wanted and latest[digest] == name:
                continue
            key = name, entry.modified
            since = self._unwanted.get(key, now)
            if now - since > UNREFERENCED_SECONDS:
                expired.append(name)
            else:
                unwanted[key] = since
        self._store.delete(expired)
        self._unwanted = unwanted
        freed = sum(copies[name].size for name in expired)
        self.held = sum(entry.size for entry in copies.values()) - freed
        return freed

    def _copies(self) -> dict[str, Entry]:
        """All objects that are blobs, by name."""
        return {name: entry for name, entry in self._store.listed().items() if _is_blob(name)}


def _folder(digest: str) -> str:
    return f"{digest[:2]}/{digest}"


def _digest_of(name: str) -> str:
    return name.split("/")[1]


def _is_blob(name: str) -> bool:
    parts = name.split("/")
    return len(parts) == 3 and is_digest(parts[1]) and parts[0] == parts[1][:2]


def _age(item: tuple[str, Entry]) -> tuple[str, str]:
    name, entry = item
    return entry.modified, name
