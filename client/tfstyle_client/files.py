"""Read pictures and write results: a file is there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tfstyle.errors import Violation
from tfstyle_client.errors import BadRequestError

LARGEST_PICTURE = 512 * 2**20
"""Bytes beyond which no server takes a picture."""


def read_picture(path: Path, field: str) -> bytes:
    """The bytes of the file, or pipe, at `path`. Raises `BadRequestError` naming `field`."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_PICTURE + 1)
    except (OSError, ValueError) as error:
        raise _refusal(field, f"cannot read {path}: {_reason(error)}") from None
    if len(data) > LARGEST_PICTURE:
        raise _refusal(field, f"{path} has more than {LARGEST_PICTURE:,} bytes")
    return data


def check_writable(path: Path, field: str) -> None:
    """Refuse, before any work, a `path` that could not be written. Raises `BadRequestError` naming `field`."""
    try:
        target = path.resolve()
        folder = target.parent
        if not folder.is_dir():
            raise _refusal(field, f"there is no folder {folder}")
        if target.exists() and not target.is_file():
            raise _refusal(field, f"{path} is not a file; name one")
        if not os.access(folder, os.W_OK):
            raise _refusal(field, f"no permission to write in {folder}")
    except (OSError, ValueError, RuntimeError) as error:
        raise _refusal(field, f"cannot write {path}: {_reason(error)}") from None


def write_whole(path: Path, data: bytes, field: str) -> None:
    """Write `data` at `path`, following links, by renaming a finished file over it.

    Raises `BadRequestError` naming `field` if that fails; then what was there is there still.
    """
    temporary = None
    try:
        target = path.resolve()
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".tfstyle-", delete=False) as file:
            temporary = Path(file.name)
            file.write(data)
        # Temporary files are private; a result is as readable as any new file.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(target)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise _refusal(field, f"cannot write {path}: {_reason(error)}") from None


def _refusal(field: str, why: str) -> BadRequestError:
    return BadRequestError([Violation(field, why)])


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
