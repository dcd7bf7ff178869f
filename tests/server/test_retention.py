"""Which ended jobs are kept, calculated by hand."""

from __future__ import annotations

import math

from tfstyle_server.retention import EndedJob, Retention, expired, surplus

JOBS = [EndedJob(f"{owner}{age}", owner, float(age), 10) for age in range(5) for owner in "ab"]
"""From the newest; five of each owner."""


def names(jobs: object) -> list[str]:
    return [job.name for job in jobs]


def test_each_limit_by_itself() -> None:
    everything = Retention(math.inf, 99, 999)
    assert names(expired(JOBS, everything)) == []
    assert names(expired(JOBS, Retention(3.0, 99, 999))) == ["a4", "b4"]
    assert names(expired(JOBS, Retention(math.inf, 4, 999))) == ["a4", "b4"]
    assert names(expired(JOBS, Retention(math.inf, 99, 39))) == ["a3", "b3", "a4", "b4"]


def test_a_large_job_does_not_use_up_what_older_ones_may_have() -> None:
    jobs = [EndedJob("new", "a", 0.0, 5), EndedJob("large", "a", 1.0, 500), EndedJob("old", "a", 2.0, 5)]
    assert names(expired(jobs, Retention(bytes=10))) == ["large"]


def test_quota_takes_from_whoever_has_most_until_a_tenth_is_free() -> None:
    limits = Retention(disk_bytes=100.0)
    assert names(surplus(JOBS, {"a": 50, "b": 40}, limits)) == []
    # 110 bytes have to become 90: a goes from 70 to 60 and then to 50.
    assert names(surplus(JOBS, {"a": 70, "b": 40}, limits)) == ["a4", "a3"]
    # 130 bytes: a goes to 60 and 50, and then both have 50.
    assert names(surplus(JOBS, {"a": 70, "b": 60}, limits))[:2] == ["a4", "a3"]


def test_quota_leaves_others_alone_where_the_largest_has_nothing_that_ended() -> None:
    totals = {"a": 50, "b": 50, "uploads": 900}
    assert names(surplus(JOBS, totals, Retention(disk_bytes=100.0))) == []
    assert names(surplus([], {}, Retention(disk_bytes=0.0))) == []


def test_without_quota_nothing_goes() -> None:
    assert names(surplus(JOBS, {"a": 2**60, "b": 2**60}, Retention())) == []
