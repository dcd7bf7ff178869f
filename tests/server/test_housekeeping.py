"""What needs no room is cleaned up also where the database can write nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from tfstyle_server import blobs, housekeeping
from tfstyle_server.data import open_data
from tfstyle_server.retention import Retention


def test_full_disk_keeps_nothing_that_can_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "SWEEP_SECONDS", 0.02)
    monkeypatch.setattr(blobs, "UNREFERENCED_SECONDS", 0.01)

    async def main() -> None:
        data = await open_data(tmp_path, Retention())
        orphan, held = (data.blobs.put([each]) for each in (b"orphan", b"held"))
        left = tmp_path / "checkpoints" / "gone"
        left.mkdir(parents=True)

        loop, often = asyncio.get_running_loop(), asyncio.Event()
        tried: list[float] = []

        def full(seconds: float) -> list[str]:
            tried.append(seconds)
            if len(tried) == 6:
                loop.call_soon_threadsafe(often.set)
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(data.store, "retain", full)
        house = asyncio.create_task(housekeeping.keep_house(data, lambda: (), lambda: frozenset({held}), print))
        await often.wait()
        house.cancel()
        assert data.blobs.size(orphan) is None
        assert data.blobs.size(held) is not None, "a result that is not recorded yet"
        assert not left.exists()
        assert tried == sorted(tried), "time that could not be noted is not lost"
        assert tried[-1] >= 0.08
        await data.close()

    asyncio.run(main())
