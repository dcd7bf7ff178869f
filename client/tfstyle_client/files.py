"""Read pictures and write results: a file is there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tfstyle.errors import Violation
from tfstyle_client.errors import BadRequestError


def read_picture(path: Path, field: str) -> bytes:
    """The bytes of the file at `path`. Raises `BadRequestError` naming `field`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadRequestError([Violation(field, f"cannot read {path}: {error.strerror}")]) from None


def check_writable(path: Path, field: str) -> None:
    """Refuse, before any work, a `path` that could not be written. Raises `BadRequestError` naming `field`."""
    folder = path.parent
    problem = (
        f"there is no folder {folder}"
        if not folder.is_dir()
        else f"{path} is a folder"
        if path.is_dir()
        else f"no permission to write in {folder}"
        if not os.access(folder, os.W_OK)
        else None
    )
    if problem:
        raise BadRequestError([Violation(field, problem)])


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` at `path` by renaming a finished file over it. Raises `BadRequestError` if that fails."""
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(data)
        # Temporary files are private; a result is as readable as any new file.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise BadRequestError([Violation("output", f"cannot write {path}: {error.strerror}")]) from None
