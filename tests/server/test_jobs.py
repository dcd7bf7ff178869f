"""Jobs against real server processes: created, watched, killed, and going on."""

from __future__ import annotations

import base64
import dataclasses
import threading
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2
from job_calls import (
    LONG,
    connected,  # noqa: F401 - a fixture
    evaluation,
    raw,
    refused,
    wait_for,
)

from conftest import Server
from tfstyle.images import decode
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc
from tfstyle_client import (
    CallCancelledError,
    Client,
    FailedPreconditionError,
    JobNotFoundError,
    Progress,
    ProgressOptions,
)


def test_job_from_its_creation_to_its_deletion(client: Client, landscape: bytes, painting: bytes) -> None:
    job = client.create(landscape, painting, size=48, steps=6, progress=ProgressOptions(preview_every=3))
    events = list(job.watch())
    assert [type(event).__name__ for event in events if not isinstance(event, Progress)][-1] == "Started"
    assert [event.evaluation for event in events if isinstance(event, Progress)] == [1, 2, 3, 4, 5, 6]
    status = job.status()
    assert (status.state, status.attempts, status.position) == ("succeeded", 1, 0)
    assert status.began is not None
    assert status.ended is not None
    assert status.created <= status.began <= status.ended
    assert isinstance(events[-1], Progress)
    assert status.progress == dataclasses.replace(events[-1], preview=None)
    result = job.result()
    assert decode(result.png, "result").size == (48, 32)
    assert result.png == client.stylize(landscape, painting, size=48, steps=6).result().png
    assert job.name in [each.name for each in client.jobs()]
    job.delete()
    for gone in (job.status, job.cancel, job.delete, job.result, lambda: list(job.watch())):
        with pytest.raises(JobNotFoundError, match="there is no job"):
            gone()


def test_deletion_that_is_sent_again_is_done(client: Client, landscape: bytes, painting: bytes) -> None:
    job = client.create(landscape, painting, size=48, steps=1)
    job.result()
    job.delete()
    client.stub.DeleteJob(pb.DeleteJobRequest(name=job.name, allow_missing=True))
    with pytest.raises(JobNotFoundError):
        job.delete()


def test_watch_begins_with_the_job_and_misses_nothing(server: Server, landscape: bytes, painting: bytes) -> None:
    with Client(server.address) as client:
        job = client.create(landscape, painting, size=48, steps=5)
        job.result()
    stub = raw(server)
    whole = list(stub.WatchJob(pb.WatchJobRequest(name=job.name)))
    assert whole[0].job.state == pb.Job.STATE_SUCCEEDED
    assert [event.sequence for event in whole[1:]] == list(range(1, whole[0].job.sequence + 1))
    kinds = [event.WhichOneof("event") for event in whole[1:] if not event.HasField("progress")]
    assert [kinds[0], *kinds[-3:]] == ["accepted", "begun", "started", "result"]
    for after in range(whole[0].job.sequence + 1):
        rest = list(stub.WatchJob(pb.WatchJobRequest(name=job.name, after_sequence=after)))
        assert rest[1:] == whole[1 + after :]
    code, detail = refused(
        lambda: list(stub.WatchJob(pb.WatchJobRequest(name=job.name, after_sequence=999))), error_details_pb2.BadRequest
    )
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert detail.field_violations[0].field == "after_sequence"


@pytest.mark.slow
def test_every_watcher_gets_every_event_and_a_slow_one_no_old_previews(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server()
    stub = raw(server)
    with Client(server.address) as client:
        progress = ProgressOptions(preview_every=1, preview_size=512)
        options = {"size": 512, "steps": 25, "style_loss": "wasserstein", "coarsest_scale": "none"}
        job = client.create(landscape, painting, progress=progress, **options)
        # A connection that takes in little before it is read.
        narrow = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_536)]
        slow = style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(server.address, narrow)).WatchJob(
            pb.WatchJobRequest(name=job.name)
        )
        seen: list[list[pb.JobEvent]] = []
        watchers = [
            threading.Thread(target=lambda: seen.append(list(stub.WatchJob(pb.WatchJobRequest(name=job.name)))))
            for _ in range(10)
        ]
        for watcher in watchers:
            watcher.start()
        next(slow)
        job.result()
    for watcher in watchers:
        watcher.join(30)
    late = list(slow)
    assert len(seen) == 10
    for events in [*seen, late]:
        assert [event.progress.evaluation for event in events if event.HasField("progress")] == list(range(1, 26))
        assert events[-1].HasField("result")
    assert all(sum(bool(event.progress.preview) for event in events) > 5 for events in seen)
    # What the connection held already is not taken back; of what the server had still to send, only the latest.
    assert sum(bool(event.progress.preview) for event in late) < 10


@pytest.mark.slow
def test_events_no_longer_kept_are_a_clear_answer(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server("--keep-events", "10")
    with Client(server.address) as client:
        job = client.create(landscape, painting, size=48, steps=60)
        job.result()
        code, detail = refused(
            lambda: list(raw(server).WatchJob(pb.WatchJobRequest(name=job.name))), error_details_pb2.ErrorInfo
        )
        assert code is grpc.StatusCode.OUT_OF_RANGE
        assert detail.reason == "EVENTS_COMPACTED"
        oldest = int(detail.metadata["oldest_sequence"])
        rest = list(raw(server).WatchJob(pb.WatchJobRequest(name=job.name, after_sequence=oldest - 1)))
        assert rest[1].sequence == oldest
        # The client continues with the events that are left.
        events = list(job.watch())
        assert isinstance(events[-1], Progress)
        assert events[-1].evaluation == 60


def test_creation_is_idempotent_by_its_request_id(server: Server, landscape: bytes, painting: bytes) -> None:
    stub = raw(server)
    transfer = pb.StylizeRequest(
        content=landscape, style=painting, options=pb.TransferOptions(size=48, max_evaluations=1)
    )
    first = stub.CreateJob(pb.CreateJobRequest(transfer=transfer, request_id="one"))
    again = stub.CreateJob(pb.CreateJobRequest(transfer=transfer, request_id="one"))
    assert again.name == first.name
    assert stub.CreateJob(pb.CreateJobRequest(transfer=transfer, request_id="two")).name != first.name
    transfer.options.max_evaluations = 2
    code, detail = refused(
        lambda: stub.CreateJob(pb.CreateJobRequest(transfer=transfer, request_id="one")), error_details_pb2.BadRequest
    )
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert detail.field_violations[0].field == "request_id"


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (pb.CreateJobRequest(), ["transfer.content", "transfer.style"]),
        (
            pb.CreateJobRequest(
                transfer=pb.StylizeRequest(
                    content=b"x", content_image="images/1", style=b"x", options=pb.TransferOptions(size=1)
                ),
                request_id="r" * 65,
            ),
            ["request_id", "transfer.content_image", "transfer.options.size"],
        ),
        (
            pb.CreateJobRequest(transfer=pb.StylizeRequest(content_image="images/1", style=b"x")),
            ["transfer.content_image"],
        ),
    ],
)
def test_what_cannot_be_a_job_is_refused(server: Server, request_: pb.CreateJobRequest, fields: list[str]) -> None:
    code, detail = refused(lambda: raw(server).CreateJob(request_), error_details_pb2.BadRequest)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert [violation.field for violation in detail.field_violations] == fields


def test_pages_of_jobs(client: Client, landscape: bytes, painting: bytes) -> None:
    made = [client.create(landscape, painting, size=48, steps=1).name for _ in range(3)]
    page = client.stub.ListJobs(pb.ListJobsRequest(page_size=2))
    assert [job.name for job in page.jobs] == made[:0:-1]
    rest = client.stub.ListJobs(pb.ListJobsRequest(page_size=1, page_token=page.next_page_token))
    assert [job.name for job in rest.jobs] == made[:1]
    huge = base64.urlsafe_b64encode(b"9" * 30).decode()
    for request in (
        pb.ListJobsRequest(page_token="nonsense"),
        pb.ListJobsRequest(page_token=huge),
        pb.ListJobsRequest(page_size=-1),
    ):
        code, _ = refused(lambda r=request: client.stub.ListJobs(r), error_details_pb2.BadRequest)
        assert code is grpc.StatusCode.INVALID_ARGUMENT
    for name in made:
        client.job(name).result()


def test_cancel_running_and_waiting_jobs(own_server: Callable[..., Server], landscape: bytes, painting: bytes) -> None:
    server = own_server()
    with Client(server.address) as client:
        running = client.create(landscape, painting, size=48, steps=LONG)
        wait_for(lambda: evaluation(running) > 3)
        waiting, last = (client.create(landscape, painting, size=48, steps=2) for _ in range(2))
        assert (waiting.status().state, waiting.status().position, last.status().position) == ("queued", 0, 1)
        with pytest.raises(FailedPreconditionError, match="has not ended; cancel it first"):
            running.delete()
        assert waiting.cancel().state == "cancelled"
        assert last.status().position == 0
        assert running.cancel().state == "cancelled"
        with pytest.raises(CallCancelledError, match="cancelled by its owner"):
            running.result()
        # The worker is free: the last job is not behind 9,990 evaluations.
        done = last.result()
        assert last.cancel().state == "succeeded", "it is left as it is"
        assert last.result() == done


def test_call_that_ends_takes_its_job_along_unless_detached(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes, tmp_path: Path
) -> None:
    server = own_server(data=tmp_path)
    stub = raw(server)
    transfer = pb.StylizeRequest(
        content=landscape, style=painting, options=pb.TransferOptions(size=48, max_evaluations=4)
    )
    assert any(event.HasField("result") for event in stub.Stylize(transfer))
    wait_for(lambda: not stub.ListJobs(pb.ListJobsRequest()).jobs)
    transfer.options.max_evaluations = LONG
    call = stub.Stylize(transfer)
    while not next(call).HasField("progress"):
        pass
    call.cancel()
    wait_for(lambda: not stub.ListJobs(pb.ListJobsRequest()).jobs)
    transfer.detach = True
    call = stub.Stylize(transfer)
    while not next(call).HasField("progress"):
        pass
    call.cancel()
    time.sleep(0.5)
    (job,) = stub.ListJobs(pb.ListJobsRequest()).jobs
    assert job.state == pb.Job.STATE_RUNNING
    # A call that the server's end has cut is over for good.
    transfer.detach = False
    cut = stub.Stylize(transfer)
    next(cut)
    server.process.kill()
    server.process.wait()
    again = own_server(data=tmp_path)
    (job,) = raw(again).ListJobs(pb.ListJobsRequest()).jobs
    assert job.name
    assert job.state in (pb.Job.STATE_QUEUED, pb.Job.STATE_RUNNING)


def test_one_server_at_a_time_has_the_data(own_server: Callable[..., Server], tmp_path: Path) -> None:
    own_server(data=tmp_path)
    with pytest.raises(AssertionError, match="data: another server uses"):
        own_server(data=tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(AssertionError, match="data: cannot use"):
        own_server(data=tmp_path / "file" / "below")
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "jobs.sqlite3").write_bytes(b"no database" * 1000)
    with pytest.raises(AssertionError, match="file is not a database"):
        own_server(data=damaged)


def test_results_that_are_read_count_as_streams(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server("--caller-watches", "1")
    with Client(server.address) as client:
        done = client.create(landscape, painting, preset="fast", size=48, steps=2)
        assert done.result().png
        running = client.create(landscape, painting, preset="fast", size=48, steps=LONG)
        stub = style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(server.address))
        events = stub.WatchJob(pb.WatchJobRequest(name=running.name))
        next(events)
        with pytest.raises(grpc.RpcError) as caught:
            next(stub.ReadResult(pb.ReadResultRequest(name=done.name), timeout=20))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert caught.value.details() == "you have 1 open streams; 1 are allowed"
        running.cancel()
