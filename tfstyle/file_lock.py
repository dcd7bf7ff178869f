"""Locks on files and folders, which the operating system releases however their holder ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for the lock of a file or a folder that exists, and hold it inside the block. Raises OSError."""
    with _held(path, fcntl.LOCK_EX):
        yield


@contextmanager
def locked_at_once(path: Path) -> Iterator[None]:
    """As `locked`, but raises BlockingIOError where another process, or another block, holds the lock."""
    with _held(path, fcntl.LOCK_EX | fcntl.LOCK_NB):
        yield


@contextmanager
def _held(path: Path, operation: int) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, operation)
        yield
    finally:
        os.close(descriptor)
