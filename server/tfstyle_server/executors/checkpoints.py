"""When a worker writes checkpoints, which are kept, and from which a job goes on."""

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

SHARE = 50
"""Writing one takes at most one such part of the time between two."""
KEPT = 2
"""The newest may be damaged; then the one before it serves."""


class Checkpoints:
    """The checkpoints of one job in `folder`, written by `attempt` in a thread beside the computation, at least
    `seconds` apart. A context manager: at its end the last one is written.
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
        """What can be read, the furthest first."""
        from tfstyle.checkpoint import CheckpointError, read_checkpoint

        for path in self._files():
            try:
                yield read_checkpoint(path)
            except CheckpointError as error:
                log.warning("a checkpoint is passed over: %s", error)

    def write_if_due(self, transfer: Transfer) -> None:
        """Begin to write one, unless one was written or is being written."""
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
            log.warning("no checkpoint: %s; the job goes on without", error.strerror or error)
        now = time.monotonic()
        self._due = now + max(self._seconds, SHARE * (now - began))

    def _files(self) -> list[Path]:
        """The furthest first."""
        return sorted(self._folder.glob("[0-9]*-*.npz"), reverse=True)
