"""Actors, nodes, the driver and the front are killed at random; every job ends once, with the same picture.

The cluster is simulated on this machine. TFSTYLE_FAULT_RAY_KILLS is the number of kills, TFSTYLE_FAULT_SEED repeats a
run.
"""

from __future__ import annotations

import os
import random
import secrets
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from test_kills import check, references, survive

from conftest import Server
from fleet import LOOPBACK, Fleet, actors, descendants, kill, wait_for
from tfstyle_client import Client

KILLS = ("actor", "all actors", "node", "driver", "front", "front and actors")
CORES = os.cpu_count() or 1
OTHERS = ("SIGTERM", "node drained")


@dataclass
class ClusterHarness:
    """A server on a cluster of two nodes, started again whenever it has been brought down.

    Actors compute with as many threads as the worker that made the pictures to compare with: the number of threads can
    change how TensorFlow rounds.
    """

    start: Callable[..., Server]
    fleet: Fleet
    data: Path
    random: random.Random
    server: Server = field(init=False)
    address: str = field(init=False)
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.bring_up()

    def bring_up(self) -> None:
        rays = (
            "--executor",
            "ray",
            "--ray-address",
            self.fleet.address,
            "--ray-actors",
            "1:2",
            "--ray-cpus",
            f"{CORES}",
        )
        self.server = self.start("--listen", self.address, *rays, data=self.data, **LOOPBACK)

    def harm(self, how: str) -> None:
        """Harm the server in one way, not before an actor has a job: most of the time is taken by their starts.

        A job that loses five workers at the same evaluation is given up, so most attempts have the time to make one
        more, or to deliver the picture, on a slow machine too.
        """
        with Client(self.address) as client:
            wait_for(lambda: client.server_info().running, 120)
        time.sleep(self.random.uniform(2, 25))
        self.done[how] += 1
        match how:
            case "actor":
                for pid in self.actors()[:1]:
                    kill(pid)
            case "all actors":
                self.kill_actors()
            case "node":
                self.replace(self.random.choice(self.fleet.nodes))
            case "driver":
                for pid in descendants(self.server.process.pid, "executors.ray.driver"):
                    kill(pid)
            case "front":
                self.end_front(signal.SIGKILL)
            case "front and actors":
                self.end_front(signal.SIGKILL)
                self.kill_actors()
            case "SIGTERM":
                self.end_front(signal.SIGTERM)
            case "node drained":
                node = self.random.choice(self.fleet.nodes)
                self.fleet.drain(node)
                self.replace(node)
        if self.server.process.poll() is not None:
            self.bring_up()

    def actors(self) -> list[int]:
        found = [pid for node in self.fleet.nodes for pid in actors(node)]
        self.random.shuffle(found)
        return found

    def kill_actors(self) -> None:
        for pid in self.actors():
            kill(pid)

    def replace(self, node: object) -> None:
        self.fleet.nodes.append(self.fleet.add(CORES))
        self.fleet.lose(node)

    def end_front(self, number: int) -> None:
        self.server.process.send_signal(number)
        self.server.process.wait(30)


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    fleet = Fleet(CORES, CORES)
    yield fleet
    fleet.end()


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_fifty_kills_on_a_cluster(
    own_server: Callable[..., Server], server: Server, fleet: Fleet, landscape: bytes, painting: bytes, tmp_path: Path
) -> None:
    seed = int(os.environ.get("TFSTYLE_FAULT_SEED") or secrets.randbits(32))
    kills = int(os.environ.get("TFSTYLE_FAULT_RAY_KILLS", "50"))
    print(f"TFSTYLE_FAULT_SEED={seed}")
    wanted = references(server, (landscape, painting))
    harness = ClusterHarness(own_server, fleet, tmp_path / "data", random.Random(seed))
    jobs = survive(harness, kills, (landscape, painting), wanted, (0, 1), KILLS * 2 + OTHERS, KILLS)
    check(harness, jobs)
