"""Locks that other processes hold, and that a kill releases."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tfstyle.file_lock import locked, locked_at_once

HOLDER = """
import sys, time
from pathlib import Path
from tfstyle.file_lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_lock_of_another_process_is_free_after_a_kill(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "it"
    path.touch() if kind == "file" else path.mkdir()
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BlockingIOError), locked_at_once(path):
            raise AssertionError("it is held")
        holder.kill()
        with locked(path), pytest.raises(BlockingIOError), locked_at_once(path):
            raise AssertionError("this process holds it")
    with locked_at_once(path):
        pass


def test_what_does_not_exist_has_no_lock(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), locked(tmp_path / "none"):
        raise AssertionError("there is none")
    assert list(tmp_path.iterdir()) == []
