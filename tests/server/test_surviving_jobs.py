"""Jobs whose worker, server or checkpoint is lost."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2
from job_calls import LONG, evaluation, raw, refused, wait_for

from conftest import Server
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client import (
    Client,
    ClientError,
    Interrupted,
    Job,
    Progress,
    ProgressOptions,
    Result,
    Started,
)

KILLABLE = {"size": 176, "steps": 100, "style_loss": "wasserstein"}
"""Some seconds: several checkpoints, on a fast machine too."""


@pytest.fixture(scope="module")
def uninterrupted(server: Server, landscape: bytes, painting: bytes) -> bytes:
    """What a run that nobody disturbs makes of `KILLABLE`."""
    with Client(server.address) as client:
        return client.stylize(landscape, painting, **KILLABLE).result().png


def checkpoints(data: Path, job: Job) -> list[Path]:
    return sorted((data / "checkpoints" / job.name.removeprefix("jobs/")).glob("[0-9]*-*.npz"))


@pytest.mark.slow
def test_worker_that_hangs_does_not_keep_its_place(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server()
    with Client(server.address) as client:
        hanging = client.create(landscape, painting, size=48, steps=LONG)
        wait_for(lambda: evaluation(hanging) > 1)
        os.kill(server.worker_pid(), signal.SIGSTOP)
        assert hanging.cancel().state == "cancelled"
        assert client.create(landscape, painting, size=48, steps=1).result().png
        server.wait_for_log("did not stop a cancelled job")


@pytest.mark.slow
def test_job_survives_its_worker_bit_for_bit(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes, uninterrupted: bytes, tmp_path: Path
) -> None:
    server = own_server(data=tmp_path)
    with Client(server.address) as client:
        job = client.create(landscape, painting, **KILLABLE)
        wait_for(lambda: bool(checkpoints(tmp_path, job)))
        os.kill(server.worker_pid(), signal.SIGKILL)
        events = list(job.watch())
        assert sum(isinstance(event, Interrupted) for event in events) == 1
        assert sum(isinstance(event, Started) for event in events) == 2
        resumed = int(server.wait_for_log(r"resumed after evaluation (\d+)")[1])
        assert resumed > 0
        assert job.status().attempts == 2
        assert job.result().png == uninterrupted
        wait_for(lambda: not checkpoints(tmp_path, job))


@pytest.mark.slow
def test_call_to_stylize_survives_its_worker_too(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes, uninterrupted: bytes
) -> None:
    server = own_server()
    with Client(server.address) as client:
        png, killed = b"", False
        for event in client.stylize(landscape, painting, **KILLABLE):
            if isinstance(event, Progress) and event.evaluation == 30 and not killed:
                os.kill(server.worker_pid(), signal.SIGKILL)
                killed = True
            if isinstance(event, Result):
                png = event.png
        server.worker_pid(occurrence=2)
        assert png == uninterrupted


@pytest.mark.slow
def test_job_survives_the_server_and_its_watchers_do_not_notice(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes, uninterrupted: bytes, tmp_path: Path
) -> None:
    server = own_server(data=tmp_path)
    with Client(server.address) as client:
        job = client.create(landscape, painting, **KILLABLE)
        events: list[object] = []
        watcher = threading.Thread(target=lambda: events.extend(job.watch()))
        watcher.start()
        wait_for(lambda: bool(checkpoints(tmp_path, job)))
        server.process.kill()
        server.process.wait()
        again = own_server("--listen", server.address, data=tmp_path)
        assert job.result().png == uninterrupted
        watcher.join(30)
        assert [event.evaluation for event in events if isinstance(event, Progress)][-1] == KILLABLE["steps"]
        assert any(isinstance(event, Interrupted) for event in events)
        again.wait_for_log("resumed after evaluation")
    stored = list(raw(again).WatchJob(pb.WatchJobRequest(name=job.name)))
    assert [event.sequence for event in stored[1:]] == list(range(1, len(stored)))


@pytest.mark.slow
def test_drain_ends_watches_cleanly_and_jobs_go_on_in_the_next_server(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes, uninterrupted: bytes, tmp_path: Path
) -> None:
    server = own_server(data=tmp_path)
    with Client(server.address) as client:
        job = client.create(landscape, painting, **KILLABLE)
        watch = raw(server).WatchJob(pb.WatchJobRequest(name=job.name))
        wait_for(lambda: bool(checkpoints(tmp_path, job)))
        server.process.terminate()
        code, detail = refused(lambda: list(watch), error_details_pb2.RetryInfo)
        assert code is grpc.StatusCode.UNAVAILABLE
        assert detail.retry_delay.ToTimedelta().total_seconds() > 0
        assert server.process.wait(10) == 0, "it does not wait for jobs that go on later"
        own_server("--listen", server.address, data=tmp_path)
        assert job.result().png == uninterrupted


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["flipped", "cut", "empty"])
def test_damaged_checkpoint_falls_back_to_the_one_before(
    own_server: Callable[..., Server],
    landscape: bytes,
    painting: bytes,
    uninterrupted: bytes,
    tmp_path: Path,
    damage: str,
) -> None:
    server = own_server(data=tmp_path)
    with Client(server.address) as client:
        job = client.create(landscape, painting, **KILLABLE)
        wait_for(lambda: len(checkpoints(tmp_path, job)) == 2)
        server.process.kill()
        server.process.wait()
        time.sleep(0.5)  # the worker ends by itself
        older, newest = checkpoints(tmp_path, job)
        data = bytearray(newest.read_bytes())
        data[len(data) // 2] ^= 0xFF
        newest.write_bytes({"flipped": bytes(data), "cut": bytes(data[: len(data) // 2]), "empty": b""}[damage])
        again = own_server("--listen", server.address, data=tmp_path)
        assert int(again.wait_for_log(r"resumed after evaluation (\d+)")[1]) == int(older.name[:6])
        again.wait_for_log(f"skipped a checkpoint: {newest.name} cannot be read")
        assert job.result().png == uninterrupted


@pytest.mark.slow
def test_job_of_a_worker_that_hangs_goes_on_in_another_one(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server("--silence-seconds", "6")
    with Client(server.address) as client:
        job = client.create(landscape, painting, preset="fast", size=128, steps=120)
        wait_for(lambda: job.status().progress is not None)
        os.kill(server.worker_pid(), signal.SIGSTOP)
        assert job.result().png
        assert job.status().attempts >= 2
    server.wait_for_log(r"worker \d+ is killed: its process did not give a sign of life within \d+ s")


@pytest.mark.slow
def test_job_that_kills_its_workers_is_given_up(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server()
    with Client(server.address) as client:
        job = client.create(landscape, painting, size=48, steps=LONG)
        for occurrence in range(1, 6):
            wait_for(lambda n=occurrence: job.status().attempts == n)
            os.kill(server.worker_pid(occurrence), signal.SIGKILL)
        with pytest.raises(ClientError, match="given up: its worker ended") as caught:
            job.result()
        assert caught.value.code == "INTERNAL"
        assert client.stylize(landscape, painting, size=48, steps=2).result().png, "the server still works"


@pytest.mark.slow
def test_job_that_gets_on_is_not_given_up_however_little_it_reports(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes, tmp_path: Path
) -> None:
    server = own_server(data=tmp_path)
    with Client(server.address) as client:
        job = client.create(landscape, painting, size=96, steps=LONG, progress=ProgressOptions(every=LONG))
        reached = 0
        for occurrence in range(1, 8):
            wait_for(lambda n=occurrence: job.status().attempts == n)
            wait_for(lambda r=reached: any(int(path.name[:6]) > r for path in checkpoints(tmp_path, job)))
            reached = max(int(path.name[:6]) for path in checkpoints(tmp_path, job))
            os.kill(server.worker_pid(occurrence), signal.SIGKILL)
        wait_for(lambda: job.status().attempts == 8)
        assert job.cancel().state == "cancelled"
