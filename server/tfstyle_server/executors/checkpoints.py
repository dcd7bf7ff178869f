"""A job's checkpoints: when they are written, how many are kept, and from which one a job is resumed."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfstyle.checkpoint import Checkpoint
    from tfstyle.transfer import Transfer

log = logging.getLogger("tfstyle.worker")

LEAST_RATIO = 50
"""The time between two checkpoints is at least this many times the time that writing one takes."""
KEPT = 2
"""If the latest checkpoint is damaged, the one before it is used."""


def checkpoint_folder(base: Path, job: str) -> Path:
    """The folder below `base` with the checkpoints of the job named `job`."""
    return base / job.removeprefix("jobs/")


class Checkpoints:
    """The checkpoints of one job in `folder`, written by attempt number `attempt`.

    Writing happens in a thread beside the computation, at least `seconds` apart. As a context manager, waits at the end
    of the block until the last one is written.
    """

    def __init__(self, folder: Path, attempt: int, seconds: float) -> None:
        self._folder = folder
        self._seconds = seconds
        self._attempt = attempt
        self._writer = ThreadPoolExecutor(1, "checkpoint")
        self._writing: Future[None] | None = None
        self._due = time.monotonic() + seconds

    def __enter__(self) -> Checkpoints:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.shutdown()

    def candidates(self) -> Iterator[Checkpoint]:
        """The readable checkpoints, the one with most evaluations first."""
        from tfstyle.checkpoint import CheckpointError, read_checkpoint

        for path in self._files():
            try:
                yield read_checkpoint(path)
            except CheckpointError as error:
                log.warning("skipped a checkpoint: %s", error)

    def write_if_due(self, transfer: Transfer) -> None:
        """Start writing a checkpoint, unless one is being written or the last one is too recent."""
        if time.monotonic() >= self._due and (self._writing is None or self._writing.done()):
            self._writing = self._writer.submit(self._write, transfer)

    def _write(self, transfer: Transfer) -> None:
        began = time.monotonic()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft = self._folder / f"attempt-{self._attempt:06d}.npz"
            evaluations = transfer.checkpoint(draft)
            draft.replace(self._folder / f"{evaluations:06d}-{self._attempt:06d}.npz")
            for old in self._files()[KEPT:]:
                old.unlink(missing_ok=True)
        except OSError as error:
            log.warning("no checkpoint was written: %s; the job continues without it", error.strerror or error)
        now = time.monotonic()
        self._due = now + max(self._seconds, LEAST_RATIO * (now - began))

    def _files(self) -> list[Path]:
        """The checkpoint with most evaluations first."""
        return sorted(self._folder.glob("[0-9]*-*.npz"), reverse=True)
