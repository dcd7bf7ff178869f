"""Temporary folders with pictures in them, which do not stay behind for ever where a process is killed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tfstyle.file_lock import locked, locked_at_once

PREFIX = "tfstyle-"
OWNER = "owner"
"""The file in a folder whose lock its owner holds. The operating system releases it however the owner ends."""
_DATA_LOCK = "data/lock"
"""The lock of the server in the folder, which may end a little later."""


@contextmanager
def private_folder(base: str) -> Iterator[Path]:
    """A new folder in `base`, which is deleted at the end; those of owners that were killed are deleted before."""
    _sweep(Path(base))
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=base) as name:
        folder = Path(name)
        # Under another name until it is locked, so that no other process takes this one for dead.
        draft = folder / f"{OWNER}.draft"
        draft.touch()
        with locked(draft):
            draft.rename(folder / OWNER)
            yield folder


def _sweep(base: Path) -> None:
    for folder in base.glob(f"{PREFIX}*"):
        with suppress(OSError):  # another user's, or somebody else is deleting it
            if not folder.is_symlink() and folder.stat().st_uid == os.getuid():
                _delete_if_dead(folder)


def _delete_if_dead(folder: Path) -> None:
    """Delete `folder` where nobody holds its locks. Raises OSError where there is no owner's file, or it is locked."""
    with ExitStack() as locks:
        locks.enter_context(locked_at_once(folder / OWNER))
        if (folder / _DATA_LOCK).exists():
            locks.enter_context(locked_at_once(folder / _DATA_LOCK))
        if (folder / "data").exists():
            shutil.rmtree(folder / "data")  # first, so that a later start finds the owner's file where this fails
        shutil.rmtree(folder)
