"""Files that appear whole or not at all: written under a temporary name, then renamed.

A temporary name is ".tfstyle-", 16 hexadecimal digits and ".draft". A process that is killed leaves its draft behind;
whoever owns the folder deletes files of that name.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

SUFFIX = ".draft"


class Draft:
    """A file that has only its temporary name so far. Made by `new_draft`."""

    def __init__(self, path: Path, file: BinaryIO, *, fsync: bool) -> None:
        self.path = path
        self.file = file
        """Open for writing until `complete`."""
        self._fsync = fsync

    def complete(self) -> None:
        """Write out what is buffered and close the file. Raises OSError. Further calls do nothing."""
        if not self.file.closed:
            self.file.flush()
            if self._fsync:
                os.fsync(self.file.fileno())
            self.file.close()

    def publish(self, path: Path) -> None:
        """Complete the draft and rename it to `path`, on the same file system.

        Raises OSError; `path` is then as before.
        """
        self.complete()
        self.path.replace(path)
        if self._fsync:
            _fsync_folder(path.parent)

    def discard(self) -> None:
        """Delete the draft. Does nothing after `publish`."""
        with suppress(OSError):  # closing writes what is buffered, and the disk may be full
            self.file.close()
        self.path.unlink(missing_ok=True)


@contextmanager
def new_draft(folder: Path, *, mode: int = 0o666, fsync: bool = True) -> Iterator[Draft]:
    """A draft in `folder`, deleted at the end of the block unless it was published.

    `mode` are the new file's permissions before the umask. With `fsync` the file is on the disk before it is renamed.
    Use this instead of `write_atomically` where the final name depends on what is written, or where completing and
    renaming are to happen at different times. Raises OSError.
    """
    path = folder / f".tfstyle-{secrets.token_hex(8)}{SUFFIX}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    draft = Draft(path, os.fdopen(descriptor, "wb"), fsync=fsync)
    try:
        yield draft
    finally:
        draft.discard()


@contextmanager
def write_atomically(path: Path, *, mode: int = 0o666, fsync: bool = True) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces `path` at the end of the block, and not if the block raises.

    A symbolic link at `path` is followed. A file that is replaced hands on its permissions, and its owner where the
    system allows that; `mode` are the permissions of a new one before the umask. Raises OSError.
    """
    target = path.resolve()
    with new_draft(target.parent, mode=mode, fsync=fsync) as draft:
        yield draft.file
        _copy_access(target, draft.file.fileno())
        draft.publish(target)


def _copy_access(source: Path, descriptor: int) -> None:
    try:
        access = source.stat()
    except FileNotFoundError:
        return
    with suppress(PermissionError):
        os.fchown(descriptor, access.st_uid, access.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(access.st_mode))


def _fsync_folder(folder: Path) -> None:
    """Make the renaming in `folder` itself durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems refuse it for folders
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
