"""The example of docs/dashboards.md for Node, with the packages that npm installs for it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import REPOSITORY, Server
from documents import EXAMPLES
from tfstyle_client import Client, Credentials, Progress
from tfstyle_server.tokens import new_token

SMALL = {"size": 48, "coarsest_scale": "none", "style_loss": "gram"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the examples and of the contract, as they lie in the repository, with Node's packages."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}")
    copy = tmp_path_factory.mktemp("repository")
    others = shutil.ignore_patterns("node_modules", "package-lock.json")
    shutil.copytree(EXAMPLES, copy / "docs" / "examples", ignore=others)
    shutil.copytree(REPOSITORY / "protos", copy / "protos")
    folder = copy / "docs" / "examples"
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
    try:
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        pytest.skip("needs Node's packages; npm install took more than 120 s")
    if ended.returncode != 0:
        pytest.skip(f"needs Node's packages; npm install failed: {' '.join(ended.stderr.split())[:200]}")
    return folder


def node(folder: Path, address: str, job: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["node", "watch.mjs", address, job],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_node_watches_a_job(installed: Path, server: Server, landscape: bytes) -> None:
    with Client(server.address) as client:
        job = client.create(landscape, landscape, steps=4, **SMALL)
        out, err = node(installed, server.address, job.name).communicate(timeout=60)
        progress = [event for event in job.watch() if isinstance(event, Progress)]
    wanted = [f"{event.evaluation}/4  {event.losses.total:.2f}" for event in progress]
    assert (out.splitlines(), err) == ([*wanted, "done: 48 x 32 pixels"], "")


@pytest.mark.slow
def test_node_goes_on_after_a_restart_of_the_server(
    installed: Path, own_server: Callable[..., Server], tmp_path: Path, landscape: bytes
) -> None:
    first = own_server(data=tmp_path)
    with Client(first.address) as client:
        job = client.create(landscape, landscape, steps=10_000, **SMALL)
    with node(installed, first.address, job.name) as watching:
        seen = [int(next(watching.stdout).partition("/")[0]) for _ in range(5)]
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        assert "waiting for the server" in next(watching.stderr)
        own_server("--listen", first.address, data=tmp_path)
        last = 0
        for line in watching.stdout:
            last = int(line.partition("/")[0])
            seen.append(last)
            if last > 400:
                break
        with Client(first.address) as client:
            client.job(job.name).cancel()
        _, err = watching.communicate(timeout=30)
    assert watching.returncode == 1
    assert err.splitlines()[-1].startswith("cancelled: ")
    assert set(range(1, last + 1)) == set(seen), "nothing is missed"


@pytest.mark.slow
def test_node_sends_a_token_over_tls_and_skips_what_is_not_kept(
    installed: Path, own_server: Callable[..., Server], certificates: Path, tmp_path: Path, landscape: bytes
) -> None:
    token = new_token("ann", tmp_path / "tokens")
    tls = ("--tls-certificate", str(certificates / "server.pem"), "--tls-key", str(certificates / "server.key"))
    guarded = own_server(*tls, "--tokens", str(tmp_path / "tokens"), "--keep-events", "10")
    authorities = certificates / "ca.pem"
    credentials = Credentials(tls=True, root_certificates=authorities.read_bytes(), token=token)
    with Client(guarded.address, credentials=credentials) as client:
        job = client.create(landscape, landscape, steps=40, **SMALL)
        job.result()
    out, err = node(
        installed, guarded.address, job.name, TFSTYLE_TOKEN=token, TFSTYLE_TLS_CA=str(authorities)
    ).communicate(timeout=60)
    lines = out.splitlines()
    assert (len(lines), lines[-2].partition(" ")[0], lines[-1]) == (10, "40/40", "done: 48 x 32 pixels"), err
    stranger = node(installed, guarded.address, job.name, TFSTYLE_TLS_CA=str(authorities))
    out, err = stranger.communicate(timeout=60)
    assert (stranger.returncode, out) == (1, "")
    assert "token" in err
