"""`--open`: a run that the browser shows, and that ends with Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from conftest import Server
from tfstyle_client import Client


@pytest.fixture
def run(tmp_path: Path, landscape: bytes, painting: bytes) -> Iterator[object]:
    """Start a command with a browser that only notes what it was to open."""
    (tmp_path / "photo.jpg").write_bytes(landscape)
    (tmp_path / "painting.jpg").write_bytes(painting)
    browser = tmp_path / "browser"
    browser.write_text(
        f'#!/bin/sh\necho "$1" > "{tmp_path}/opened.tmp"; mv "{tmp_path}/opened.tmp" "{tmp_path}/opened"\n'
    )
    browser.chmod(0o755)
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "tfstyle_client", *words],
                cwd=tmp_path,
                env={**os.environ, "BROWSER": str(browser)},
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.send_signal(signal.SIGTERM)  # its own processes end with it
        process.wait(20)
        process.stderr.close()


def wait_for(path: Path) -> str:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return path.read_bytes().decode("latin-1").strip()


@pytest.mark.slow
def test_the_page_shows_the_run_and_stays_until_ctrl_c(run, tmp_path: Path, server: Server) -> None:
    size = ("--size", "48", "--steps", "4", "-o", "out.png")
    process = run("stylize", "photo.jpg", "painting.jpg", *size, "--open", "--server", server.address)
    address, _, place = wait_for(tmp_path / "opened").partition("#")
    assert place.startswith("/jobs/")
    wait_for(tmp_path / "out.png")
    job = httpx.get(f"{address}api/v1/{place.removeprefix('/')}").json()
    assert job["preview"] is not None
    process.send_signal(signal.SIGINT)
    assert process.wait(15) == 0
    assert "the page stays until Ctrl-C" in process.stderr.read()
    with pytest.raises(httpx.ConnectError):
        httpx.get(address)


@pytest.mark.slow
def test_the_page_of_a_private_server_needs_its_code(run, tmp_path: Path) -> None:
    process = run("stylize", "photo.jpg", "painting.jpg", "--size", "48", "--steps", "2", "-o", "out.png", "--open")
    address = wait_for(tmp_path / "opened").partition("#")[0]
    base, code, _ = address.partition("?code=")
    assert code
    assert httpx.get(f"{base}api/v1/jobs").status_code == 401
    with httpx.Client() as browser:
        assert browser.get(address, follow_redirects=True).status_code == 200
        assert len(browser.get(f"{base}api/v1/jobs").json()["jobs"]) == 1
    process.send_signal(signal.SIGINT)
    assert process.wait(15) in (0, 130)


@pytest.mark.slow
def test_ctrl_c_in_the_midst_of_a_run_cancels_its_job(run, tmp_path: Path, server: Server) -> None:
    long = ("--steps", "10000", "--size", "256", "-o", "never.png")
    process = run("stylize", "photo.jpg", "painting.jpg", *long, "--open", "--server", server.address)
    job = "jobs/" + wait_for(tmp_path / "opened").rpartition("/")[2]
    with Client(server.address) as client:
        while client.job(job).status().state != "running":
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 130
        assert client.job(job).status().state == "cancelled"
    assert not (tmp_path / "never.png").exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--open", "--detach", "--server", "127.0.0.1:1"], "open: has no effect with --detach"),
        (["--open", "--timeout", "9"], "timeout: has no effect with --open"),
    ],
)
def test_what_does_not_go_together_is_told(run, words: list[str], complaint: str) -> None:
    process = run("stylize", "photo.jpg", "painting.jpg", *words)
    assert process.wait(30) == 2
    assert process.stderr.read().startswith(f"tfstyle: {complaint}")


@pytest.mark.slow
def test_the_page_shows_a_film_and_stays_until_ctrl_c(run, tmp_path: Path) -> None:
    from film_files import moving, write_film

    write_film(tmp_path / "in.mp4", moving(2))
    options = ["--network", "vgg19-lite", "--size", "64", "--steps", "2", "--frame-steps", "2", "--style-loss", "gram"]
    process = run("video", "in.mp4", "painting.jpg", "-o", "out.mp4", "--open", *options)
    address = wait_for(tmp_path / "opened")
    wait_for(tmp_path / "out.mp4")
    with httpx.Client(timeout=30) as browser:
        browser.get(address, follow_redirects=True)
        jobs = browser.get(f"{address.partition('?')[0]}api/v1/jobs").json()["jobs"]
    assert [job["request"]["sequence"]["frame"] for job in jobs] == [1, 0]
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert process.stderr.read().endswith("the page stays until Ctrl-C\n")
