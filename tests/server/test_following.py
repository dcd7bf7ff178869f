"""Frames that follow earlier results, and their labels, through a real server and its clients."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from conftest import Server, png
from tfstyle import InvalidInputError, Temporal
from tfstyle.provenance_json import read_provenance
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client import BadRequestError, Client
from tfstyle_client.repetition import Repetition, check_names
from tfstyle_client.requests import stylize_request

FRAME = {"preset": "fast", "size": 60, "steps": 12, "coarsest_scale": "none"}


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with Client(server.address) as made:
        yield made


@pytest.fixture(scope="module")
def before() -> bytes:
    random = np.random.default_rng(0)
    small = Image.fromarray(random.integers(0, 255, (8, 12, 3), np.uint8))
    return png(np.asarray(small.resize((60, 40), Image.Resampling.BICUBIC)))


def left() -> bytes:
    mask = np.zeros((40, 60, 3), np.uint8)
    mask[:, :30] = 255
    return png(mask)


def distance(result: bytes, other: bytes) -> tuple[float, float]:
    """Mean absolute differences on the left and on the right."""
    one, two = (np.asarray(Image.open(io.BytesIO(each)).convert("RGB"), int) for each in (result, other))
    differences = np.abs(one - two).mean((0, 2))
    return float(differences[:28].mean()), float(differences[32:].mean())


@pytest.mark.slow
def test_a_job_follows_an_earlier_result_where_that_has_weight(
    client: Client, landscape: bytes, painting: bytes, before: bytes
) -> None:
    earlier = Temporal(before, 2.0, left())
    job = client.create(landscape, painting, temporal=[earlier], temporal_weight=300, **FRAME)
    result = job.result()
    here, there = distance(result.png, before)
    assert here < 8
    assert there > 25
    assert result.losses.weighted["temporal"] == pytest.approx(300 * result.losses.parts["temporal"])
    made = read_provenance(result.png)
    followed = {source.name: (source.digest, source.weight) for source in made.pictures if "temporal" in source.name}
    assert followed == {
        "temporal[0]": (hashlib.sha256(before).hexdigest(), 2.0),
        "temporal[0].weights": (hashlib.sha256(left()).hexdigest(), None),
    }
    files = {"content": landscape, "style": painting, "temporal[0]": before, "temporal[0].weights": left()}
    repeated = Repetition(made, "frame.png", files, {}, private=False)
    assert repeated.inputs.temporal == (earlier,)
    assert repeated.options.temporal_weight == 300
    with pytest.raises(InvalidInputError, match=r"give --picture temporal\[0\].weights=FILE"):
        check_names(made, "frame.png", list(files)[:3])


@pytest.mark.slow
def test_pictures_of_a_job_are_kept_with_it_and_errors_name_their_fields(
    client: Client, landscape: bytes, painting: bytes, before: bytes
) -> None:
    job = client.create(landscape, painting, temporal=[Temporal(before)], **{**FRAME, "steps": 1})
    job.result()
    request = client.call(lambda: client.stub.GetJob(pb.GetJobRequest(name=job.name))).request
    (kept,) = request.inputs.temporal
    assert client.image(kept.picture.image) == before
    square = png(np.zeros((40, 40, 3), np.uint8))
    with pytest.raises(BadRequestError) as caught:
        client.create(landscape, painting, temporal=[Temporal(before, weights=square)], **FRAME).result()
    (violation,) = caught.value.violations
    assert violation.field == "inputs.temporal[0].weights"
    assert "40 x 40 pixels" in violation.description


def test_a_frame_has_its_label_in_the_list_and_the_label_is_checked(
    client: Client, landscape: bytes, painting: bytes
) -> None:
    request = stylize_request(landscape, painting, "fast", options={"size": 60, "steps": 1, "coarsest_scale": "none"})
    request.sequence.CopyFrom(pb.Sequence(name="surf", frame=2, frames=5, rate=12.5))
    job = client.submit(request)
    job.result()
    (listed,) = (each for each in client.stub.ListJobs(pb.ListJobsRequest()).jobs if each.name == job.name)
    assert listed.request.sequence == request.sequence
    request.sequence.frame = 5
    with pytest.raises(BadRequestError, match=r"sequence.frame: must count from 0 to 4") as caught:
        client.submit(request)
    assert [each.field for each in caught.value.violations] == ["transfer.sequence.frame"]
