"""How commands end: Ctrl-C, SIGTERM, killed workers, and what becomes of their private servers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from commands import (
    run,
    start,
    two_pictures,  # noqa: F401 - a fixture
    wait_for_progress,
)

from conftest import Server


def test_ctrl_c_cancels_with_130_and_stops_the_job(files: Path, server: Server) -> None:
    already = len([line for line in server.log if re.search(r"cancelled after", line)])
    process = start(files, "--server", server.address)
    wait_for_progress(process)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == "tfstyle: cancelled\n"
    assert json.loads(output.splitlines()[-1]) == {"event": "error", "code": "CANCELLED", "message": "cancelled"}
    server.wait_for_log("cancelled after", occurrences=already + 1)
    assert not (files / "out.png").exists()


def descendants(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split()
    return [int(child) for child in listed] + [d for child in listed for d in descendants(int(child))]


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGKILL, marks=pytest.mark.slow)])
def test_private_server_ends_with_its_client(files: Path, number: signal.Signals) -> None:
    process = start(files)
    wait_for_progress(process)
    children = descendants(process.pid)
    assert len(children) >= 2, "a front and a worker"
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == (130 if number == signal.SIGINT else -9)
    deadline = time.monotonic() + 20
    while any(alive(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(alive(pid) for pid in children)


def test_private_servers_worker_killed_is_exit_code_3(files: Path) -> None:
    process = start(files)
    wait_for_progress(process)
    (front,) = [
        pid for pid in descendants(process.pid) if b"\0tfstyle_server\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    os.kill(front, signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 3
    assert errors.count("\n") == 1
    assert not (files / "out.png").exists()


def test_corrupt_weights_are_one_line(files: Path) -> None:
    (files / "weights.h5").write_bytes(b"these are no weights")
    ended = run(
        "stylize",
        files / "photo.jpg",
        files / "painting.jpg",
        "-o",
        files / "out.png",
        "--weights",
        files / "weights.h5",
    )
    assert ended.returncode == 2
    assert f"tfstyle: weights: {files / 'weights.h5'} is not a readable VGG19 file" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (files / "out.png").exists()


def test_ctrl_c_while_it_imports_shows_no_traceback(files: Path) -> None:
    process = start(files)
    maps = Path(f"/proc/{process.pid}/maps")
    while "cygrpc" not in maps.read_text():
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == "tfstyle: cancelled\n"


@pytest.mark.slow
def test_sigterm_clears_the_private_server_away(files: Path) -> None:
    process = start(files)
    wait_for_progress(process)
    children = descendants(process.pid)
    before = set(Path("/tmp").glob("tfstyle-*"))
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert not any(alive(pid) for pid in children)
    assert set(Path("/tmp").glob("tfstyle-*")) < before
