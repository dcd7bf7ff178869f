"""`tfstyle-server check` finds what is damaged, and changes nothing."""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Server
from tfstyle_client import Client, ClientError
from tfstyle_client.exit_codes import BAD_INPUT, DONE, FAILED
from tfstyle_server.backup import back_up
from tfstyle_server.check import check


def server_command(*arguments: object) -> tuple[int, list[str], str]:
    """(exit code, lines on standard output, standard error) of `tfstyle-server`."""
    command = [sys.executable, "-m", "tfstyle_server", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stdout.splitlines(), ended.stderr


def change(data: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(data / "jobs.sqlite3") as db:
        assert db.execute(statement, values).rowcount >= 1
    db.close()


def contents(data: Path) -> dict[str, bytes]:
    """All files of a data folder but those that SQLite makes for readers."""
    files = [file for file in data.rglob("*") if file.is_file() and not file.name.endswith(("-wal", "-shm"))]
    return {str(file.relative_to(data)): file.read_bytes() for file in files}


def test_nothing_is_damaged(used_data: Path) -> None:
    before = contents(used_data)
    code, (line,), _ = server_command("check", "--data", used_data)
    assert code == DONE
    assert line.startswith(f"{used_data}: 3 jobs, 5 pictures (")
    assert line.endswith("MB): nothing is damaged")
    assert contents(used_data) == before


def test_everything_that_is_damaged_is_named_and_the_server_serves_the_rest(
    used_data: Path, own_server: Callable[..., Server], tmp_path: Path, landscape: bytes
) -> None:
    data = Path(shutil.copytree(used_data, tmp_path / "data"))
    with sqlite3.connect(data / "jobs.sqlite3") as db:
        names = [name for (name,) in db.execute("SELECT name FROM jobs ORDER BY number")]
        results = [digest for (digest,) in db.execute("SELECT result FROM jobs ORDER BY number")]
    db.close()
    change(data, "UPDATE jobs SET job = x'ff' WHERE name = ?", names[0])
    change(data, "DELETE FROM events WHERE sequence = 2 AND job = 1")
    change(data, "UPDATE events SET event = x'ff' WHERE sequence = 3 AND job = 2")
    photo = hashlib.sha256(landscape).hexdigest()
    (data / "blobs" / photo[:2] / photo).write_bytes(landscape[:-1] + b"\0")
    (data / "blobs" / results[2][:2] / results[2]).unlink()
    code, lines, _ = server_command("check", "--data", data)
    assert code == FAILED
    assert lines[-1].endswith("4 damaged")
    assert lines[0].startswith(f"{names[0]}: its record cannot be read")
    assert lines[1].startswith(f"{names[1]}: event 3 cannot be read")
    assert lines[2:4] == [
        f"picture {photo}: is damaged",
        f"picture {results[2]}: is missing",
    ]
    server = own_server(data=data)
    with Client(server.address) as client:
        jobs = {job.name: job for job in client.jobs()}
        assert set(jobs) == set(names)
        assert [jobs[name].state for name in names] == ["failed", "succeeded", "succeeded"]
        for lost in (names[0], names[2]):
            with pytest.raises(ClientError) as caught:
                client.job(lost).result()
            assert caught.value.code == "DATA_LOSS"
        assert client.job(names[1]).result().png


def test_a_folder_of_pictures_that_is_not_there_is_not_made(used_data: Path, tmp_path: Path) -> None:
    """As where a disk is not mounted."""
    data = Path(shutil.copytree(used_data, tmp_path / "data"))
    (data / "blobs").rename(tmp_path / "elsewhere")
    report = check(data)
    assert (report.pictures, [line.endswith(": is missing") for line in report.findings]) == (0, [True] * 5)
    assert not (data / "blobs").exists()
    assert len(back_up(data, tmp_path / "copy").findings) == 5
    assert not (data / "blobs").exists()


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE jobs SET job = CAST(job AS TEXT) WHERE number = 1", "jobs has values of a wrong type, in rows: 1"),
        ("UPDATE jobs SET bytes = 'x' WHERE number = 1", "jobs has values of a wrong type, in rows: 1"),
        ("INSERT INTO job_pictures VALUES (1, x'fffe')", "job_pictures has values of a wrong type, in rows: 1"),
        (f"UPDATE jobs SET result = '{'f' * 5000}' WHERE number = 1", "its record does not agree with its result"),
        ("DELETE FROM passed", "the server's uptime is lost"),
    ],
)
def test_values_of_wrong_types_are_found(used_data: Path, tmp_path: Path, statement: str, says: str) -> None:
    data = Path(shutil.copytree(used_data, tmp_path / "data"))
    with sqlite3.connect(data / "jobs.sqlite3") as db:
        db.execute(statement)
    db.close()
    assert any(says in finding for finding in check(data).findings)
    back_up(data, tmp_path / "copy")


def test_lost_database_keeps_the_server_from_deleting_the_pictures(
    used_data: Path, own_server: Callable[..., Server], tmp_path: Path
) -> None:
    data = Path(shutil.copytree(used_data, tmp_path / "data"))
    for file in data.glob("jobs.sqlite3*"):
        file.unlink()
    pictures = contents(data / "blobs")
    for emptied in (False, True):
        if emptied:
            (data / "jobs.sqlite3").write_bytes(b"")
        code, _, message = server_command("--listen", "127.0.0.1:0", "--data", data)
        assert code == BAD_INPUT
        assert "jobs.sqlite3 is missing or empty; restore it from a backup, or give --accept-empty-database" in message
    assert contents(data / "blobs") == pictures
    own_server("--accept-empty-database", data=data)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, r"data: \S+ has no jobs.sqlite3"),
        (b"no database at all" * 100, r"data: \S+ cannot be read: file is not a database"),
        (b"", r"data: \S+ was written by another release of tfstyle \(version 0\)"),
    ],
)
def test_what_is_no_data_folder_is_one_line(tmp_path: Path, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / "jobs.sqlite3").write_bytes(content)
    for command in (("check",), ("backup", tmp_path / "copy")):
        code, lines, message = server_command(*command, "--data", tmp_path)
        assert (code, lines) == (BAD_INPUT, [])
        assert re.fullmatch(f"tfstyle-server: {says}\n", message)
    assert not (tmp_path / "copy").exists()
