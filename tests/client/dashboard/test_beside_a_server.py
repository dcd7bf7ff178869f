"""`tfstyle serve --dashboard`: the page beside a server, through restarts of either."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from conftest import Server
from tfstyle_client import Client
from tfstyle_server.tokens import new_token


def page_of(server: Server, occurrence: int = 1) -> str:
    return server.wait_for_log(r"dashboard on (\S+)", occurrences=occurrence)[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pid_of_page(server: Server) -> int:
    """The server's child process that is the dashboard."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            words = (entry / "cmdline").read_text().split("\0")
        except (OSError, ValueError):
            continue
        if parent == server.process.pid and "dashboard" in words:
            return int(entry.name)
    raise AssertionError("there is no dashboard")


def test_a_page_is_there_and_ends_with_its_server(own_server: Callable[..., Server], tmp_path: Path) -> None:
    server = own_server("--dashboard", "127.0.0.1:0")
    page = page_of(server)
    assert httpx.get(f"{page}api/v1/session").json() == {"login": False, "private": False, "logged_in": False}
    assert httpx.get(f"{page}api/v1/server").json()["version"]
    pid = pid_of_page(server)
    assert server.stop() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not list(Path("/tmp").glob(f"tfstyle-page-*/{pid}"))


def test_a_page_that_is_killed_comes_back_at_the_same_address(own_server: Callable[..., Server]) -> None:
    server = own_server("--dashboard", f"127.0.0.1:{free_port()}")
    page = page_of(server)
    os.kill(pid_of_page(server), signal.SIGKILL)
    assert page_of(server, 2) == page
    assert httpx.get(f"{page}api/v1/server").status_code == 200


@pytest.mark.slow
def test_a_page_ends_with_a_server_that_is_killed(own_server: Callable[..., Server]) -> None:
    server = own_server("--dashboard", "127.0.0.1:0")
    page_of(server)
    pid = pid_of_page(server)
    server.process.kill()
    deadline = time.monotonic() + 15
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_callers_of_a_server_with_tokens_log_in(own_server: Callable[..., Server], tmp_path: Path) -> None:
    token = new_token("ann", tmp_path / "tokens")
    server = own_server("--tokens", str(tmp_path / "tokens"), "--dashboard", "127.0.0.1:0")
    page = page_of(server)
    assert httpx.get(f"{page}api/v1/jobs").status_code == 401
    assert httpx.get(f"{page}api/v1/jobs", headers={"Authorization": f"Bearer {token}"}).json()["jobs"] == []


@pytest.mark.slow
def test_a_server_with_tls_serves_its_page_to_others_by_https(
    own_server: Callable[..., Server], certificates: Path, tmp_path: Path
) -> None:
    token = new_token("ann", tmp_path / "tokens")
    tls = ("--tls-certificate", str(certificates / "server.pem"), "--tls-key", str(certificates / "server.key"))
    server = own_server(*tls, "--tokens", str(tmp_path / "tokens"), "--dashboard", "0.0.0.0:0")
    page = page_of(server)
    assert page.startswith("https://localhost:")
    header = {"Authorization": f"Bearer {token}"}
    verified = ssl.create_default_context(cafile=certificates / "ca.pem")
    assert httpx.get(f"{page}api/v1/jobs", headers=header, verify=verified).status_code == 200
    assert httpx.get(f"{page}api/v1/jobs", verify=verified).status_code == 401


def test_a_page_that_cannot_be_served_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [sys.executable, "-m", "tfstyle_server", "--listen", "127.0.0.1:0", "--data", str(tmp_path)]
        ended = subprocess.run([*command, "--dashboard", address], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    last = ended.stderr.strip().splitlines()[-1]
    assert last == f"tfstyle-server: dashboard: listen: cannot listen on {address}: Address already in use"


@pytest.mark.slow
def test_events_are_complete_across_a_restart_of_the_server(
    own_server: Callable[..., Server],
    own_dashboard: Callable[..., object],
    tmp_path: Path,
    landscape: bytes,
    painting: bytes,
) -> None:
    port = free_port()
    server = own_server("--listen", f"127.0.0.1:{port}", data=tmp_path)
    dashboard = own_dashboard(f"127.0.0.1:{port}")
    with Client(server.address) as client:
        job = client.create(landscape, painting, preset="fast", size=160, steps=80).name.removeprefix("jobs/")
    found: list[int] = []
    kinds: list[str] = []
    url = f"{dashboard.address}api/v1/jobs/{job}/events"
    with httpx.stream("GET", url, headers={"Accept": "text/event-stream"}, timeout=90) as stream:
        killed = False
        for line in stream.iter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                found.append(int(value))
            if name == "event":
                kinds.append(value)
                if kinds.count("progress") == 20 and not killed:
                    killed = True
                    server.process.kill()
                    server.process.wait()
                    own_server("--listen", f"127.0.0.1:{port}", data=tmp_path)
    assert found == list(range(1, len(found) + 1)), "nothing is missing, and nothing twice"
    assert kinds[-1] == "result"
    assert "interrupted" in kinds
