"""Tells whether a file has changed."""

from __future__ import annotations

import errno
import stat
from pathlib import Path
from typing import NamedTuple


class Version(NamedTuple):
    """What changes with a file: a new file in its place has another inode, even with the same time."""

    inode: int
    size: int
    modified: int
    changed: int


def version_of(file: Path) -> Version:
    """The version of a file, or of that which it links to. Raises OSError, also for what is no regular file.

    A pipe would block whoever reads it.
    """
    status = file.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    return Version(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
