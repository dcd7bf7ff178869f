"""A real server on the data of an earlier release: its jobs are there, and those that ran go on."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from old_databases import old_database

from conftest import Server
from tfstyle.images import decode
from tfstyle_client import Client
from tfstyle_server.blobs import BlobFolder
from tfstyle_server.schema import VERSION
from tfstyle_server.security import ANONYMOUS


@pytest.mark.slow
@pytest.mark.parametrize("version", [1, 2])
def test_jobs_of_an_earlier_release_are_there_and_go_on(
    version: int, own_server: Callable[..., Server], landscape: bytes, painting: bytes, tmp_path: Path
) -> None:
    blobs = BlobFolder(tmp_path / "blobs")
    digests = [blobs.put([data]) for data in (landscape, painting, b"a result")]
    old_database(tmp_path / "jobs.sqlite3", version, ANONYMOUS, *digests)
    server = own_server(data=tmp_path)
    with Client(server.address) as client:
        assert {job.name for job in client.jobs()} == {"jobs/ended", "jobs/runs"}
        done = client.job("jobs/runs").result()
        assert decode(done.png, "result").size == (64, 43)
        assert client.job("jobs/ended").status().state == "succeeded"
        assert client.create(landscape, painting, size=48, steps=2).result().png
    assert server.stop() == 0
    database = sqlite3.connect(tmp_path / "jobs.sqlite3")
    assert database.execute("PRAGMA user_version").fetchone() == (VERSION,)
    database.close()


def test_the_data_of_a_later_release_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    database = sqlite3.connect(path)
    database.executescript(f"CREATE TABLE jobs (name TEXT); PRAGMA user_version = {VERSION + 1};")
    database.close()
    before = path.read_bytes()
    command = [sys.executable, "-m", "tfstyle_server", "--listen", "127.0.0.1:0", "--data", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "it was written by another release of tfstyle" in ended.stderr.splitlines()[-1]
    assert path.read_bytes() == before
