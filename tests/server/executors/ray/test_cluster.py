"""A server on a cluster of several nodes, real ones, of which some are lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from conftest import Server
from fleet import LOOPBACK, Fleet, actor_pid, actors, kill, wait_for
from store_server import StoreServer
from tfstyle_client import CallCancelledError, Client, Credentials, Job

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
LONG = {"preset": "reference", "size": 128, "network": "vgg19-lite", "steps": 150}
"""A job that is still running when something is done to it."""


@pytest.fixture(scope="module")
def fleet(store_server: StoreServer) -> Iterator[Fleet]:
    """Two nodes with one core each, and with access to the store."""
    fleet = Fleet(1, 1)
    yield fleet
    fleet.end()


@pytest.fixture
def on_fleet(own_server: Callable[..., Server], fleet: Fleet) -> Callable[..., Server]:
    """Start a server whose workers are actors of one core each."""

    def start(*flags: str, actors: str = "1", data: Path | None = None) -> Server:
        rays = ("--executor", "ray", "--ray-address", fleet.address, "--ray-cpus", "1", "--ray-actors", actors)
        return own_server(*rays, *flags, data=data, **LOOPBACK)

    return start


@pytest.fixture(scope="module")
def wanted(server: Server, landscape: bytes, painting: bytes) -> str:
    """The digest of `LONG`'s result, made by a worker process."""
    with Client(server.address) as client:
        return client.stylize(landscape, painting, **LONG).result().digest


def begun(job: Job, evaluations: int = 5) -> Job:
    """The job, when it has made so many evaluations and written a checkpoint."""
    wait_for(lambda: (progress := job.status().progress) and progress.evaluation >= evaluations)
    time.sleep(1)
    return job


def test_killed_actor_is_replaced_and_the_picture_is_the_same(
    on_fleet: Callable[..., Server], landscape: bytes, painting: bytes, wanted: str
) -> None:
    server = on_fleet()
    first = actor_pid(server)
    with Client(server.address) as client:
        job = begun(client.create(landscape, painting, **LONG))
        kill(first)
        began = time.monotonic()
        server.wait_for_log(r"interrupted: its worker ended \(its process ended\)", 10)
        print(f"noticed after {time.monotonic() - began:.2f} s")
        assert job.result().digest == wanted
        server.wait_for_log("resumed after evaluation [1-9]")
    assert actor_pid(server, 2) != first
    assert server.stop() == 0
    assert "Traceback" not in "\n".join(server.log)


def test_lost_node_and_one_that_joins(
    on_fleet: Callable[..., Server], fleet: Fleet, landscape: bytes, painting: bytes, wanted: str
) -> None:
    server = on_fleet()
    pid = actor_pid(server)
    with Client(server.address) as client:
        job = begun(client.create(landscape, painting, **LONG))
        fleet.lose(next(node for node in fleet.nodes if pid in actors(node)))
        fleet.nodes.append(fleet.add(1))
        assert job.result().digest == wanted
        server.wait_for_log("resumed after evaluation [1-9]")


def test_cancelled_job_leaves_the_actor_within_an_evaluation(
    on_fleet: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = on_fleet()
    pid = actor_pid(server)
    with Client(server.address) as client:
        job = begun(client.create(landscape, painting, **LONG | {"steps": 3000}))
        first = job.status().progress
        job.cancel()
        server.wait_for_log("cancelled after", 5)
        with pytest.raises(CallCancelledError):
            job.result()
        assert first.evaluation < 1500
        assert client.create(landscape, painting, size=48, steps=2).result().png
    assert actor_pid(server) == pid
    assert "is ready" not in "\n".join(server.log).partition("is ready")[2], "the same actor goes on"


def test_actor_that_does_not_stop_is_killed(on_fleet: Callable[..., Server], landscape: bytes, painting: bytes) -> None:
    server = on_fleet()
    pid = actor_pid(server)
    with Client(server.address) as client:
        job = begun(client.create(landscape, painting, **LONG))
        os.kill(pid, signal.SIGSTOP)
        job.cancel()
        server.wait_for_log("did not stop a cancelled job within 10 s: killed", 30)
        assert client.create(landscape, painting, size=48, steps=2).result().png
    wait_for(lambda: not psutil.pid_exists(pid), 30)


def test_killed_front_takes_its_actors_along_and_the_next_one_goes_on(
    on_fleet: Callable[..., Server], landscape: bytes, painting: bytes, wanted: str, tmp_path: Path
) -> None:
    server = on_fleet(data=tmp_path)
    pid = actor_pid(server)
    with Client(server.address) as client:
        name = begun(client.create(landscape, painting, **LONG)).name
    server.process.kill()
    server.process.wait()
    began = time.monotonic()
    wait_for(lambda: not psutil.pid_exists(pid), 30)
    print(f"the actor ended after {time.monotonic() - began:.2f} s")
    server = on_fleet(data=tmp_path)
    with Client(server.address) as client:
        assert client.job(name).result().digest == wanted
    server.wait_for_log("resumed after evaluation [1-9]")


def test_killed_driver_is_replaced(
    on_fleet: Callable[..., Server], landscape: bytes, painting: bytes, wanted: str
) -> None:
    server = on_fleet()
    pid = actor_pid(server)
    with Client(server.address) as client:
        job = begun(client.create(landscape, painting, **LONG))
        kill(int(server.wait_for_log(r"Ray driver (\d+) connects")[1]))
        assert job.result().digest == wanted
    assert not psutil.pid_exists(pid)


def test_drained_node_finishes_its_job_and_gets_no_other(
    on_fleet: Callable[..., Server], fleet: Fleet, landscape: bytes, painting: bytes, wanted: str
) -> None:
    server = on_fleet()
    pid = actor_pid(server)
    node = next(node for node in fleet.nodes if pid in actors(node))
    with Client(server.address) as client:
        job = begun(client.create(landscape, painting, **LONG))
        fleet.drain(node)
        server.wait_for_log("worker actor-1 gets no further job: its node is drained", 30)
        assert job.result().digest == wanted
        assert client.create(landscape, painting, size=48, steps=2).result().png
    assert "interrupted" not in "\n".join(server.log)
    assert actor_pid(server, 2) not in actors(node)
    fleet.lose(node)
    fleet.nodes.append(fleet.add(1))


def test_actors_come_with_the_jobs_and_go_without_them(
    on_fleet: Callable[..., Server], fleet: Fleet, landscape: bytes, painting: bytes
) -> None:
    server = on_fleet("--ray-idle-seconds", "2", actors="0:2")

    def running() -> int:
        return sum(len(actors(node)) for node in fleet.nodes)

    actor_pid(server)
    wait_for(lambda: running() == 0, 30)
    with Client(server.address) as client:
        assert client.server_info().ready
        jobs = [client.create(landscape, painting, **LONG) for _ in range(2)]
        wait_for(lambda: running() == 2)
        assert len({job.result().digest for job in jobs}) == 1
        wait_for(lambda: running() == 0, 30)
        assert client.create(landscape, painting, size=48, steps=2).result().png


def test_pictures_and_checkpoints_in_an_object_store(
    on_fleet: Callable[..., Server],
    store_server: StoreServer,
    landscape: bytes,
    painting: bytes,
    wanted: str,
    tmp_path: Path,
) -> None:
    server = on_fleet("--blobs", store_server.new_location().removesuffix("/blobs"), data=tmp_path)
    first = actor_pid(server)
    with Client(server.address) as client:
        job = begun(client.create(landscape, painting, **LONG))
        kill(first)
        assert job.result().digest == wanted
        server.wait_for_log("resumed after evaluation [1-9]")
    assert not list(tmp_path.rglob("*.npz"))
    assert not (tmp_path / "blobs").exists()


def test_callers_take_turns_on_actors_too(
    on_fleet: Callable[..., Server], tokens: dict[str, str], landscape: bytes, painting: bytes
) -> None:
    server = on_fleet("--tokens", tokens["file"])
    actor_pid(server)
    small = {"size": 48, "steps": 30, "network": "vgg19-lite"}
    with (
        Client(server.address, credentials=Credentials(token=tokens["ann"])) as ann,
        Client(server.address, credentials=Credentials(token=tokens["bob"])) as bob,
    ):
        jobs = [ann.create(landscape, painting, **small) for _ in range(3)]
        jobs.append(bob.create(landscape, painting, **small))
        for job in jobs:
            job.result()
        begun = sorted(range(4), key=lambda number: jobs[number].status().began)
    assert begun == [0, 3, 1, 2], "the second caller's first job comes before the first caller's second one"


def test_restarted_head_is_found_again(
    on_fleet: Callable[..., Server], fleet: Fleet, landscape: bytes, painting: bytes, wanted: str
) -> None:
    server = on_fleet()
    actor_pid(server)
    with Client(server.address) as client:
        job = begun(client.create(landscape, painting, **LONG | {"steps": 400}))
        job.cancel()
        job = begun(client.create(landscape, painting, **LONG))
        fleet.lose_head()
        for node in list(fleet.nodes):
            fleet.lose(node)
        server.wait_for_log("interrupted", 120)
        fleet.raise_head()
        fleet.nodes = [fleet.add(1), fleet.add(1)]
        assert job.result().digest == wanted
        server.wait_for_log("resumed after evaluation [1-9]")
    assert server.process.poll() is None
    assert "Traceback" not in "\n".join(server.log)
