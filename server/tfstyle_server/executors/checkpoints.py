"""A job's checkpoints: when they are written, how many are kept, and from which one a job is resumed."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tfstyle.checkpoint import Checkpoint
    from tfstyle.transfer import Transfer

log = logging.getLogger("tfstyle.worker")

LEAST_RATIO = 50
"""The time between two checkpoints is at least this many times the time that writing one takes."""
STAGE_RATIO = 5
"""The same for those between two stages, of which a job has few."""
KEPT = 2
"""If the latest checkpoint is damaged, the one before it is used."""
SUFFIX = ".npz"


class CheckpointFiles(Protocol):
    """The checkpoints of one job, each a file with a name. All methods block and may raise OSError."""

    def names(self) -> list[str]:
        """The names of all that are complete."""

    def opened(self, name: str) -> AbstractContextManager[Path]:
        """A checkpoint as a file on this machine, for the time of the block. Raises FileNotFoundError."""

    def draft(self, attempt: int) -> AbstractContextManager[Path]:
        """The path on this machine at which attempt number `attempt` writes its next one, for the time of the block."""

    def publish(self, draft: Path, name: str) -> None:
        """Keep what was written to `draft` as `name`, whole or not at all."""

    def delete(self, name: str) -> None:
        """Delete one; does nothing where there is none."""


class CheckpointStore(Protocol):
    """The checkpoints of all jobs. All methods block and may raise OSError."""

    def of(self, job: str) -> CheckpointFiles:
        """Those of the job named `job`. Nothing is written yet."""

    def delete(self, job: str) -> None:
        """Delete those of the job named `job`."""

    def sweep(self, kept: Callable[[], Collection[str]]) -> None:
        """Delete those of all jobs except those that `kept` names, which is asked after they have been listed."""


class Checkpoints:
    """The checkpoints of one job in `files`, written by attempt number `attempt`.

    Writing happens in a thread beside the computation: at least `seconds` apart, and between two stages. As a context
    manager, waits at the end of the block until the last one is written.
    """

    def __init__(self, files: CheckpointFiles, attempt: int, seconds: float) -> None:
        self._files = files
        self._seconds = seconds
        self._attempt = attempt
        self._writer = ThreadPoolExecutor(1, "checkpoint")
        self._writing: Future[None] | None = None
        self._due = time.monotonic() + seconds
        self._due_between_stages = 0.0

    def __enter__(self) -> Checkpoints:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.shutdown()

    def candidates(self) -> Iterator[Checkpoint]:
        """The readable checkpoints, the one with most evaluations first. Raises OSError."""
        from tfstyle.checkpoint import CheckpointError, read_checkpoint

        for name in self._latest_first():
            try:
                with self._files.opened(name) as path:
                    checkpoint = read_checkpoint(path)
            except (CheckpointError, FileNotFoundError) as error:
                log.warning("skipped a checkpoint: %s", error)
            else:
                yield checkpoint

    def write_if_due(self, transfer: Transfer, *, stage_follows: bool) -> None:
        """Start writing a checkpoint, unless one is being written or the last one is too recent.

        Where another `stage_follows`, the seconds between two do not matter, and one that is being written is waited
        for: the stage begins with a preparation, during which a lost worker would lose all since the last one.
        """
        is_free = stage_follows or self._writing is None or self._writing.done()
        if is_free and time.monotonic() >= (self._due_between_stages if stage_follows else self._due):
            self._writing = self._writer.submit(self._write, transfer)

    def _write(self, transfer: Transfer) -> None:
        began = time.monotonic()
        try:
            with self._files.draft(self._attempt) as draft:
                evaluations = transfer.checkpoint(draft)
                self._files.publish(draft, f"{evaluations:06d}-{self._attempt:06d}{SUFFIX}")
            for old in self._latest_first()[KEPT:]:
                self._files.delete(old)
        except OSError as error:
            log.warning("no checkpoint was written: %s; the job continues without it", error.strerror or error)
        now = time.monotonic()
        self._due_between_stages = now + STAGE_RATIO * (now - began)
        self._due = now + max(self._seconds, LEAST_RATIO * (now - began))

    def _latest_first(self) -> list[str]:
        """The checkpoint with most evaluations first."""
        return sorted(self._files.names(), reverse=True)


class CheckpointFolder:
    """A folder for each job below `base`. Implements `CheckpointStore`."""

    def __init__(self, base: Path) -> None:
        self._base = base

    def of(self, job: str) -> FolderFiles:
        """As in `CheckpointStore`."""
        return FolderFiles(self._base / key_of(job))

    def delete(self, job: str) -> None:
        """As in `CheckpointStore`."""
        shutil.rmtree(self._base / key_of(job), ignore_errors=True)

    def sweep(self, kept: Callable[[], Collection[str]]) -> None:
        """As in `CheckpointStore`."""
        found = list(self._base.glob("*"))
        wanted = {self._base / key_of(name) for name in kept()}
        for folder in found:
            if folder not in wanted:
                shutil.rmtree(folder, ignore_errors=True)


class FolderFiles:
    """The checkpoints of one job in `folder`, which the first one makes. Implements `CheckpointFiles`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """As in `CheckpointFiles`."""
        return [path.name for path in self._folder.glob(f"[0-9]*-*{SUFFIX}")]

    @contextmanager
    def opened(self, name: str) -> Iterator[Path]:
        """As in `CheckpointFiles`."""
        yield self._folder / name

    @contextmanager
    def draft(self, attempt: int) -> Iterator[Path]:
        """As in `CheckpointFiles`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        yield self._folder / f"attempt-{attempt:06d}{SUFFIX}"

    def publish(self, draft: Path, name: str) -> None:
        """As in `CheckpointFiles`."""
        draft.replace(self._folder / name)

    def delete(self, name: str) -> None:
        """As in `CheckpointFiles`."""
        (self._folder / name).unlink(missing_ok=True)


def key_of(job: str) -> str:
    """What the name of a job becomes in paths."""
    return job.removeprefix("jobs/")
