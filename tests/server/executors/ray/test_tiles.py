"""One picture over several actors of a cluster: the same bytes, whoever of them is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from conftest import Server
from fleet import LOOPBACK, Fleet, kill, wait_for
from tfstyle_client import CallCancelledError, Client

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
LARGE = {"preset": "reference", "size": 576, "network": "vgg19-lite", "steps": 6, "precision": "float32"}
"""A job of two windows, each of which is one of the two areas."""


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    fleet = Fleet(1, 1)
    yield fleet
    fleet.end()


@pytest.fixture
def spreading(own_server: Callable[..., Server], fleet: Fleet) -> Callable[..., Server]:
    """Start a server, one of whose jobs takes both nodes."""

    def start() -> Server:
        rays = ("--executor", "ray", "--ray-address", fleet.address, "--ray-cpus", "1", "--ray-actors", "1")
        return own_server(*rays, "--ray-spread", "2", "--ray-spread-windows", "2", **LOOPBACK)

    return start


def pids(fleet: Fleet, kind: str) -> list[int]:
    """The process IDs of the cluster's actors of a kind."""
    found = []
    for node in fleet.nodes:
        for child in psutil.Process(node.all_processes["raylet"][0].process.pid).children(recursive=True):
            try:
                if f"ray::{kind}" in " ".join(child.cmdline()):
                    found.append(child.pid)
            except psutil.Error:
                continue
    return found


def test_the_same_bytes_whoever_is_lost(
    spreading: Callable[..., Server], server: Server, fleet: Fleet, landscape: bytes, painting: bytes
) -> None:
    with Client(server.address) as client:
        alone = client.stylize(landscape, painting, **LARGE).result()
    together = spreading()
    with Client(together.address) as client:
        began = time.monotonic()
        wanted = client.stylize(landscape, painting, **LARGE).result()
        print(f"undisturbed: {time.monotonic() - began:.0f} s")
        together.wait_for_log("2 parties compute areas of a picture", 10)
        assert wanted.losses.total == pytest.approx(alone.losses.total, rel=1e-3)
        wait_for(lambda: not pids(fleet, "TileActor"), 30)

        job = client.create(landscape, painting, **LARGE)
        wait_for(lambda: (progress := job.status().progress) and progress.evaluation >= 2, 240)
        kill(pids(fleet, "TileActor")[0])
        together.wait_for_log(r"a party that computes areas of a picture is lost: its process ended; 1 are left", 30)
        assert job.result().digest == wanted.digest
        assert "interrupted" not in "\n".join(together.log), "the job itself goes on"

        job = client.create(landscape, painting, **LARGE)
        wait_for(lambda: (progress := job.status().progress) and progress.evaluation >= 2, 240)
        (other,) = pids(fleet, "TileActor")
        time.sleep(2)  # for a checkpoint
        kill(pids(fleet, "StyleActor")[0])
        wait_for(lambda: not psutil.pid_exists(other), 60)
        assert job.result().digest == wanted.digest
        together.wait_for_log("resumed after evaluation [1-9]", 10)

        job = client.create(landscape, painting, **LARGE | {"steps": 500})
        wait_for(lambda: (progress := job.status().progress) and progress.evaluation >= 2, 240)
        job.cancel()
        together.wait_for_log("cancelled after", 10)
        with pytest.raises(CallCancelledError):
            job.result()
        wait_for(lambda: not pids(fleet, "TileActor"), 30)
    assert together.stop() == 0
    assert "Traceback" not in "\n".join(together.log)


def test_a_job_begins_without_actors_that_find_no_place_and_they_join_it_later(
    spreading: Callable[..., Server], fleet: Fleet, landscape: bytes, painting: bytes
) -> None:
    together, longer = spreading(), LARGE | {"steps": 30}
    with Client(together.address) as client:
        wanted = client.stylize(landscape, painting, **longer).result()
        busy = set(pids(fleet, "StyleActor"))
        fleet.lose(next(node for node in fleet.nodes if not busy & set(pids_of(node))))
        job = client.create(landscape, painting, **longer)
        together.wait_for_log("1 of 1 other actors are not ready; the job begins without them", 150)
        fleet.nodes.append(fleet.add(1))
        together.wait_for_log("2 parties compute areas of a picture", 240, occurrences=2)
        assert job.result().digest == wanted.digest


def pids_of(node: object) -> list[int]:
    """The process IDs of everything on a node."""
    raylet = node.all_processes["raylet"][0].process.pid  # type: ignore[attr-defined]
    return [child.pid for child in psutil.Process(raylet).children(recursive=True)]
