"""The pictures of jobs, uploaded, lost and damaged; damaged rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
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
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client import (
    BadRequestError,
    Client,
    ClientError,
    FailedPreconditionError,
)


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


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["changed", "gone"])
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


def test_creation_that_is_sent_again_takes_no_room(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    stub = raw(own_server("--caller-jobs", "1"))
    transfer = pb.StylizeRequest(
        content=landscape, style=painting, options=pb.TransferOptions(size=48, max_evaluations=LONG)
    )
    request = pb.CreateJobRequest(transfer=transfer, request_id="one")
    assert stub.CreateJob(request).name == stub.CreateJob(request).name
