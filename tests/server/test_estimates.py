"""Estimates of transfers that are not made, against a real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from conftest import Server, png
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client import BadRequestError, Client, ClientError, FailedPreconditionError, Started, Style

PHOTO, PAINTING = (1024, 683), (800, 600)


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with Client(server.address) as made:
        yield made


def test_an_estimate_is_what_the_transfer_then_starts_with(client: Client, landscape: bytes, painting: bytes) -> None:
    estimate = client.estimate(PHOTO, [PAINTING], preset="fast", size=96, steps=8)
    started = next(
        event
        for event in client.stylize(landscape, painting, preset="fast", size=96, steps=8)
        if isinstance(event, Started)
    )
    assert estimate.stages == started.stages
    assert (estimate.width, estimate.height, estimate.tiled) == (96, 64, False)
    assert (estimate.network, estimate.digest, estimate.precision) == (
        started.network,
        started.digest,
        started.precision,
    )
    assert estimate.memory == started.memory
    assert estimate.options == started.options


@pytest.mark.slow
def test_regions_and_masks_count_as_in_the_run(client: Client, landscape: bytes, painting: bytes) -> None:
    left = png(np.repeat(np.linspace(0, 255, 96).round().astype(np.uint8)[None, :, None], 64, 0).repeat(3, 2))
    options = {"style_loss": "gram", "size": 96, "steps": 2, "coarsest_scale": 0}
    estimate = client.estimate(
        PHOTO, [Style(PAINTING, region=(96, 64)), Style(PAINTING)], keep=(96, 64), start_picture=PHOTO, **options
    )
    pictures = {"keep": left, "start_picture": landscape}
    styles = [Style(painting, region=left), Style(painting)]
    events = client.stylize(landscape, styles, **pictures, **options)
    started = next(event for event in events if isinstance(event, Started))
    plain = client.estimate(PHOTO, [PAINTING], **options)
    assert estimate.memory == started.memory > plain.memory
    assert estimate.stages == started.stages


def test_earlier_results_count(client: Client) -> None:
    options = {"size": 512, "steps": 10, "coarsest_scale": 0, "style_loss": "neighbours"}
    following, plain = (
        client.estimate(PHOTO, [PAINTING], temporal=[PHOTO] * 3, **options),
        client.estimate(PHOTO, [PAINTING], **options),
    )
    assert following.memory < plain.memory
    assert following.expected - following.tracing < plain.expected - plain.tracing, "fewer places are chosen from"
    assert 0 < following.tracing < following.expected


@pytest.mark.slow
def test_what_is_painted_in_lightness_takes_less(client: Client) -> None:
    options = {"size": 1024, "style_loss": "gram"}
    assert client.estimate(PHOTO, [PAINTING], colour="luminance", **options).memory < (
        client.estimate(PHOTO, [PAINTING], **options).memory
    )


@pytest.mark.parametrize(
    ("styles", "further", "field"),
    [
        ([Style(PAINTING, mask=(10, 10))], {}, "style_parts[0].mask"),
        ([Style(PAINTING), Style(PAINTING, region=(10, 10))], {}, "style_parts[1].region"),
        ([PAINTING], {"keep": (10, 10)}, "keep"),
        ([PAINTING], {"start_picture": (10, 10)}, "start_picture"),
        ([PAINTING], {"keep": (100_000, 100_000)}, "keep"),
    ],
)
def test_pictures_of_another_shape_are_refused_by_their_field(
    client: Client, styles: list[Any], further: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadRequestError) as caught:
        client.estimate(PHOTO, styles, **further)
    assert [violation.field for violation in caught.value.violations] == [field]


@pytest.mark.slow
def test_a_worker_with_a_job_answers_between_two_evaluations(client: Client, landscape: bytes, painting: bytes) -> None:
    job = client.create(landscape, painting, size=160, steps=10_000)
    try:
        next(iter(job.watch()))
        small, large = (client.estimate(PHOTO, [PAINTING], size=size) for size in (256, 1024))
    finally:
        job.cancel()
    assert small.memory < large.memory
    assert small.expected < large.expected


def test_what_does_not_fit_is_told_before_any_picture_is_sent(client: Client) -> None:
    with pytest.raises(BadRequestError, match="size: 8192 x 8192 pixels need") as caught:
        client.estimate((2000, 2000), [PAINTING], size=8192, style_loss="neighbours")
    assert caught.value.violations[0].field == "transfer.options.size"


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        (
            pb.EstimateTransferRequest(),
            "content: must have sides of 1 to 1000000 pixels; styles: must be 1 to 8; got 0",
        ),
        (
            pb.EstimateTransferRequest(
                content=pb.PictureSize(width=30_000, height=30_000), styles=[pb.PictureSize(width=1, height=-1)]
            ),
            r"content: has 30000 x 30000 pixels; at most .* --max-pixels sets the limit; styles\[0\]: must have sides",
        ),
        (
            pb.EstimateTransferRequest(
                transfer=pb.StylizeRequest(preset="none"),
                content=pb.PictureSize(width=1, height=1),
                styles=[pb.PictureSize(width=1, height=1)] * 9,
            ),
            "transfer.preset: there is no preset 'none'.*styles: must be 1 to 8; got 9",
        ),
        (
            pb.EstimateTransferRequest(
                transfer=pb.StylizeRequest(options=pb.TransferOptions(size=64)),
                content=pb.PictureSize(width=100_000, height=10),
                styles=[pb.PictureSize(width=10, height=10)],
            ),
            "content: ",
        ),
        (
            pb.EstimateTransferRequest(
                content=pb.PictureSize(width=8, height=8),
                styles=[pb.PictureSize(width=8, height=8)],
                style_parts=[pb.StyleParts(mask=pb.PictureSize()), pb.StyleParts()],
                region_colours=17,
            ),
            r"style_parts: must be at most one for each of styles, 1; got 2; "
            r"style_parts\[0\].mask: must have sides .*; region_colours: must be 0 to 16; got 17",
        ),
        (
            pb.EstimateTransferRequest(
                content=pb.PictureSize(width=8, height=8),
                styles=[pb.PictureSize(width=8, height=8)],
                temporal=[pb.PictureSize(width=8, height=8), pb.PictureSize(), *[pb.PictureSize(width=8)] * 7],
            ),
            r"temporal\[1\]: must have sides .*; temporal: must be at most 8; got 9",
        ),
        (
            pb.EstimateTransferRequest(
                content=pb.PictureSize(width=8, height=8),
                styles=[pb.PictureSize(width=8, height=8)],
                temporal=[pb.PictureSize(width=80, height=8)],
            ),
            r"temporal\[0\]",
        ),
        (
            pb.EstimateTransferRequest(
                content=pb.PictureSize(width=8, height=8),
                styles=[pb.PictureSize(width=8, height=8)],
                regions=pb.PictureSize(width=8, height=8),
            ),
            "regions: needs the regions of a style picture",
        ),
    ],
)
def test_bad_requests_name_their_fields(client: Client, request_: pb.EstimateTransferRequest, complaint: str) -> None:
    with pytest.raises(BadRequestError, match=complaint):
        client.call(lambda: client.stub.EstimateTransfer(request_))


def test_weights_that_are_not_there_are_not_downloaded_for_an_estimate(client: Client) -> None:
    with pytest.raises(FailedPreconditionError, match="the weights of vgg19 are not on the server"):
        client.estimate(PHOTO, [PAINTING], preset="cascade")


def test_without_a_worker_there_is_no_estimate(own_server) -> None:
    server = own_server("--start-seconds", "60")
    with Client(server.address, patience=0) as client, pytest.raises(ClientError, match="no worker can answer now"):
        client.estimate(PHOTO, [PAINTING])
