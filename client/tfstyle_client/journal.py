"""Which picture in a folder was made from which request, so that a second run knows what is there already.

The journal is a file in the folder, with an entry for every picture ever written: its name, the id of its request, and
the SHA-256 of its file. An entry is on the disk before its picture gets its name, so a picture without an entry that
agrees with it was made by somebody else, or was changed since, wherever a run was killed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from tfstyle.atomic import write_atomically
from tfstyle.file_lock import locked_at_once
from tfstyle_client.errors import refusal
from tfstyle_client.files import reason
from tfstyle_client.output_names import stays_inside

NAME = ".tfstyle-made.jsonl"
"""The journal's file."""


class Journal:
    """The journal of the pictures in `folder`. Threads may share it. Made by `open_journal`, or to be read only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._entries = _read(folder / NAME)
        self._writing = threading.Lock()

    @property
    def names(self) -> Iterable[str]:
        """The names of all pictures that runs have made."""
        return self._entries.keys()

    def has(self, name: str, request_id: str) -> bool:
        """Whether the picture of this name is there, as it was made from that request. Raises OSError."""
        entries = self._entries.get(name)
        if not entries or entries[-1][0] != request_id:
            return False
        return _digest(self.folder / name) == entries[-1][1]

    def knows(self, name: str) -> bool:
        """Whether there is nothing of this name, or a picture that a run has made. Raises OSError."""
        if not os.path.lexists(self.folder / name):
            return True
        made = {digest for _, digest in self._entries.get(name, ())}
        return bool(made) and _digest(self.folder / name) in made

    def write(self, name: str, request_id: str, data: bytes) -> Path:
        """Write the file of a picture, and before that its entry. Raises OSError."""
        path, digest = self.folder / name, hashlib.sha256(data).hexdigest()
        with self._writing:
            line = json.dumps({"picture": name, "request": request_id, "sha256": digest})
            with _opened(self.folder / NAME, os.O_WRONLY | os.O_APPEND) as file:
                file.write(f"\n{line}\n".encode())  # the former line may have been cut off
                file.flush()
                os.fsync(file.fileno())
            self._entries.setdefault(name, []).append((request_id, digest))
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(path) as picture:
            picture.write(data)
        return path

    def clear(self) -> None:
        """Delete the pictures that runs have made, the journal, and the folder if nothing else is in it.

        Raises OSError.
        """
        for name in self._entries:
            if self.knows(name):
                (self.folder / name).unlink(missing_ok=True)
        (self.folder / NAME).unlink(missing_ok=True)
        self._entries.clear()
        if not any(self.folder.iterdir()):
            self.folder.rmdir()


@contextmanager
def open_journal(folder: Path, field: str) -> Iterator[Journal]:
    """The journal of `folder`, which is made where there is none, for one run at a time.

    Where no picture has been made at the end, neither the journal nor the folder stays. Raises `BadRequestError`
    naming `field`.
    """
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _opened(folder / NAME, os.O_WRONLY | os.O_CREAT).close()
            held.enter_context(locked_at_once(folder / NAME))
            journal = Journal(folder)
        except BlockingIOError:
            raise refusal(field, f"another run is writing into {folder}; wait for its end, or name another") from None
        except OSError as error:
            raise refusal(field, f"cannot write into {folder}: {reason(error)}") from None
        try:
            yield journal
        finally:
            if not journal.names:
                with suppress(OSError):
                    journal.clear()


def _read(file: Path) -> dict[str, list[tuple[str, str]]]:
    """{name: (request id, SHA-256) from the oldest} of a journal; lines that were cut off are left out.

    Raises OSError.
    """
    entries: dict[str, list[tuple[str, str]]] = {}
    try:
        with _opened(file, os.O_RDONLY) as opened:
            lines = opened.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return entries
    for line in lines:
        try:
            entry = json.loads(line)
            name, request_id, digest = entry["picture"], entry["request"], entry["sha256"]
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        # A journal that somebody else has put there must not reach files outside of the folder.
        if all(isinstance(each, str) for each in (name, request_id, digest)) and stays_inside(name):
            entries.setdefault(name, []).append((request_id, digest))
    return entries


def _opened(file: Path, flags: int) -> BinaryIO:
    """The journal's file, opened. Raises OSError, also for a link, a pipe, and a file of somebody else."""
    descriptor = os.open(file, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise OSError(errno.EPERM, f"{NAME} in it is not a plain file of yours; delete it")
        return os.fdopen(descriptor, "rb" if flags == os.O_RDONLY else "ab")
    except OSError:
        os.close(descriptor)
        raise


def _digest(path: Path) -> str:
    """The SHA-256 of a file; "" where there is none. Raises OSError."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""
