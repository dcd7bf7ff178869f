"""Folders with pictures in them that killed processes leave behind."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tfstyle_client.private_folder import private_folder

OWNER = """
import sys, time
from tfstyle_client.private_folder import private_folder
with private_folder(sys.argv[1]) as folder:
    (folder / "data").mkdir()
    (folder / "data" / "picture").write_text("private")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def owned(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process with a folder."""
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    yield owner, Path(owner.stdout.readline().strip())
    owner.kill()
    owner.wait()
    owner.stdout.close()


def test_folder_of_a_killed_owner_is_deleted_at_the_next_start(
    owned: tuple[subprocess.Popen[str], Path], tmp_path: Path
) -> None:
    owner, folder = owned
    with private_folder(str(tmp_path)) as own:
        assert own != folder
        assert (folder / "data" / "picture").exists(), "its owner lives"
    assert not own.exists()
    owner.kill()
    owner.wait()
    with private_folder(str(tmp_path)):
        assert not folder.exists()


def test_folder_whose_server_lives_is_left_alone(owned: tuple[subprocess.Popen[str], Path], tmp_path: Path) -> None:
    owner, folder = owned
    owner.kill()
    owner.wait()
    with (folder / "data" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with private_folder(str(tmp_path)):
            assert folder.exists()
    with private_folder(str(tmp_path)):
        assert not folder.exists()


def test_what_looks_similar_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "tfstyle-notes").mkdir()
    (tmp_path / "tfstyle-file").write_text("mine")
    target = tmp_path / "elsewhere"
    target.mkdir()
    (target / "owner").write_text("")
    (tmp_path / "tfstyle-link").symlink_to(target)
    before = sorted(tmp_path.iterdir())
    with private_folder(str(tmp_path)):
        pass
    assert sorted(tmp_path.iterdir()) == before
    assert (target / "owner").exists()
