"""Checkpoints: files with the state of a transfer between two evaluations, from which any process can resume.

The file is an uncompressed `.npz`: the optimizer's vectors as arrays, everything else as JSON in one entry. Nothing is
pickled, every entry has a checksum, and the file gets its final name only when it is complete.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tfstyle.errors import TfstyleError

_NOTES = "notes"


class CheckpointError(TfstyleError):
    """A checkpoint cannot be used: it is damaged, truncated, or belongs to another transfer."""


@dataclass(frozen=True)
class Checkpoint:
    """The optimizer's vectors by name, and `notes`, which are JSON values. Floats in both are stored exactly."""

    arrays: Mapping[str, NDArray[Any]]
    notes: Mapping[str, Any]


def write_checkpoint(file: BinaryIO, checkpoint: Checkpoint) -> None:
    """Write `checkpoint` to a `file` that is open for writing. Raises OSError."""
    notes = np.frombuffer(json.dumps(checkpoint.notes).encode(), np.uint8)
    np.savez(file, allow_pickle=False, **checkpoint.arrays, **{_NOTES: notes})


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint at `path`. Raises `CheckpointError` if an entry is damaged."""
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        notes = json.loads(arrays.pop(_NOTES).tobytes())
    except Exception as error:  # NumPy and zipfile raise many types on damaged files
        raise CheckpointError(f"{path.name} cannot be read: {type(error).__name__}: {error}") from None
    return Checkpoint(arrays, notes)
