"""Which ended jobs are kept."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

ROOM = 0.9
"""The part of `Retention.disk_bytes` to which ended jobs are deleted, so that there is room for new ones."""


@dataclass(frozen=True)
class Retention:
    """What is kept: ended jobs for `seconds` of server uptime, of each owner at most `jobs` with at most `bytes` of
    pictures, and of each job the latest `events`. `disk_bytes` are the pictures of all jobs, and all uploaded images.
    """

    seconds: float = 7 * 86400.0
    jobs: int = 1000
    bytes: int = 10 * 2**30
    events: int = 2000
    disk_bytes: float = math.inf


@dataclass(frozen=True)
class EndedJob:
    """A job that ended `age` seconds of uptime ago, with `bytes` of pictures."""

    name: str
    owner: str
    age: float
    bytes: int


def expired(jobs: Iterable[EndedJob], limits: Retention) -> list[EndedJob]:
    """Those of the ended `jobs`, from the newest, that are older or more than `limits` allow their owner."""
    found = []
    count: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for job in jobs:
        more = count[job.owner] >= limits.jobs or total[job.owner] + job.bytes > limits.bytes
        if more or job.age > limits.seconds:
            found.append(job)
        else:
            count[job.owner] += 1
            total[job.owner] += job.bytes
    return found


def surplus(jobs: Iterable[EndedJob], totals: Mapping[str, int], limits: Retention) -> Iterator[EndedJob]:
    """Those of the ended `jobs`, from the newest, that have to go for the disk quota.

    `totals` are the bytes of everything of each owner. Always the oldest job of whoever has most goes next. That owner
    may have nothing that ended; others' jobs are then left alone.
    """
    left: dict[str, list[EndedJob]] = {owner: [] for owner in totals}
    for job in jobs:
        left[job.owner].append(job)
    held = Counter(totals)
    excess = held.total() - ROOM * limits.disk_bytes
    while excess > 0 and held and left[owner := max(held, key=held.__getitem__)]:
        job = left[owner].pop()
        held[owner] -= job.bytes
        excess -= job.bytes
        yield job
