"""Read input files, and write results so that a file is either complete or not there."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

from tfstyle.atomic import write_atomically
from tfstyle_client.errors import refusal

LARGEST_FILE = 512 * 2**20
"""Bytes that a file may have: one gRPC message can carry two such pictures, and a private server accepts them."""
STANDARD_STREAM = Path("-")
"""The name by which a command line means standard input or standard output."""


def read_file(path: Path, field: str) -> bytes:
    """The bytes of the file or pipe at `path`, or of standard input. Raises `BadRequestError` naming `field`."""
    try:
        if path == STANDARD_STREAM:
            data = sys.stdin.buffer.read(LARGEST_FILE + 1)
        else:
            with path.open("rb") as file:
                data = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError, AttributeError) as error:  # AttributeError: standard input is closed
        raise refusal(field, f"cannot read {name_of(path, 'input')}: {reason(error)}") from None
    if len(data) > LARGEST_FILE:
        raise refusal(field, f"{name_of(path, 'input')} has more than {LARGEST_FILE:,} bytes")
    return data


def is_stream(path: Path) -> bool:
    """Whether there is a pipe or a device at `path`, rather than a file, a folder or nothing."""
    mode = _mode(path)
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def is_folder(path: Path) -> bool:
    """Whether there is a folder at `path`; False also for a name that no file can have, unlike `Path.is_dir`."""
    return stat.S_ISDIR(_mode(path))


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def free_name(path: Path) -> Path:
    """`path`, or the first of NAME-2, NAME-3 ... that does not exist. Raises OSError."""
    for name in _names(path):
        try:
            name.lstat()
        except FileNotFoundError:
            return name
    raise AssertionError("there are endlessly many names")


def check_writable(path: Path, field: str) -> None:
    """Refuse, before any work, a `path` that could not be written. Raises `BadRequestError` naming `field`."""
    try:
        target = path.resolve()
        folder = target.parent
        if not folder.is_dir():
            raise refusal(field, f"there is no folder {folder}")
        if target.exists():
            if not target.is_file():
                kind = "a folder" if target.is_dir() else "not a file"
                raise refusal(field, f"{path} is {kind}; name a file")
            # Root could write it all the same; that it is read-only is still somebody's wish.
            if not target.stat().st_mode & 0o222 or not os.access(target, os.W_OK):
                raise refusal(field, f"{path} is read-only")
        if not os.access(folder, os.W_OK):
            raise refusal(field, f"no permission to write in {folder}")
    except (OSError, ValueError, RuntimeError) as error:
        raise refusal(field, f"cannot write {path}: {reason(error)}") from None


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` at `path`, following links, by renaming a complete file over it. Raises OSError."""
    with write_atomically(path, fsync=False) as file:
        file.write(data)


def claim_new_name(path: Path) -> Path:
    """Create an empty file at `path`, or at the first of NAME-2, NAME-3 ... that is free. Raises OSError."""
    for name in _names(path):
        with suppress(FileExistsError):
            name.touch(exist_ok=False)
            return name
    raise AssertionError("there are endlessly many names")


def _names(path: Path) -> Iterator[Path]:
    yield path
    for number in count(2):
        yield path.with_stem(f"{path.stem}-{number}")


def name_of(path: Path, direction: str) -> str:
    """`path` as a message names it."""
    return f"standard {direction}" if path == STANDARD_STREAM else str(path)


def reason(error: Exception) -> str:
    """Why a file could not be used, without its name."""
    if isinstance(error, AttributeError):
        return "it is closed"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
