"""Recorded events survive any kill, once and in order; reports of stale attempts are not recorded."""

from __future__ import annotations

import dataclasses
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from stored_jobs import BEGUN, RESULT, create, new

from tfstyle.inputs import Inputs, Style
from tfstyle.options import ProgressOptions, TransferOptions
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server.plan import Plan, plan_from_proto
from tfstyle_server.records import Entry, NotEndedError, RequestIdTakenError, UnknownJobError
from tfstyle_server.retention import EndedJob, Retention
from tfstyle_server.states import State
from tfstyle_server.store import IMAGE_SECONDS, JobStore


def names(jobs: list[EndedJob]) -> list[str]:
    return [job.name for job in jobs]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    made = JobStore(tmp_path / "jobs.sqlite3", Retention(events=20))
    yield made
    made.close()


def progress(evaluation: int) -> pb.JobEvent:
    return pb.JobEvent(progress=pb.Progress(evaluation=evaluation))


def finish(store: JobStore, name: str) -> None:
    assert all(store.append([Entry(name, BEGUN), Entry(name, RESULT, 1)]))


def test_events_are_numbered_without_gaps_and_kept_in_order(store: JobStore) -> None:
    create(store, new())
    written = store.append([Entry("jobs/a", BEGUN), *(Entry("jobs/a", progress(i), 1) for i in range(1, 6))])
    assert [stored.sequence for stored in written if stored] == [2, 3, 4, 5, 6, 7], "the first came with the job"
    events = store.events("jobs/a", 3, 3)
    assert [stored.sequence for stored in events] == [4, 5, 6]
    assert [pb.JobEvent.FromString(stored.data).progress.evaluation for stored in events] == [2, 3, 4]
    assert store.get("me", "jobs/a").progress.evaluation == 5


def test_stale_worker_changes_nothing(store: JobStore) -> None:
    create(store, new())
    interrupted = pb.JobEvent(interrupted=pb.Interrupted())
    assert all(store.append([Entry("jobs/a", BEGUN), Entry("jobs/a", interrupted, 1), Entry("jobs/a", BEGUN)]))
    assert store.append([Entry("jobs/a", progress(9), 1), Entry("jobs/a", RESULT, 1)]) == [None, None]
    assert store.get("me", "jobs/a").attempts == 2
    (done,) = store.append([Entry("jobs/a", RESULT, 2)])
    assert done is not None
    assert done.last
    assert store.append([Entry("jobs/a", RESULT, 2)]) == [None], "no result twice"
    assert store.append([Entry("jobs/b", BEGUN)]) == [None], "there is no such job"


def test_same_request_id_gives_the_same_job(store: JobStore) -> None:
    name, number, accepted = create(store, new("jobs/a", request_id="r"))
    assert name == "jobs/a"
    assert accepted is not None
    assert create(store, new("jobs/b", request_id="r")) == ("jobs/a", number, None)
    with pytest.raises(RequestIdTakenError):
        create(store, new("jobs/c", request_id="r", fingerprint="other"))
    assert create(store, new("jobs/d", owner="you", request_id="r"))[2], "everybody has request ids of their own"
    assert create(store, new("jobs/e"))[2]
    assert create(store, new("jobs/f"))[2], "without an id every job is new"


def test_jobs_belong_to_their_owner(store: JobStore) -> None:
    create(store, new())
    for forbidden in (lambda: store.get("you", "jobs/a"), lambda: store.delete("you", "jobs/a")):
        with pytest.raises(UnknownJobError):
            forbidden()
    assert store.page("you", None, 9) == []


def test_pages_are_the_newest_first(store: JobStore) -> None:
    for index in range(5):
        create(store, new(f"jobs/{index}"))
    page = store.page("me", None, 2)
    assert [job.name for _, job in page] == ["jobs/4", "jobs/3"]
    assert [job.name for _, job in store.page("me", page[-1][0], 9)] == ["jobs/2", "jobs/1", "jobs/0"]


def test_only_what_has_ended_can_be_deleted(store: JobStore) -> None:
    create(store, new())
    with pytest.raises(NotEndedError):
        store.delete("me", "jobs/a")
    finish(store, "jobs/a")
    store.delete("me", "jobs/a")
    with pytest.raises(UnknownJobError):
        store.get("me", "jobs/a")
    assert store.events("jobs/a", 0, 9) == []


def test_old_events_are_compacted_and_the_job_says_so(store: JobStore) -> None:
    create(store, new())
    store.append([Entry("jobs/a", BEGUN), *(Entry("jobs/a", progress(i), 1) for i in range(1, 100))])
    job = store.get("me", "jobs/a")
    kept = store.events("jobs/a", 0, 999)
    assert 20 <= len(kept) <= 22
    assert kept[0].sequence == job.oldest_sequence
    assert kept[-1].sequence == job.sequence == 101


@pytest.mark.parametrize(
    ("retention", "kept"),
    [
        (Retention(jobs=2), ["jobs/3", "jobs/4"]),
        (Retention(bytes=3 * 1500), ["jobs/2", "jobs/3", "jobs/4"]),
        (Retention(seconds=0), []),
        (Retention(), ["jobs/0", "jobs/1", "jobs/2", "jobs/3", "jobs/4"]),
    ],
)
def test_retention_forgets_the_oldest_that_have_ended(tmp_path: Path, retention: Retention, kept: list[str]) -> None:
    store = JobStore(tmp_path / "jobs.sqlite3", retention)
    for index in range(5):
        create(store, new(f"jobs/{index}"))
        finish(store, f"jobs/{index}")
    create(store, new("jobs/running"))
    gone = names(store.retain(0.01))
    left = sorted(job.name for _, job in store.page("me", None, 99))
    assert left == [*kept, "jobs/running"]
    assert sorted([*gone, *kept]) == [f"jobs/{index}" for index in range(5)]
    store.close()


def test_jobs_age_by_the_time_that_a_server_has_seen_and_by_no_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, retention = tmp_path / "jobs.sqlite3", Retention(seconds=100.0)
    store = JobStore(path, retention)
    create(store, new("jobs/a"))
    finish(store, "jobs/a")
    assert store.retain(60.0) == []
    store.close()
    today = time.time()
    monkeypatch.setattr(time, "time", lambda: today + 10**9)
    store = JobStore(path, retention)
    create(store, new("jobs/b"))
    finish(store, "jobs/b")
    assert store.retain(30.0) == []
    assert names(store.retain(30.0)) == ["jobs/a"]
    store.close()


def test_what_has_ended_of_a_call_is_forgotten_with_it(store: JobStore) -> None:
    for name, attached in (("jobs/call", True), ("jobs/own", False), ("jobs/waits", True)):
        create(store, dataclasses.replace(new(name), attached=attached))
    for name in ("jobs/call", "jobs/own"):
        finish(store, name)
    store.delete_ended_calls()
    assert [job.name for _, job in store.page("me", None, 9)] == ["jobs/waits", "jobs/own"]


def test_of_jobs_that_ended_at_once_the_newest_are_kept_even_if_the_clock_is_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = JobStore(tmp_path / "jobs.sqlite3", Retention(jobs=1))
    today = time.time()
    for hour, name in enumerate(("jobs/a", "jobs/b")):
        monkeypatch.setattr(time, "time", lambda hour=hour: today - 3600 * hour)
        create(store, new(name))
        finish(store, name)
    assert names(store.retain(1.0)) == ["jobs/a"]
    store.close()


def test_plan_is_stored_as_it_was_with_all_its_pictures(store: JobStore) -> None:
    styles = (Style("a" * 64, 2.0, "m" * 64), Style("b" * 64), Style("a" * 64, 0.0))
    options = TransferOptions(size=0, style_layers=("block1_conv1",))
    plan = Plan(Inputs("c" * 64, styles), options, ProgressOptions(every=3), "cascade", shorthand=False)
    create(store, dataclasses.replace(new(), plan=plan))
    (job,) = store.unfinished()
    assert plan_from_proto(job.plan, shorthand=job.shorthand) == plan
    assert store.wanted_blobs() == {letter * 64 for letter in "abcm"}


def test_blobs_are_wanted_as_long_as_something_refers_to_them(store: JobStore) -> None:
    create(store, new())
    assert store.wanted_blobs() == {"c" * 64, "s" * 64}
    finish(store, "jobs/a")
    store.add_image("me", "j" * 64, 10)
    store.retain(IMAGE_SECONDS)
    store.add_image("me", "i" * 64, 10)
    store.retain(1.0)
    assert store.wanted_blobs() == {"c" * 64, "s" * 64, "f" * 64, "i" * 64}
    assert store.image_size("me", "i" * 64) == 10
    assert store.image_size("you", "i" * 64) is None


def test_unfinished_jobs_are_found_in_order(store: JobStore) -> None:
    for name in "abc":
        create(store, new(f"jobs/{name}"))
    finish(store, "jobs/a")
    store.append([Entry("jobs/c", BEGUN)])
    assert [(job.name, job.state) for job in store.unfinished()] == [
        ("jobs/b", State.QUEUED),
        ("jobs/c", State.RUNNING),
    ]


KILLED = """
import os, signal, sys
from pathlib import Path
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.inputs import content_and_style
from tfstyle.options import ProgressOptions, TransferOptions
from tfstyle_server.plan import Plan
from tfstyle_server.retention import EndedJob, Retention
from tfstyle_server.records import Entry, NewJob
from tfstyle_server.store import JobStore
store = JobStore(Path(sys.argv[1]), Retention())
plan = Plan(content_and_style("c", "s"), TransferOptions(), ProgressOptions())
job = NewJob("jobs/a", "me", None, "f", False, plan, 1)
store.create(job, pb.JobEvent(accepted=pb.Accepted()))
store.append([Entry("jobs/a", pb.JobEvent(begun=pb.Begun()))])
number = 0
while True:
    number += 1
    store.append([Entry("jobs/a", pb.JobEvent(progress=pb.Progress(evaluation=number)), 1)])
    print(number, flush=True)
"""


def test_what_was_recorded_before_a_kill_is_there(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    with subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = 0
        for line in process.stdout:
            told = int(line)
            if told == 50:
                process.kill()
    store = JobStore(path, Retention())
    job = store.get("me", "jobs/a")
    assert job.progress.evaluation >= told >= 50
    assert [s.sequence for s in store.events("jobs/a", 0, 10_000)] == list(range(1, job.sequence + 1))
    store.close()


def test_the_file_shrinks_when_jobs_are_deleted(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    former = sqlite3.connect(path)  # made by a release that did not give pages back
    former.execute("PRAGMA auto_vacuum = NONE")
    former.execute("VACUUM")
    former.close()
    store = JobStore(path, Retention(seconds=1.0))
    for number in range(40):
        name = f"jobs/{number}"
        create(store, new(name))
        store.append([Entry(name, BEGUN), *(Entry(name, progress(each), 1) for each in range(1, 200))])
        store.append([Entry(name, RESULT, 1)])

    def size() -> int:
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        return path.stat().st_size

    large = size()
    assert len(store.retain(10.0)) == 40
    assert size() < large / 4
    store.close()


def test_disk_quota_deletes_the_oldest_jobs_of_whoever_has_most(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.sqlite3", Retention(disk_bytes=10_000.0))
    for owner, count in (("much", 6), ("little", 2)):
        for number in range(count):
            name = f"jobs/{owner}{number}"
            create(store, new(name, owner))
            finish(store, name)  # 500 bytes of pictures, and a result of 1000
    create(store, new("jobs/waits", "much"))
    store.add_image("little", "i" * 64, 1000)
    assert store.total_bytes() == 8 * 1500 + 500 + 1000
    assert names(store.retain(1.0)) == ["jobs/much0", "jobs/much1", "jobs/much2"]
    assert store.total_bytes() == 9_000, "there is room again"
    assert [job.name for _, job in store.page("little", None, 9)] == ["jobs/little1", "jobs/little0"]
    assert next(job.name for _, job in store.page("much", None, 9)) == "jobs/waits"
    assert store.retain(1.0) == []
    store.close()
