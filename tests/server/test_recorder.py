"""Events are recorded in order and told afterwards, also where the disk is full for a while."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable

import pytest

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server import recorder
from tfstyle_server.recorder import Recorder
from tfstyle_server.records import Entry, Stored

BEGUN = Entry("jobs/a", pb.JobEvent(begun=pb.Begun()))
FULL = sqlite3.OperationalError("database or disk is full")


class Disk:
    """Takes events, unless it is full."""

    def __init__(self) -> None:
        self.full = False
        self.kept: list[str] = []

    async def append(self, entries: list[Entry]) -> list[Stored | None]:
        if self.full:
            raise FULL
        self.kept += [str(entry.event.WhichOneof("event")) for entry in entries]
        return [Stored(len(self.kept), b"", False) for _ in entries]


def run(story: Callable[[Recorder, Disk, list[str]], Awaitable[None]]) -> None:
    async def main() -> None:
        disk, told = Disk(), []
        made = Recorder(disk.append, lambda entry, stored, preview: told.append(entry.name))
        running = asyncio.create_task(made.run())
        await story(made, disk, told)
        running.cancel()

    asyncio.run(main())


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "RETRY_SECONDS", 0.01)


def test_what_no_waiting_cures_is_told_to_all_and_ends_it() -> None:
    async def main() -> None:
        async def append(entries: list[Entry]) -> list[Stored | None]:
            raise sqlite3.DatabaseError("malformed")

        made = Recorder(append, lambda *_: None)
        waiting = [asyncio.create_task(made.record(BEGUN)) for _ in range(2)]
        with pytest.raises(sqlite3.DatabaseError):
            await made.run()
        for each in (*waiting, made.record(BEGUN)):
            with pytest.raises(sqlite3.DatabaseError, match="malformed"):
                await each

    asyncio.run(main())


def test_who_waits_is_told_what_was_recorded_and_after_everybody_else() -> None:
    async def story(made: Recorder, disk: Disk, told: list[str]) -> None:
        made.post(BEGUN)
        stored = await made.record(BEGUN)
        assert stored is not None
        assert stored.sequence == 2
        assert told == ["jobs/a", "jobs/a"]

    run(story)


def test_a_full_disk_delays_changes_drops_progress_and_is_told_to_the_impatient() -> None:
    async def story(made: Recorder, disk: Disk, told: list[str]) -> None:
        disk.full = True
        made.post(BEGUN)
        made.post(Entry("jobs/a", pb.JobEvent(progress=pb.Progress(evaluation=1))))
        patient = asyncio.create_task(made.record(Entry("jobs/a", pb.JobEvent(cancelled=pb.Cancelled()))))
        with pytest.raises(sqlite3.OperationalError, match="full"):
            await made.record(BEGUN, patient=False)
        await asyncio.sleep(0.05)
        assert not patient.done()
        assert told == []
        disk.full = False
        assert await patient is not None
        assert disk.kept == ["begun", "cancelled"]

    run(story)
