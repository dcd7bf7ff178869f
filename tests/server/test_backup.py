"""`tfstyle-server backup` under load, and what a server makes of the copy."""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from test_check import server_command

from conftest import Server
from tfstyle_client import Client, ServerBusyError
from tfstyle_client.exit_codes import DONE, FAILED
from tfstyle_server import backup
from tfstyle_server.backup import back_up
from tfstyle_server.blobs import BlobFolder


@pytest.mark.slow
def test_backup_under_load_has_everything_of_one_moment(
    own_server: Callable[..., Server], tmp_path: Path, landscape: bytes, painting: bytes
) -> None:
    data, copy = tmp_path / "data", tmp_path / "backups" / "copy"
    server = own_server("--keep-jobs", "2", data=data)  # so that jobs are deleted meanwhile as well
    stop, number = threading.Event(), itertools.count(1)

    def load() -> None:
        with Client(server.address) as client:
            while not stop.is_set():
                # Other pictures and other results each time.
                photo, steps = landscape + bytes(next(number)), next(number) % 5 + 1
                try:
                    job = client.create(photo, painting, size=48, steps=steps)
                except ServerBusyError:
                    time.sleep(0.05)
                    continue
                if job.result() and not stop.is_set():
                    client.job(job.name).delete()

    with Client(server.address) as client:
        done = client.create(landscape, painting, size=48, steps=1)
        result = done.result().png
        long = client.create(landscape, painting, size=48, steps=40)
        thread = threading.Thread(target=load)
        thread.start()
        code, (line,), _ = server_command("backup", copy, "--data", data)
        assert (code, line.endswith("MB): complete")) == (DONE, True)
        stop.set()
        thread.join()
        finished = long.result().png
    server.stop()
    assert server_command("check", "--data", copy)[0] == DONE
    assert copy.stat().st_mode & 0o077 == 0
    restored = own_server(data=copy)
    with Client(restored.address) as client:
        assert client.job(done.name).result().png == result
        assert client.job(long.name).result().png == finished, "it is made again, bit for bit"
    assert list(copy.parent.iterdir()) == [copy]


def results_in(data: Path) -> list[str]:
    """The digests of the results of all jobs."""
    with sqlite3.connect(data / "jobs.sqlite3") as db:
        rows = db.execute("SELECT result FROM jobs ORDER BY number").fetchall()
    db.close()
    return [digest for (digest,) in rows]


def test_damage_is_named_and_the_rest_is_copied(used_data: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(used_data, tmp_path / "data"))
    digest, *others = results_in(data)
    (data / "blobs" / digest[:2] / digest).write_bytes(b"damaged")
    code, lines, _ = server_command("backup", tmp_path / "copy", "--data", data)
    assert code == FAILED
    assert lines[0] == f"blob {digest} is damaged"
    assert lines[-1].endswith("1 lost")
    code, lines, _ = server_command("check", "--data", tmp_path / "copy")
    assert (code, lines[:-1]) == (FAILED, [f"picture {digest}: is missing"])
    assert all((tmp_path / "copy" / "blobs" / other[:2] / other).exists() for other in others)


def test_picture_that_goes_with_its_job_meanwhile_is_not_missed(
    used_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = Path(shutil.copytree(used_data, tmp_path / "data"))
    first = results_in(data)[0]
    blob = data / "blobs" / first[:2] / first
    put = BlobFolder.put

    def delete_first(*arguments: object) -> str:
        """What a server and its housekeeping do between the copy of the database and that of the blobs."""
        if blob.exists():
            with sqlite3.connect(data / "jobs.sqlite3") as db:
                db.execute("PRAGMA foreign_keys = ON")
                db.execute("DELETE FROM jobs WHERE result = ?", (first,))
            db.close()
            blob.unlink()
        return put(*arguments)

    monkeypatch.setattr(BlobFolder, "put", delete_first)
    report = back_up(data, tmp_path / "copy")
    assert (report.findings, report.jobs, report.pictures) == ((), 2, 4)


def test_backup_ends_although_pictures_come_faster_than_it_copies(
    used_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = Path(shutil.copytree(used_data, tmp_path / "data"))
    copied, numbers = backup._copy_database, itertools.count(100)

    def copy_and_add(folder: Path, draft: Path) -> tuple[frozenset[str], int]:
        found = copied(folder, draft)
        digest = BlobFolder(data / "blobs").put([bytes(next(numbers))])
        with sqlite3.connect(data / "jobs.sqlite3") as db:
            db.execute("INSERT INTO images VALUES ('me', ?, 1, 0)", (digest,))
        db.close()
        return found

    monkeypatch.setattr(backup, "_copy_database", copy_and_add)
    assert back_up(data, tmp_path / "copy").pictures == 5
    assert next(numbers) == 101, "one copy of the database was enough"


def test_drafts_of_killed_backups_are_deleted_and_nothing_else(used_data: Path, tmp_path: Path) -> None:
    killed, foreign = tmp_path / f"{backup.PREFIX}dead", tmp_path / f"{backup.PREFIX}mine"
    for folder in (killed, foreign):
        folder.mkdir()
        (folder / "precious").write_text("mine")
    (killed / backup.MARK).touch()
    back_up(used_data, tmp_path / "copy")
    assert sorted(tmp_path.iterdir()) == [foreign, tmp_path / "copy"]


def test_copy_may_go_into_an_empty_folder(used_data: Path, tmp_path: Path) -> None:
    """A mount point or a link to a folder cannot be replaced."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    assert back_up(used_data, tmp_path / "link").findings == ()
    assert server_command("check", "--data", tmp_path / "empty")[0] == DONE
    assert sorted(path.name for path in (tmp_path / "empty").iterdir()) == ["blobs", "jobs.sqlite3"]


def test_what_is_no_file_holds_nothing_up(used_data: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(used_data, tmp_path / "data"))
    first, second, third = results_in(data)
    for digest, replace in ((first, os.mkfifo), (second, os.mkdir), (third, lambda path: path.symlink_to("/dev/zero"))):
        path = data / "blobs" / digest[:2] / digest
        path.unlink()
        replace(path)
    code, lines, _ = server_command("check", "--data", data)
    assert (code, len([line for line in lines if line.endswith("is no regular file")])) == (FAILED, 3)
    code, lines, _ = server_command("backup", tmp_path / "copy", "--data", data)
    assert (code, lines[-1].endswith("3 lost")) == (FAILED, True)


@pytest.mark.parametrize("taken", ["full"])
def test_folder_that_is_taken_is_left_alone(tmp_path: Path, taken: str) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    code, _, message = server_command("backup", tmp_path / taken, "--data", tmp_path)
    assert code == FAILED
    assert message == f"tfstyle-server: folder: cannot write {tmp_path / taken}: it exists already, and is not empty\n"
    assert (tmp_path / "full" / "file").read_text() == "mine"
