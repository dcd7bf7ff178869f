"""Checkpoints: one list of cases for each place where they can be."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from store_server import StoreServer
from tfstyle.checkpoint import Checkpoint, write_checkpoint
from tfstyle_server.executors.checkpoints import Checkpoints, CheckpointStore
from tfstyle_server.locations import open_checkpoints


@pytest.fixture(params=["folder", "memory", "s3"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    match request.param:
        case "folder":
            return str(tmp_path / "checkpoints")
        case "memory":
            return f"memory://{secrets.token_hex(8)}/checkpoints"
    store: StoreServer = request.getfixturevalue("store_server")
    return store.new_location()


@pytest.fixture
def store(location: str) -> CheckpointStore:
    return open_checkpoints(location)


class FakeTransfer:
    """Has made so many evaluations."""

    def __init__(self, evaluations: int) -> None:
        self.evaluations = evaluations

    def checkpoint(self, path: Path) -> int:
        vector = np.arange(5.0) * self.evaluations
        with path.open("wb") as file:
            write_checkpoint(file, Checkpoint({"x": vector}, {"evaluations": self.evaluations}))
        return self.evaluations


class SlowTransfer(FakeTransfer):
    """Its disk is slow."""

    def checkpoint(self, path: Path) -> int:
        time.sleep(0.2)
        return super().checkpoint(path)


class FullTransfer:
    """Its disk is full."""

    def checkpoint(self, path: Path) -> int:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")


def write(store: CheckpointStore, job: str, transfer: Any, attempt: int = 1) -> None:
    with Checkpoints(store.of(job), attempt, 0.0) as checkpoints:
        checkpoints.write_if_due(transfer, stage_follows=False)


def found(store: CheckpointStore, job: str) -> list[int]:
    """The evaluations of the job's checkpoints, in the order in which they are tried."""
    read = list(Checkpoints(store.of(job), 9, 0.0).candidates())
    for each in read:
        np.testing.assert_array_equal(each.arrays["x"], np.arange(5.0) * each.notes["evaluations"])
    return [each.notes["evaluations"] for each in read]


def test_latest_are_kept_and_found_elsewhere(store: CheckpointStore, location: str) -> None:
    assert found(store, "jobs/a") == []
    for attempt, evaluations in ((1, 5), (1, 20), (2, 100)):
        write(store, "jobs/a", FakeTransfer(evaluations), attempt)
    write(store, "jobs/b", FakeTransfer(7))
    assert found(open_checkpoints(location), "jobs/a") == [100, 20]
    assert sorted(store.of("jobs/a").names()) == ["000020-000001.npz", "000100-000002.npz"]


def test_what_breaks_off_leaves_nothing(store: CheckpointStore, caplog: pytest.LogCaptureFixture) -> None:
    write(store, "jobs/a", FakeTransfer(5))
    write(store, "jobs/a", FullTransfer())
    assert "no checkpoint was written: No space left on device" in caplog.text
    assert found(store, "jobs/a") == [5]


def test_damaged_one_is_skipped(store: CheckpointStore, tmp_path: Path) -> None:
    for evaluations in (5, 6):
        write(store, "jobs/a", FakeTransfer(evaluations))
    files = store.of("jobs/a")
    with files.opened("000006-000001.npz") as path, files.draft(1) as draft:
        draft.write_bytes(path.read_bytes()[:-30])
        files.publish(draft, "000006-000001.npz")
    assert found(store, "jobs/a") == [5]


def test_they_go_with_their_job(store: CheckpointStore) -> None:
    for job in ("jobs/a", "jobs/ab", "jobs/c"):
        write(store, job, FakeTransfer(5))
    store.delete("jobs/a")
    store.delete("jobs/unknown")
    assert [found(store, job) for job in ("jobs/a", "jobs/ab", "jobs/c")] == [[], [5], [5]]
    store.sweep(lambda: ["jobs/c", "jobs/new"])
    assert [found(store, job) for job in ("jobs/ab", "jobs/c")] == [[], [5]]


def test_a_job_that_begins_during_a_sweep_keeps_its_checkpoint(store: CheckpointStore) -> None:
    def kept() -> list[str]:
        write(store, "jobs/late", FakeTransfer(5))
        return []

    write(store, "jobs/old", FakeTransfer(5))
    store.sweep(kept)
    assert [found(store, job) for job in ("jobs/old", "jobs/late")] == [[], [5]]


def test_seconds_between_two_do_not_matter_where_another_stage_follows(tmp_path: Path) -> None:
    store = open_checkpoints(str(tmp_path))
    with Checkpoints(store.of("jobs/a"), 1, 3600.0) as checkpoints:
        for evaluations in range(1, 6):
            checkpoints.write_if_due(FakeTransfer(evaluations), stage_follows=evaluations == 4)  # type: ignore[arg-type]
    assert found(store, "jobs/a") == [4]


def test_writing_takes_a_bounded_share_of_the_time_between_short_stages_too(tmp_path: Path) -> None:
    store = open_checkpoints(str(tmp_path))
    with Checkpoints(store.of("jobs/a"), 1, 0.0) as checkpoints:
        for evaluations in range(1, 10):
            checkpoints.write_if_due(SlowTransfer(evaluations), stage_follows=True)  # type: ignore[arg-type]
            checkpoints._writing.result()  # type: ignore[union-attr]
    assert found(store, "jobs/a") == [1], "the next one is due 5 times 0.2 s later"


def test_end_of_a_stage_waits_for_the_checkpoint_that_is_being_written(tmp_path: Path) -> None:
    store = open_checkpoints(str(tmp_path))
    with Checkpoints(store.of("jobs/a"), 1, 0.0) as checkpoints:
        checkpoints.write_if_due(SlowTransfer(1), stage_follows=False)  # type: ignore[arg-type]
        checkpoints.write_if_due(FakeTransfer(2), stage_follows=False)  # type: ignore[arg-type]
        checkpoints.write_if_due(FakeTransfer(3), stage_follows=True)  # type: ignore[arg-type]
    assert found(store, "jobs/a") == [3, 1]
