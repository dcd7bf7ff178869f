"""Commands in real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Server

TFSTYLE = [sys.executable, "-m", "tfstyle_client"]


def run(*arguments: object, timeout: float = 120, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [*TFSTYLE, *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, env={**os.environ, "COLUMNS": "200", **environment}
    )


@pytest.fixture(name="files")
def two_pictures(tmp_path: Path, landscape: bytes, painting: bytes) -> Path:
    (tmp_path / "photo.jpg").write_bytes(landscape)
    (tmp_path / "painting.jpg").write_bytes(painting)
    return tmp_path


def stylize(files: Path, server: Server, *arguments: object) -> subprocess.CompletedProcess[str]:
    return run(
        "stylize", files / "photo.jpg", files / "painting.jpg", "-o", files / "out.png",
        "--server", server.address, "--size", 48, "--steps", 4, *arguments,
    )  # fmt: skip


def start(files: Path, *arguments: object) -> subprocess.Popen[str]:
    command = [*TFSTYLE, "stylize", files / "photo.jpg", files / "painting.jpg", "-o", files / "out.png", "--json"]
    command += ["--size", "48", "--steps", "9000", *arguments]
    return subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_progress(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "progress":
            return
    raise AssertionError(process.stderr.read() if process.stderr else "")
