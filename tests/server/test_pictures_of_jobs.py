"""What a job shows of itself, against a real server: what it was made from, its previews, and its changes."""

from __future__ import annotations

import io
import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from conftest import Server
from tfstyle.presets import resolve_options
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.conversion import options_from_proto
from tfstyle_client import BadRequestError, Client, ClientError, Job, JobNotFoundError, ProgressOptions

KEPT = ProgressOptions(preview_every=2, preview_size=32, preview_format="webp", kept_previews=3)


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with Client(server.address) as made:
        yield made


@pytest.fixture(scope="module")
def job(client: Client, landscape: bytes, painting: bytes) -> Job:
    """A job that has succeeded, of 12 evaluations, of whose 6 previews 3 are kept."""
    made = client.create(landscape, painting, preset="fast", size=64, steps=12, scales=((48, 4),), progress=KEPT)
    made.result()
    return made


def message(client: Client, job: Job) -> pb.Job:
    return client.call(lambda: client.stub.GetJob(pb.GetJobRequest(name=job.name)))


def events(client: Client, job: Job) -> list[pb.JobEvent]:
    return list(client.stub.WatchJob(pb.WatchJobRequest(name=job.name)))


def test_a_job_tells_what_it_was_created_from(client: Client, job: Job, landscape: bytes, painting: bytes) -> None:
    request = message(client, job).request
    assert (request.preset, request.progress.kept_previews) == ("fast", 3)
    wanted = resolve_options("fast", {"size": 64, "steps": 12, "scales": ((48, 4),)})
    assert resolve_options("default", options_from_proto(request.options)) == wanted
    assert client.image(request.inputs.content.image) == landscape
    assert client.image(request.inputs.styles[0].picture.image) == painting
    (listed,) = (each for each in client.stub.ListJobs(pb.ListJobsRequest()).jobs if each.name == job.name)
    assert listed.request == request


def test_a_job_can_be_made_again_from_what_it_tells(client: Client, job: Job) -> None:
    request = message(client, job).request
    request.options.max_evaluations = 13
    again = client.call(lambda: client.stub.CreateJob(pb.CreateJobRequest(transfer=request)))
    assert client.job(again.name).result().evaluations == 13


def test_kept_previews_are_read_by_the_names_in_the_events(client: Client, job: Job) -> None:
    found = [(each.progress.evaluation, each.progress) for each in events(client, job) if each.HasField("progress")]
    kept = {evaluation: progress.preview_image for evaluation, progress in found if progress.preview_image}
    assert list(kept) == [4, 8, 12]
    sizes = []
    for name in kept.values():
        picture = Image.open(io.BytesIO(client.image(name)))
        assert picture.format == "WEBP"
        sizes.append(picture.size)
    assert sizes == [(32, 21), (32, 22), (32, 22)], "of 48 x 32 pixels, then of 64 x 43"
    assert message(client, job).preview_image == kept[12]


def test_kept_previews_count_and_go_with_their_job(
    client: Client, server: Server, landscape: bytes, painting: bytes, tmp_path: Path
) -> None:
    made = client.create(landscape, painting, preset="fast", size=72, steps=4, progress=KEPT)
    made.result()
    name = message(client, made).preview_image
    preview = client.image(name)
    again = client.create(landscape, painting, preset="fast", size=72, steps=4, scales=((48, 1),))
    again.result()
    made.delete()
    with pytest.raises(JobNotFoundError, match="there is no image"):
        client.image(name)
    assert preview


def test_a_name_that_is_no_image_is_refused(client: Client) -> None:
    with pytest.raises(BadRequestError, match=r'^name: must be "images/" and 64 hexadecimal digits; got'):
        client.image("images/../secret")


def test_an_offset_that_is_not_in_the_image_is_refused(client: Client, job: Job) -> None:
    request = pb.ReadImageRequest(name=message(client, job).request.inputs.content.image, offset=-1)
    with pytest.raises(BadRequestError, match="offset: must be 0 to"):
        client.call(lambda: next(client.stub.ReadImage(request)))


def test_jobs_are_listed_by_state(client: Client, job: Job, landscape: bytes, painting: bytes) -> None:
    waits = client.create(landscape, painting, size=512, steps=10_000)
    assert waits.name in [each.name for each in client.jobs(["queued", "running"])]
    assert job.name not in [each.name for each in client.jobs(["queued", "running"])]
    waits.cancel()
    assert [each.name for each in client.jobs(["cancelled"])][:1] == [waits.name]
    assert job.name in [each.name for each in client.jobs(["succeeded", "failed"])]
    with pytest.raises(BadRequestError, match="states: must be some of queued, running"):
        list(client.jobs(["lost"]))
    with pytest.raises(ClientError, match="states: must be some of queued"):
        client.call(lambda: client.stub.ListJobs(pb.ListJobsRequest(states=[77])))


def test_watching_all_jobs_shows_a_job_from_its_creation_to_its_deletion(
    client: Client, landscape: bytes, painting: bytes
) -> None:
    changes = client.stub.WatchJobs(pb.WatchJobsRequest())
    assert next(changes).HasField("listening")
    made = client.create(landscape, painting, preset="fast", size=48, steps=3)
    states = []
    for change in changes:
        if change.job.name != made.name:
            continue
        states.append(change.job.state)
        if change.job.state == pb.Job.STATE_SUCCEEDED:
            assert change.job.request.preset == "fast"
            break
    assert states == sorted(states)
    made.delete()
    assert any(change.deleted == made.name for change in changes)
    changes.cancel()


@pytest.mark.slow
def test_a_resumed_job_counts_a_preview_once(own_server, tmp_path: Path, landscape: bytes, painting: bytes) -> None:
    server = own_server("--checkpoint-seconds", "0", data=tmp_path)
    progress = ProgressOptions(preview_every=1, preview_size=32, kept_previews=200)
    with Client(server.address) as client:
        job = client.create(landscape, painting, preset="fast", size=160, steps=60, progress=progress)
        for event in client.stub.WatchJob(pb.WatchJobRequest(name=job.name)):
            if event.progress.evaluation == 20:
                break
        os.kill(server.worker_pid(), signal.SIGKILL)
        job.result()
        assert job.status().attempts == 2
        kept = [each.progress.preview_image for each in events(client, job) if each.HasField("progress")]
        result = message(client, job).result
        pictures = sum(len(client.image(name)) for name in set(kept))
    assert len(set(kept)) == 60
    server.stop()
    with sqlite3.connect(tmp_path / "jobs.sqlite3") as db:
        (counted,) = db.execute("SELECT bytes FROM jobs").fetchone()
    assert counted == len(landscape) + len(painting) + result.size + pictures
