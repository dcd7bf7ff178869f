"""Databases of earlier releases, damaged ones, and another program's."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from google.protobuf.message import DecodeError
from old_databases import old_database
from stored_jobs import BEGUN, RESULT, create, new

from tfstyle.inputs import content_and_style
from tfstyle.options import ProgressOptions
from tfstyle.presets import resolve_options
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server.plan import FORMER, Plan, plan_from_proto
from tfstyle_server.records import Entry
from tfstyle_server.retention import Retention
from tfstyle_server.states import State
from tfstyle_server.store import JobStore


@pytest.mark.parametrize("version", [1, 2])
def test_database_of_an_earlier_release_is_migrated(tmp_path: Path, version: int) -> None:
    path = tmp_path / "jobs.sqlite3"
    old_database(path, version)
    store = JobStore(path, Retention())
    assert store.get("me", "jobs/ended").state == State.SUCCEEDED
    assert store.image_size("me", "i") == 10
    assert store.wanted_blobs() == {"c" * 64, "s" * 64, "r" * 64, "i"}
    (job,) = store.unfinished()
    plan = plan_from_proto(job.plan, shorthand=job.shorthand)
    assert plan == Plan(
        content_and_style("c" * 64, "s" * 64),
        resolve_options("fast", FORMER | {"size": 64, "max_evaluations": 4}),
        ProgressOptions(),
        "fast",
    )
    assert job.plan.inputs.content.image == f"images/{'c' * 64}"
    assert not job.plan.detach
    interrupted = pb.JobEvent(interrupted=pb.Interrupted())
    assert all(
        store.append([Entry("jobs/runs", interrupted), Entry("jobs/runs", BEGUN), Entry("jobs/runs", RESULT, 2)])
    )
    assert len(store.events("jobs/runs", 0, 9)) == 4
    assert create(store, new("jobs/new"))[1] == 3, "numbers continue"
    assert store.retain(60.0) == [], "ages begin with the migration, or continue"
    store.delete("me", "jobs/ended")
    store.delete("me", "jobs/runs")
    assert store.wanted_blobs() == {"c" * 64, "s" * 64, "i"}
    store.close()
    JobStore(path, Retention()).close()


def test_jobs_of_a_release_without_traces_have_none(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    store = JobStore(path, Retention())
    create(store, new("jobs/a"))
    store.close()
    database = sqlite3.connect(path)
    database.executescript("ALTER TABLE jobs DROP COLUMN trace; PRAGMA user_version = 5;")
    database.close()
    store = JobStore(path, Retention())
    (job,) = store.unfinished()
    assert (job.name, job.trace) == ("jobs/a", "")
    store.close()


def test_migration_is_done_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    old_database(path, 2)
    database = sqlite3.connect(path)
    good = database.execute("SELECT transfer FROM jobs WHERE name = 'jobs/runs'").fetchone()[0]
    database.execute("UPDATE jobs SET transfer = x'ff' WHERE name = 'jobs/runs'")
    database.commit()
    with pytest.raises(DecodeError):
        JobStore(path, Retention())
    assert database.execute("PRAGMA user_version").fetchone() == (2,)
    database.execute("UPDATE jobs SET transfer = ? WHERE name = 'jobs/runs'", (good,))
    database.commit()
    database.close()
    JobStore(path, Retention()).close()


def test_damaged_or_foreign_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"no database at all" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        JobStore(tmp_path / "a", Retention())
    database = sqlite3.connect(tmp_path / "b")
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(sqlite3.DatabaseError, match="another release"):
        JobStore(tmp_path / "b", Retention())


def test_database_of_version_4_gets_its_indexes(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    JobStore(path, Retention()).close()
    with sqlite3.connect(path) as database:
        database.executescript(
            "DROP INDEX by_digest; DROP INDEX by_result; ALTER TABLE jobs DROP COLUMN trace; PRAGMA user_version = 4;"
        )
    database.close()
    JobStore(path, Retention()).close()
    with sqlite3.connect(path) as database:
        names = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    database.close()
    assert {"by_digest", "by_result"} <= names
