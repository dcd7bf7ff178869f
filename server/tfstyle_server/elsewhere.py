"""What a data folder remembers of a store outside it that has its pictures and checkpoints."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from tfstyle.atomic import write_atomically
from tfstyle_server.blobs import OWNER, BlobsTakenError, blob_files
from tfstyle_server.locations import LocationError, below, open_blobs

FILE = "blobs.json"
BLOBS = "blobs"
CHECKPOINTS = "checkpoints"


@dataclass(frozen=True)
class _Note:
    """`owner` identifies the data folder to its store, which it has at `location`; None: not yet."""

    owner: str
    location: str | None = None


def location_of(folder: Path) -> str:
    """Where the blobs and checkpoints of the data folder `folder` are: itself, or a store. Raises `LocationError`."""
    note = _read(folder)
    return str(folder) if note is None or note.location is None else note.location


def settle(folder: Path, asked: str | None) -> str:
    """As `location_of`; with `asked`, a checked location, a new data folder gets its store there.

    Checks that the store can be used, and that no other data folder has it. Raises `LocationError`, OSError.
    """
    note = _read(folder) or _Note(secrets.token_hex(16))
    if asked is not None and note.location not in (None, asked):
        raise LocationError(
            f"the pictures of {folder} are in {note.location}; to move them, copy everything there to {asked}, and "
            f"change the location in {folder / FILE}"
        )
    location = note.location or asked
    if location is None:
        return str(folder)
    if note.location is None:
        if any(blob_files(folder / BLOBS)):
            raise LocationError(f"{folder} has pictures of its own, so it cannot use {location}; give a new --data")
        _write(folder, note)  # before the claim, so that a server that is killed between the two finds its own
    try:
        blobs = open_blobs(below(location, BLOBS))
        if note.location is not None and not blobs.owner():
            # Jobs that find none of their pictures fail for good.
            raise LocationError(
                f"{location} has lost the pictures of {folder}, or is not mounted; if they are gone for good, delete "
                f"{folder / FILE} to begin with none"
            )
        blobs.claim(note.owner)
    except BlobsTakenError:
        raise LocationError(
            f"{location} has the pictures of another data folder than {folder}, whose server would delete these; give "
            f"another place, or delete {below(below(location, BLOBS), OWNER)} if that folder is gone for good"
        ) from None
    except OSError as error:
        raise LocationError(f"cannot use {location}: {error.strerror or error}") from None
    _write(folder, _Note(note.owner, location))
    return location


def _read(folder: Path) -> _Note | None:
    try:
        note = _Note(**json.loads((folder / FILE).read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        note = None
    if note is None or not (isinstance(note.owner, str) and isinstance(note.location, str | None)):
        raise LocationError(f"{folder / FILE} is damaged; it says where the pictures are")
    return note


def _write(folder: Path, note: _Note) -> None:
    with write_atomically(folder / FILE) as file:
        file.write(json.dumps(asdict(note)).encode())
