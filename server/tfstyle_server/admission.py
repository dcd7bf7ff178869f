"""What one caller may ask of the server at once, so that there is something left for the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tfstyle.options import TransferOptions


@dataclass(frozen=True)
class CallerLimits:
    """For each caller: unfinished `jobs`, of which at most `queue` may wait and `running` run at once, `watches`, and
    the `work` of unfinished jobs in megapixels times evaluations; `image_bytes` of uploaded pictures that are kept, and
    `receiving` requests with pictures that are taken in at once, while the others wait.
    """

    jobs: int = 100
    queue: int = 16
    running: int = 1000
    watches: int = 1000
    work: float = 100_000.0
    image_bytes: int = 2**30
    receiving: int = 8


class LimitError(Exception):
    """A limit forbids the request for now. `reason` is for programs, `retry_after` an estimate in seconds."""

    def __init__(self, reason: str, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after = retry_after


@dataclass(frozen=True)
class Demand:
    """An unfinished job, or one that is asked for: whose it is, its `work`, and whether it waits."""

    owner: str
    work: float
    waits: bool


def check(limits: CallerLimits, queue: int, idle: int, demands: Sequence[Demand], new: Demand, soon: float) -> None:
    """Refuse the `new` job where there is no room beside all the `demands` that there are.

    `queue` is how many jobs may wait in all, besides those that the `idle` workers are about to take. `soon` is when to
    ask again, in seconds. Raises `LimitError`.
    """
    waiting = sum(demand.waits for demand in demands)
    if waiting >= queue + idle:
        raise LimitError("QUEUE_FULL", f"the queue is full: {waiting} requests wait", soon)
    own = [demand for demand in demands if demand.owner == new.owner]
    own_waiting = sum(demand.waits for demand in own)
    if own_waiting >= limits.queue + idle:
        raise LimitError("CALLER_QUEUE", f"you have {own_waiting} waiting jobs, and may have no more", soon)
    if len(own) >= limits.jobs:
        raise LimitError("CALLER_JOBS", f"you have {len(own)} unfinished jobs, and may have no more", soon)
    work = sum(demand.work for demand in own) + new.work
    if work > limits.work:
        why = f"your unfinished jobs and this one are {work:,.0f} megapixels x evaluations"
        raise LimitError("CALLER_WORK", f"{why}; at most {limits.work:,.0f} are accepted", soon)


def work_of(options: TransferOptions) -> float:
    """Megapixels times evaluations of a transfer, as if its picture were square."""
    return options.size**2 / 1e6 * options.max_evaluations
