"""Jobs against real server processes: created, watched, killed, and going on."""

from __future__ import annotations

import base64
import dataclasses
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from conftest import Server
from tfstyle.images import decode
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc
from tfstyle_client import (
    BadRequestError,
    CallCancelledError,
    Client,
    ClientError,
    FailedPreconditionError,
    Interrupted,
    Job,
    JobNotFoundError,
    Progress,
    ProgressOptions,
    Result,
    Started,
)

LONG = 10_000
KILLABLE = {"size": 176, "steps": 100, "style_loss": "wasserstein"}
"""Some seconds: several checkpoints, on a fast machine too."""


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.address) as made:
        yield made


@pytest.fixture(scope="module")
def uninterrupted(server: Server, landscape: bytes, painting: bytes) -> bytes:
    """What a run that nobody disturbs makes of `KILLABLE`."""
    with Client(server.address) as client:
        return client.stylize(landscape, painting, **KILLABLE).result().png


def raw(server: Server) -> style_transfer_pb2_grpc.StyleTransferStub:
    return style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(server.address))


def refused(call: Callable[[], object], kind: type) -> tuple[grpc.StatusCode, object]:
    """The code that a call ends with, and its detail of `kind`."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    detail = kind()
    for packed in rpc_status.from_call(caught.value).details:
        if packed.Unpack(detail):
            return caught.value.code(), detail
    raise AssertionError(f"no {kind.__name__} in {caught.value}")


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.02)


def evaluation(job: Job) -> int:
    progress = job.status().progress
    return 0 if progress is None else progress.evaluation


def checkpoints(data: Path, job: Job) -> list[Path]:
    return sorted((data / "checkpoints" / job.name.removeprefix("jobs/")).glob("[0-9]*-*.npz"))


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


def test_bad_pictures_fail_the_job(client: Client, painting: bytes) -> None:
    job = client.create(painting[:4000], painting, size=48)
    with pytest.raises(BadRequestError, match="content: is damaged or cut short") as caught:
        job.result()
    assert [violation.field for violation in caught.value.violations] == ["inputs.content"]
    status = job.status()
    assert status.state == "failed"
    assert status.error is not None
    assert "content" in status.error
    with pytest.raises(FailedPreconditionError, match="it is failed"):
        client.call(lambda: list(client.stub.ReadResult(pb.ReadResultRequest(name=job.name))))


def test_large_pictures_are_uploaded_in_pieces(client: Client, landscape: bytes, painting: bytes) -> None:
    large = landscape + bytes(5 * 2**20)  # what follows the end of a JPEG is ignored
    # Without a record of the files, which differ.
    options = {"size": 48, "steps": 2, "metadata": "none"}
    job = client.create(large, painting, **options)
    assert job.result().png == client.stylize(landscape, painting, **options).result().png


def test_upload_is_named_by_its_bytes_and_limited(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    stub = raw(own_server("--max-image-bytes", "200000"))
    image = stub.UploadImage(pb.UploadImageRequest(data=painting[i : i + 1000]) for i in range(0, len(painting), 1000))
    assert image.size == len(painting)
    transfer = pb.StylizeRequest(
        content_image=image.name, style_image=image.name, options=pb.TransferOptions(size=48, max_evaluations=1)
    )
    assert any(event.HasField("result") for event in stub.Stylize(transfer))
    for data, says in (
        (bytes(200_001), "the picture is too large: it has more than 200,000 bytes, the server's --max-image-bytes"),
        (b"", "is empty"),
    ):
        code, detail = refused(
            lambda d=data: stub.UploadImage(iter([pb.UploadImageRequest(data=d)])), error_details_pb2.BadRequest
        )
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert detail.field_violations[0].field == "data"
        assert says in detail.field_violations[0].description


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
        with pytest.raises(ClientError, match="given up: its worker process ended") as caught:
            job.result()
        assert caught.value.code == "INTERNAL"
        assert client.stylize(landscape, painting, size=48, steps=2).result().png, "the server still works"


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


@pytest.mark.slow
def test_damaged_rows_harm_their_own_jobs_only(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes, tmp_path: Path
) -> None:
    server = own_server(data=tmp_path)
    with Client(server.address) as client:
        mended = client.create(landscape, painting, size=48, steps=LONG)
        wait_for(lambda: mended.status().state == "running")
        lost, waits = (client.create(landscape, painting, size=48, steps=1) for _ in range(2))
    server.process.kill()
    server.process.wait()
    database = sqlite3.connect(tmp_path / "jobs.sqlite3")
    database.execute("UPDATE jobs SET job = x'ff' WHERE name = ?", (mended.name,))
    database.execute("UPDATE jobs SET plan = x'ff' WHERE name = ?", (lost.name,))
    database.commit()
    database.close()
    with Client(own_server(data=tmp_path).address) as client:
        assert client.job(waits.name).status().state == "queued"
        wait_for(lambda: client.job(mended.name).status().state == "running")
        client.job(mended.name).cancel()
        assert client.job(waits.name).result().png
        with pytest.raises(ClientError, match="the job was damaged on the server's disk: its plan cannot be read"):
            client.job(lost.name).result()


@pytest.mark.parametrize("damage", [pytest.param("changed", marks=pytest.mark.slow), "gone"])
def test_picture_that_the_disk_has_lost_fails_the_job_and_nothing_else(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes, tmp_path: Path, damage: str
) -> None:
    server = own_server(data=tmp_path)
    with Client(server.address) as client:
        running = client.create(landscape, painting, size=48, steps=LONG)
        wait_for(lambda: evaluation(running) > 1)
        waiting = client.create(painting, landscape, size=48, steps=2)
        for blob in (tmp_path / "blobs").glob("*/*"):
            blob.unlink() if damage == "gone" else blob.write_bytes(b"other")
        running.cancel()
        with pytest.raises(ClientError, match="missing or damaged on the server's disk"):
            waiting.result()
        assert client.create(landscape, painting, size=48, steps=2).result().png


def test_result_that_the_disk_has_lost_is_data_loss(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes, tmp_path: Path
) -> None:
    server = own_server(data=tmp_path)
    with Client(server.address) as client:
        job = client.create(landscape, painting, size=48, steps=2)
        digest = job.result().digest
        blob = tmp_path / "blobs" / digest[:2] / digest
        data = blob.read_bytes()
        for damaged in (data[:-1] + b"X", data[:-100], None):
            blob.unlink() if damaged is None else blob.write_bytes(damaged)
            with pytest.raises(ClientError, match="the picture is missing or damaged") as caught:
                job.result()
            assert caught.value.code == "DATA_LOSS"
        blob.write_bytes(data)
        assert job.result().png == data


def blobs_of(data: Path) -> set[str]:
    return {path.name for path in (data / "blobs").glob("??/*")}


def test_request_id_that_is_taken_lets_no_picture_in(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes, tmp_path: Path
) -> None:
    stub = raw(own_server(data=tmp_path))
    transfer = pb.StylizeRequest(
        content=landscape, style=painting, options=pb.TransferOptions(size=48, max_evaluations=LONG)
    )
    name = stub.CreateJob(pb.CreateJobRequest(transfer=transfer, request_id="one")).name
    before = blobs_of(tmp_path)
    transfer.content += b"more"
    code, _ = refused(
        lambda: stub.CreateJob(pb.CreateJobRequest(transfer=transfer, request_id="one")), error_details_pb2.BadRequest
    )
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert blobs_of(tmp_path) == before
    stub.CancelJob(pb.CancelJobRequest(name=name))


def test_upload_counts_bytes_once_and_pieces_never(server: Server, landscape: bytes) -> None:
    stub = raw(server)

    def pieces() -> Iterator[pb.UploadImageRequest]:
        for byte in landscape[:500]:
            yield pb.UploadImageRequest()
            yield pb.UploadImageRequest(data=bytes([byte]))

    first = stub.UploadImage(pieces())
    assert (first.size, stub.UploadImage(pieces()).name) == (500, first.name)


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


def test_creation_that_is_sent_again_takes_no_room(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    stub = raw(own_server("--caller-jobs", "1"))
    transfer = pb.StylizeRequest(
        content=landscape, style=painting, options=pb.TransferOptions(size=48, max_evaluations=LONG)
    )
    request = pb.CreateJobRequest(transfer=transfer, request_id="one")
    assert stub.CreateJob(request).name == stub.CreateJob(request).name


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
