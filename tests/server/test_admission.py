"""What one caller may ask for at once, and what is measured of it all, against real servers."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from conftest import REPOSITORY, Server
from tfstyle.options import ORIGINAL_SIZE, TransferOptions
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc
from tfstyle_client import BadRequestError, Client, Credentials, JobNotFoundError, Progress, ServerBusyError
from tfstyle_server.admission import work_of
from tfstyle_server.metrics import Metrics
from tfstyle_server.tokens import new_token

LONG = 10_000


def details(error: grpc.RpcError) -> tuple[str, float]:
    """The ErrorInfo's reason and the RetryInfo's seconds."""
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for packed in rpc_status.from_call(error).details:
        packed.Unpack(info)
        packed.Unpack(retry)
    return info.reason, retry.retry_delay.ToTimedelta().total_seconds()


def test_original_size_counts_as_the_largest() -> None:
    assert work_of(TransferOptions(size=1000, max_evaluations=10, coarsest_scale=0)) == 10.0
    assert work_of(TransferOptions(size=1000, max_evaluations=10, scales=((100, 4), (500, 3)))) == 0.04 + 0.75 + 3.0
    split = TransferOptions(
        size=1000, max_evaluations=10, scales=((100, 4),), style_loss="neighbours", split_evaluations=4
    )
    assert work_of(split) == 0.04 + 6.0
    assert work_of(TransferOptions(size=ORIGINAL_SIZE)) == work_of(TransferOptions(size=8192))


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--caller-jobs", "1"], "CALLER_JOBS"),
        (["--caller-work", "100"], "CALLER_WORK"),
        pytest.param(["--caller-queue", "0"], "CALLER_QUEUE", marks=pytest.mark.slow),
        (["--queue", "0"], "QUEUE_FULL"),
    ],
)
def test_more_jobs_than_allowed_are_refused_with_the_reason(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes, flags: list[str], reason: str
) -> None:
    server = own_server(*flags)
    server.worker_pid()
    with Client(server.address) as client:
        job = client.create(landscape, painting, size=96, steps=LONG)  # 92 megapixels x evaluations
        transfer = pb.StylizeRequest(
            content=landscape, style=painting, options=pb.TransferOptions(size=96, max_evaluations=LONG)
        )
        with pytest.raises(grpc.RpcError) as caught:
            client.stub.CreateJob(pb.CreateJobRequest(transfer=transfer))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        found, seconds = details(caught.value)
        assert found == reason
        assert seconds > 0
        with pytest.raises(ServerBusyError, match="try again in about"):
            client.create(landscape, painting, size=96, steps=LONG)
        job.cancel()
        deadline = time.monotonic() + 30
        while True:  # the worker is free when its evaluation is over
            try:
                client.create(landscape, painting, size=96, steps=LONG).cancel()
                break
            except ServerBusyError:
                assert time.monotonic() < deadline
                time.sleep(0.05)


def test_limits_are_each_callers_own_and_running_jobs_leave_room(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes, tmp_path: Path
) -> None:
    ann, bob = (Credentials(token=new_token(name, tmp_path / "tokens")) for name in ("ann", "bob"))
    flags = ("--tokens", str(tmp_path / "tokens"), "--caller-jobs", "2", "--caller-running", "1")
    server = own_server(*flags, "--devices", "cpu,cpu")
    server.worker_pid(2)
    with Client(server.address, credentials=ann) as first, Client(server.address, credentials=bob) as second:
        jobs = [first.create(landscape, painting, size=48, steps=LONG) for _ in range(2)]
        with pytest.raises(ServerBusyError):
            first.create(landscape, painting, size=48, steps=1)
        assert second.create(landscape, painting, size=48, steps=1).result().png, "on the worker that ann may not take"
        assert [job.status().state for job in jobs] == ["running", "queued"]
        jobs[0].cancel()
        deadline = time.monotonic() + 30
        while jobs[1].status().state != "running":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        jobs[1].cancel()


def test_nobody_fills_the_queue_alone_and_callers_take_turns(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes, tmp_path: Path
) -> None:
    ann, bob = (Credentials(token=new_token(name, tmp_path / "tokens")) for name in ("ann", "bob"))
    server = own_server("--tokens", str(tmp_path / "tokens"), "--caller-queue", "2", "--queue", "3")
    server.worker_pid()
    with Client(server.address, credentials=ann) as first, Client(server.address, credentials=bob) as second:
        jobs = [first.create(landscape, painting, size=48, steps=LONG) for _ in range(3)]
        with pytest.raises(ServerBusyError, match="you have 2 waiting jobs"):
            first.create(landscape, painting, size=48, steps=1)
        assert [job.status().position for job in jobs] == [0, 0, 1]
        own = second.create(landscape, painting, size=48, steps=1)
        assert [job.status().position for job in (own, *jobs[1:])] == [0, 1, 2], "bob's first comes before ann's second"
        with pytest.raises(ServerBusyError, match="the queue is full"):
            second.create(landscape, painting, size=48, steps=1)
        jobs[0].cancel()
        assert own.result().png
        for job in jobs[1:]:
            job.cancel()


def test_too_many_watches(own_server: Callable[..., Server], landscape: bytes, painting: bytes) -> None:
    server = own_server("--caller-watches", "3")
    stub = style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(server.address))
    with Client(server.address) as client:
        job = client.create(landscape, painting, size=48, steps=LONG)
        watches = [stub.WatchJob(pb.WatchJobRequest(name=job.name)) for _ in range(3)]
        for watch in watches:
            next(watch)
        with pytest.raises(grpc.RpcError) as caught:
            next(stub.WatchJob(pb.WatchJobRequest(name=job.name)))
        assert details(caught.value)[0] == "CALLER_WATCHES"
        watches[0].cancel()
        deadline = time.monotonic() + 30
        while True:  # the server learns of the end a moment later
            try:
                next(stub.WatchJob(pb.WatchJobRequest(name=job.name)))
                break
            except grpc.RpcError:
                assert time.monotonic() < deadline
        job.cancel()


def read(address: str) -> dict[str, float]:
    text = urllib.request.urlopen(address, timeout=10).read().decode()
    samples = re.findall(r"^(\w+(?:\{[^}]*\})?) ([-+.\deE]+|NaN)$", text, re.MULTILINE)
    return {name: float(value) for name, value in samples}


def test_metrics_follow_what_happens(own_server: Callable[..., Server], landscape: bytes, painting: bytes) -> None:
    server = own_server("--metrics", "127.0.0.1:0")
    address = server.wait_for_log(r"metrics on (\S+)")[1]
    server.worker_pid()
    with Client(server.address) as client:
        assert client.create(landscape, painting, size=48, steps=7).result().png
        with pytest.raises(BadRequestError, match="is not a PNG"):
            client.create(b"x", painting).result()
        with pytest.raises(JobNotFoundError, match="there is no job"):
            client.job("jobs/none").status()
        running = client.create(landscape, painting, size=48, steps=LONG)
        waiting = client.create(landscape, painting, size=48, steps=1)
        watch = running.watch()
        for event in watch:
            if isinstance(event, Progress) and event.evaluation > 3:
                break
        seen = read(address)
        assert seen["tfstyle_queue_depth"] == 1
        assert seen["tfstyle_jobs_running"] == 1
        assert seen["tfstyle_watchers"] == 1
        assert seen["tfstyle_evaluations_total"] >= 10
        assert seen["tfstyle_evaluation_seconds_count"] == seen["tfstyle_evaluations_total"]
        assert 0 < seen["tfstyle_evaluation_seconds_sum"] < 60
        assert seen['tfstyle_job_seconds_count{outcome="succeeded"}'] == 1
        assert seen['tfstyle_job_seconds_count{outcome="failed"}'] == 1
        assert seen['tfstyle_rejected_total{reason="NOT_FOUND"}'] == 1
        (memory,) = [value for name, value in seen.items() if name.startswith("tfstyle_worker_memory_bytes")]
        assert memory > 10**8
        running.cancel()
        waiting.result()
        assert read(address)['tfstyle_job_seconds_count{outcome="cancelled"}'] == 1


def test_metrics_that_cannot_be_served_are_a_clear_error(own_server: Callable[..., Server]) -> None:
    for address in ("127.0.0.1:99999", "nowhere.invalid:0", "nonsense"):
        with pytest.raises(AssertionError, match=f"metrics: cannot listen on {address}"):
            own_server("--metrics", address)


def test_board_asks_for_metrics_that_exist() -> None:
    board = json.loads((REPOSITORY / "docs" / "grafana.json").read_text("utf-8"))
    existing = set()
    metrics = Metrics()
    metrics.reads_memory_of(list)
    metrics.ended("succeeded", 1.0)
    metrics.rejected.labels("X").inc()
    metrics.call_started("X")
    metrics.call_ended("X", "OK", 1.0)
    for family in metrics.registry.collect():
        existing |= {sample.name for sample in family.samples} | {family.name}
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(expressions) >= 8
    asked = set().union(*(re.findall(r"\b(?:tfstyle|grpc_server)_\w+", expression) for expression in expressions))
    assert asked <= existing
    unasked = {family.name for family in metrics.registry.collect()} - {
        re.sub("_(total|bucket|sum|count)$", "", name) for name in asked
    }
    assert unasked == set(), "every figure is on the board"
