"""Damaged rows: their jobs say so, and nobody else's jobs suffer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.rpc import code_pb2

from tfstyle.inputs import content_and_style
from tfstyle.options import ProgressOptions
from tfstyle.presets import resolve_options
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server.plan import Plan
from tfstyle_server.records import Entry, NewJob
from tfstyle_server.retention import EndedJob, Retention
from tfstyle_server.states import State
from tfstyle_server.store import JobStore

PLAN = Plan(content_and_style("c" * 64, "s" * 64), resolve_options("fast"), ProgressOptions(), "fast")
BEGUN = pb.JobEvent(begun=pb.Begun())
RESULT = pb.JobEvent(result=pb.Result(digest="f" * 64, size=1000))


def names(jobs: list[EndedJob]) -> list[str]:
    return [job.name for job in jobs]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[JobStore]:
    """A store with a job that has ended, one that runs and one that waits."""
    made = JobStore(path, Retention(events=20, seconds=100.0))
    for name in ("jobs/done", "jobs/runs", "jobs/waits"):
        made.create(NewJob(name, "me", None, "f", False, PLAN, 500), pb.JobEvent(accepted=pb.Accepted()))
    for name in ("jobs/done", "jobs/runs"):
        progress = [Entry(name, pb.JobEvent(progress=pb.Progress(evaluation=each)), 1) for each in (1, 2)]
        made.append([Entry(name, BEGUN), *progress])
    made.append([Entry("jobs/done", RESULT, 1)])
    yield made
    made.close()


def damage(path: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(path) as db:
        assert db.execute(statement, values).rowcount == 1
    db.close()


def damage_job(path: Path, name: str, data: bytes = b"\xff") -> None:
    damage(path, "UPDATE jobs SET job = ? WHERE name = ?", data, name)


def damage_event(path: Path, name: str, sequence: int) -> None:
    of_job = "job = (SELECT number FROM jobs WHERE name = ?)"
    damage(path, f"UPDATE events SET event = x'ff' WHERE {of_job} AND sequence = ?", name, sequence)


def states(store: JobStore) -> dict[str, State]:
    return {job.name: State(job.state) for _, job in store.page("me", None, 9)}


BEFORE = {"jobs/waits": State.QUEUED, "jobs/runs": State.RUNNING, "jobs/done": State.SUCCEEDED}


@pytest.mark.parametrize("name", BEFORE)
@pytest.mark.parametrize(
    "data", [b"\xff", b"", pb.Job(name="jobs/other", state=pb.Job.STATE_QUEUED).SerializeToString()]
)
def test_record_is_made_again_from_the_events(store: JobStore, path: Path, name: str, data: bytes) -> None:
    before = store.get("me", name)
    damage_job(path, name, data)
    assert states(store) == BEFORE
    after = store.get("me", name)
    before.create_time.CopyFrom(after.create_time)
    assert after == before
    assert [job.name for job in store.unfinished()] == ["jobs/runs", "jobs/waits"]
    assert "f" * 64 in store.wanted_blobs()
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT what, data FROM damaged").fetchall() == [("job", data)]
    db.close()


def test_job_whose_events_are_not_all_left_fails(store: JobStore, path: Path) -> None:
    damage_job(path, "jobs/runs")
    damage_event(path, "jobs/runs", 1)
    job = store.get("me", "jobs/runs")
    assert State(job.state) is State.FAILED
    assert job.error.code == code_pb2.DATA_LOSS
    assert states(store) == {**BEFORE, "jobs/runs": State.FAILED}
    events = store.events("jobs/runs", 0, 99)
    assert (events[0].sequence, events[-1].sequence, events[-1].last) == (2, job.sequence, True)
    assert "c" * 64 in store.wanted_blobs(), "its pictures stay until it is deleted"
    assert names(store.retain(200.0)) == ["jobs/runs", "jobs/done"], "it expires as others do"
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT COUNT(*) FROM damaged").fetchone() == (0,)
    db.close()


def test_plan_that_cannot_be_read_fails_its_job_only(store: JobStore, path: Path) -> None:
    damage(path, "UPDATE jobs SET plan = x'ff' WHERE name = 'jobs/waits'")
    assert [job.name for job in store.unfinished()] == ["jobs/runs"]
    assert states(store) == {**BEFORE, "jobs/waits": State.FAILED}
    assert "its plan cannot be read" in store.get("me", "jobs/waits").error.message


def test_report_on_a_damaged_job_ends_it_for_its_watchers(store: JobStore, path: Path) -> None:
    damage_event(path, "jobs/runs", 2)
    damage_job(path, "jobs/runs")
    (stored,) = store.append([Entry("jobs/runs", pb.JobEvent(progress=pb.Progress(evaluation=3)), 1)])
    assert stored is not None
    assert stored.last
    assert State(store.get("me", "jobs/runs").state) is State.FAILED


def test_report_on_a_mended_job_is_recorded(store: JobStore, path: Path) -> None:
    damage_job(path, "jobs/runs")
    (stored,) = store.append([Entry("jobs/runs", RESULT, 1)])
    assert stored is not None
    assert states(store)["jobs/runs"] is State.SUCCEEDED


def test_events_up_to_a_damaged_one_are_no_longer_kept(store: JobStore, path: Path) -> None:
    damage_event(path, "jobs/runs", 2)
    assert [event.sequence for event in store.events("jobs/runs", 0, 99)] == [3, 4]
    assert store.get("me", "jobs/runs").oldest_sequence == 3
    assert states(store) == BEFORE


def test_event_that_ended_a_job_is_made_again(store: JobStore, path: Path) -> None:
    last = store.get("me", "jobs/done").sequence
    damage_event(path, "jobs/done", last)
    (event,) = store.events("jobs/done", 0, 99)
    assert (event.sequence, event.last) == (last, True)
    assert pb.JobEvent.FromString(event.data).result == RESULT.result


@pytest.mark.parametrize("name", ["jobs/runs", "jobs/done"])
@pytest.mark.parametrize(("field", "value"), [("sequence", 2), ("sequence", 99), ("state", pb.Job.STATE_QUEUED)])
def test_record_that_can_be_read_and_is_wrong_is_mended_with_the_next_report(
    store: JobStore, path: Path, name: str, field: str, value: int
) -> None:
    job = store.get("me", name)
    right = getattr(job, field)
    setattr(job, field, value)
    damage_job(path, name, job.SerializeToString())
    store.append([Entry(name, pb.JobEvent(progress=pb.Progress(evaluation=3)), 1), Entry("jobs/waits", BEGUN)])
    assert getattr(store.get("me", name), field) in (right, right + 1)
    assert states(store) == {**BEFORE, "jobs/waits": State.RUNNING}


@pytest.mark.parametrize("value", ["CAST(job AS TEXT)", "7", "1.5", "NULL"])
def test_records_of_another_type_are_damaged(store: JobStore, path: Path, value: str) -> None:
    if value == "NULL":
        value = "''"
    damage(path, f"UPDATE jobs SET job = {value} WHERE name = 'jobs/waits'")
    damage(path, f"UPDATE events SET event = {value.replace('job', 'event')} WHERE job = 2 AND sequence = 1")
    assert states(store) == BEFORE
    assert store.events("jobs/runs", 0, 9)[0].sequence == 2
    assert [job.name for job in store.unfinished()] == ["jobs/runs", "jobs/waits"]


def test_numbers_of_another_type_stop_no_housekeeping(store: JobStore, path: Path) -> None:
    damage(path, "UPDATE jobs SET bytes = 'x', ended = 'never' WHERE name = 'jobs/done'")
    damage(path, "UPDATE events SET sequence = 'x' WHERE job = 2 AND sequence = 1")
    damage(path, "DELETE FROM passed")
    store.add_image("me", "i" * 64, 10)
    damage(path, "UPDATE images SET size = 9e999")
    store.total_bytes()
    assert [event.sequence for event in store.events("jobs/runs", 0, 9)] == [2, 3, 4]
    store.close()
    again = JobStore(path, Retention(seconds=100.0))
    assert again.retain(50.0) == []
    assert again.append([Entry("jobs/runs", RESULT, 1)])[0] is not None
    again.close()


@pytest.mark.parametrize("column", ["owner", "name"])
def test_text_that_is_no_utf8_fails_no_query(store: JobStore, path: Path, column: str) -> None:
    damage(path, f"UPDATE jobs SET {column} = CAST(x'6aff6b' AS TEXT) WHERE name = 'jobs/waits'")
    assert set(states(store)) - {"j\ufffdk"} == {"jobs/runs", "jobs/done"}
    store.unfinished()
    assert names(store.retain(200.0))[:1] == ["jobs/done"]
    assert "c" * 64 in store.wanted_blobs()


def test_event_that_was_moved_ends_no_query_and_is_put_aside_once(store: JobStore, path: Path) -> None:
    last = store.get("me", "jobs/done").sequence
    of_job = "job = (SELECT number FROM jobs WHERE name = 'jobs/done')"
    damage(path, f"UPDATE events SET sequence = {last + 6} WHERE {of_job} AND sequence = {last}")
    for _ in range(3):
        (event,) = store.events("jobs/done", last - 1, 99)
        assert (event.sequence, event.last) == (last, True)
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT COUNT(*) FROM damaged").fetchone() == (1,)
    db.close()


def test_many_damaged_events_are_no_recursion(tmp_path: Path) -> None:
    path = tmp_path / "many.sqlite3"
    store = JobStore(path, Retention(events=5000))
    store.create(NewJob("jobs/a", "me", None, "f", False, PLAN, 500), pb.JobEvent(accepted=pb.Accepted()))
    progress = [Entry("jobs/a", pb.JobEvent(progress=pb.Progress(evaluation=each)), 1) for each in range(1, 1600)]
    store.append([Entry("jobs/a", BEGUN), *progress, Entry("jobs/a", RESULT, 1)])
    with sqlite3.connect(path) as db:
        db.execute("UPDATE events SET event = x'ff'")
    db.close()
    (event,) = store.events("jobs/a", 0, 5000)
    assert pb.JobEvent.FromString(event.data).result == RESULT.result
    store.close()


def test_latest_event_of_an_unfinished_job_fails_it(store: JobStore, path: Path) -> None:
    damage_event(path, "jobs/runs", store.get("me", "jobs/runs").sequence)
    assert store.events("jobs/runs", 0, 99)[-1].last
    assert states(store) == {**BEFORE, "jobs/runs": State.FAILED}


def test_damaged_job_can_be_deleted(store: JobStore, path: Path) -> None:
    damage_job(path, "jobs/done")
    store.delete("me", "jobs/done")
    assert "jobs/done" not in states(store)
