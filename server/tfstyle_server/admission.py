"""Limits on what may be unfinished at once, in all and for each caller, checked before a job is created."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tfstyle.options import ORIGINAL_SIZE, RULES, TransferOptions, schedule
from tfstyle.schedule import Scale


@dataclass(frozen=True)
class CallerLimits:
    """What one caller may have at once.

    `jobs` are unfinished jobs. At most `queue` of them may wait, and at most `running` may run. `work` is the sum of
    their megapixels times evaluations. `watches` are open streams of events and of results. `image_bytes` are uploaded
    images in bytes. `receiving` requests with pictures are in memory at once, while the caller's other requests wait.
    """

    jobs: int = 100
    queue: int = 16
    running: int = 1000
    watches: int = 1000
    work: float = 100_000.0
    image_bytes: int = 2**30
    receiving: int = 2


class LimitError(Exception):
    """A limit does not allow the request now. `reason` is for programs; `retry_after` is an estimate in seconds."""

    def __init__(self, reason: str, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after = retry_after


@dataclass(frozen=True)
class Demand:
    """An unfinished or requested job: its owner, its `work` as in `work_of`, and whether it waits for a worker."""

    owner: str
    work: float
    waits: bool


class Admission:
    """Admits new jobs as long as `limits` allow and at most `queue` jobs wait besides those for idle workers."""

    def __init__(self, limits: CallerLimits, queue: int) -> None:
        self._limits = limits
        self._queue = queue
        self._admitted: list[Demand] = []

    @contextmanager
    def admit(self, new: Demand, own: Sequence[Demand], waiting: int, idle: int, retry_after: float) -> Iterator[None]:
        """Admit the job `new` beside the `own` unfinished ones of its owner, or raise `LimitError`.

        Inside the block the new job counts against the limits, although `own` does not have it yet. `waiting` jobs of
        all owners wait, `idle` is the number of idle workers; `retry_after` is the estimate in seconds for the error.
        """
        beside = [*own, *(each for each in self._admitted if each.owner == new.owner)]
        waiting += sum(each.waits for each in self._admitted)
        self._check(new, beside, waiting, idle, retry_after)
        self._admitted.append(new)
        try:
            yield
        finally:
            self._admitted.remove(new)

    def _check(self, new: Demand, own: Sequence[Demand], waiting: int, idle: int, retry_after: float) -> None:
        limits = self._limits
        if waiting >= self._queue + idle:
            raise LimitError("QUEUE_FULL", f"the queue is full: {waiting} jobs are waiting", retry_after)
        own_waiting = sum(demand.waits for demand in own)
        if own_waiting >= limits.queue + idle:
            message = f"you have {own_waiting} waiting jobs; {limits.queue} are allowed"
            raise LimitError("CALLER_QUEUE", message, retry_after)
        if len(own) >= limits.jobs:
            message = f"you have {len(own)} unfinished jobs; {limits.jobs} are allowed"
            raise LimitError("CALLER_JOBS", message, retry_after)
        work = sum(demand.work for demand in own) + new.work
        if work > limits.work:
            message = f"your unfinished jobs and this one amount to {work:,.0f} megapixels x evaluations"
            raise LimitError("CALLER_WORK", f"{message}; {limits.work:,.0f} are allowed", retry_after)


def work_of(options: TransferOptions) -> float:
    """Megapixels times evaluations of a transfer, as if its picture were square.

    Its scales are taken to be those of usual pictures; very narrow ones begin at a larger scale.
    """
    size = options.size
    if size == ORIGINAL_SIZE:
        # The content's own size is not known before a worker decodes it, so the largest legal size has to bound it.
        size = int(RULES["size"].maximum or 0)
    scales = (*schedule(options, size), Scale(size, options.split_evaluations))
    return sum(scale.size**2 * scale.evaluations for scale in scales) / 1e6
