"""Limits on what may be unfinished at once, in all and for each caller, checked before a job is created."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
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
class Waiting:
    """How many jobs wait: of all owners, and of one. `idle` workers are about to take some of them."""

    all: int
    own: int
    idle: int


class Admission:
    """Admits new jobs as long as `limits` allow and at most `queue` jobs wait besides those for idle workers.

    It counts the unfinished jobs of each owner, and their work as in `work_of`.
    """

    def __init__(self, limits: CallerLimits, queue: int) -> None:
        self._limits = limits
        self._queue = queue
        self._jobs: Counter[str] = Counter()
        self._work: dict[str, float] = {}
        self._created: Counter[str] = Counter()
        """{owner: jobs that are being created, so that they do not wait yet}."""

    def begin(self, owner: str, work: float) -> None:
        """Count a job that is unfinished."""
        self._jobs[owner] += 1
        self._work[owner] = self._work.get(owner, 0.0) + work

    def end(self, owner: str, work: float) -> None:
        """Count it no longer."""
        self._jobs[owner] -= 1
        self._work[owner] -= work
        if self._jobs[owner] == 0:
            del self._jobs[owner], self._work[owner]

    @contextmanager
    def admit(self, owner: str, work: float, waiting: Waiting, retry_after: float) -> Iterator[None]:
        """Admit a job of `owner`, or raise `LimitError`.

        Inside the block the new job counts against the limits. `retry_after` is the estimate in seconds for the error.
        """
        self._check(owner, work, waiting, retry_after)
        self.begin(owner, work)
        self._created[owner] += 1
        try:
            yield
        finally:
            self.end(owner, work)
            self._created[owner] -= 1
            self._created += Counter()  # drops owners whose count is 0

    def _check(self, owner: str, work: float, waiting: Waiting, retry_after: float) -> None:
        limits = self._limits
        everyone, own = waiting.all + self._created.total(), waiting.own + self._created[owner]
        if everyone >= self._queue + waiting.idle:
            raise LimitError("QUEUE_FULL", f"the queue is full: {everyone} jobs are waiting", retry_after)
        if own >= limits.queue + waiting.idle:
            message = f"you have {own} waiting jobs; {limits.queue} are allowed"
            raise LimitError("CALLER_QUEUE", message, retry_after)
        if self._jobs[owner] >= limits.jobs:
            message = f"you have {self._jobs[owner]} unfinished jobs; {limits.jobs} are allowed"
            raise LimitError("CALLER_JOBS", message, retry_after)
        work += self._work.get(owner, 0.0)
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
