"""Tells whether a file has changed."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Version(NamedTuple):
    """What changes with a file: a new file in its place has another inode, even with the same time."""

    inode: int
    size: int
    modified: int
    changed: int


def version_of(file: Path) -> Version:
    """The version of a file, or of that which it links to. Raises OSError."""
    status = file.stat()
    return Version(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
