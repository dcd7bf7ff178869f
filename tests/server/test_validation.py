"""Requests become plans; violations are named by the paths of fields."""

from __future__ import annotations

from typing import Any

import pytest

from tfstyle.errors import InvalidInputError
from tfstyle.inputs import Inputs, Style, content_and_style
from tfstyle.options import ProgressOptions
from tfstyle.presets import resolve_options
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server.plan import Plan
from tfstyle_server.validation import Uploaded, checked_creation, checked_transfer

MOST = 100
NAME = "images/" + "a" * 64
DATA, IMAGE = pb.Picture(data=b"x"), pb.Picture(image=NAME)


def inputs(*styles: pb.Style, content: pb.Picture = DATA) -> pb.StylizeRequest:
    return pb.StylizeRequest(inputs=pb.Inputs(content=content, styles=styles))


def following(*temporal: pb.Temporal) -> pb.StylizeRequest:
    return pb.StylizeRequest(inputs=pb.Inputs(content=DATA, styles=[pb.Style(picture=DATA)], temporal=temporal))


def labelled(**label: Any) -> pb.StylizeRequest:
    return pb.StylizeRequest(content=b"x", style=b"x", sequence=pb.Sequence(**label))


def test_shorthand_is_resolved() -> None:
    request = pb.StylizeRequest(
        content=b"x", style_image=NAME, preset="fast", options=pb.TransferOptions(size=64),
        progress=pb.ProgressOptions(every=2),
    )  # fmt: skip
    assert checked_transfer(request, MOST) == Plan(
        content_and_style(b"x", Uploaded("a" * 64)), resolve_options("fast", {"size": 64}), ProgressOptions(2), "fast"
    )


def test_inputs_are_resolved() -> None:
    plan = checked_transfer(inputs(pb.Style(picture=IMAGE, weight=2, mask=DATA), pb.Style(picture=DATA)), MOST)
    assert plan.inputs == Inputs(b"x", (Style(Uploaded("a" * 64), 2.0, b"x"), Style(b"x")))
    assert not plan.shorthand


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (pb.StylizeRequest(), ["content", "style"]),
        (pb.StylizeRequest(content=bytes(101), style=b"x"), ["content"]),
        (pb.StylizeRequest(content=b"x", content_image=NAME, style=b"x"), ["content_image"]),
        (pb.StylizeRequest(content=b"x", style_image="images/1"), ["style_image"]),
        (pb.StylizeRequest(content_image="images/" + "A" * 64, style_image="../x"), ["content_image", "style_image"]),
        (pb.StylizeRequest(style=b"x", inputs=pb.Inputs()), ["style"]),
        (inputs(), ["inputs.styles"]),
        (inputs(*[pb.Style(picture=DATA)] * 9), ["inputs.styles"]),
        (inputs(pb.Style(), content=pb.Picture()), ["inputs.content", "inputs.styles[0].picture"]),
        (inputs(pb.Style(picture=DATA, mask=pb.Picture())), ["inputs.styles[0].mask"]),
        (
            inputs(pb.Style(picture=DATA), pb.Style(picture=pb.Picture(data=bytes(101)), mask=pb.Picture(image="x"))),
            ["inputs.styles[1].picture", "inputs.styles[1].mask"],
        ),
        (inputs(pb.Style(picture=DATA), pb.Style(picture=DATA, weight=-1)), ["inputs.styles[1].weight"]),
        (inputs(pb.Style(picture=DATA, weight=0)), ["inputs.styles"]),
        (
            pb.StylizeRequest(
                inputs=pb.Inputs(
                    content=DATA,
                    styles=[pb.Style(picture=DATA, region=pb.Picture())],
                    start_picture=pb.Picture(image="x"),
                    keep=pb.Picture(data=bytes(101)),
                )
            ),
            ["inputs.styles[0].region", "inputs.start_picture", "inputs.keep"],
        ),
        (inputs(pb.Style(picture=DATA, regions=DATA)), ["inputs.styles[0].regions"]),
        (following(*[pb.Temporal(picture=DATA)] * 9), ["inputs.temporal"]),
        (following(pb.Temporal(picture=DATA, weight=-1)), ["inputs.temporal[0].weight"]),
        (
            following(pb.Temporal(picture=DATA), pb.Temporal(weights=pb.Picture(data=bytes(101)))),
            ["inputs.temporal[1].picture", "inputs.temporal[1].weights"],
        ),
        (labelled(), ["sequence.name"]),
        (labelled(name="a" * 201, frame=3, frames=3), ["sequence.name", "sequence.frame"]),
        (labelled(name="a\nb", frame=-1, rate=float("nan")), ["sequence.name", "sequence.frame", "sequence.rate"]),
        (labelled(name="surf", frames=-1, rate=1001), ["sequence.frames", "sequence.rate"]),
        (
            pb.StylizeRequest(inputs=pb.Inputs(content=DATA, styles=[pb.Style(picture=DATA)], regions=DATA)),
            ["inputs.regions"],
        ),
        (
            pb.StylizeRequest(
                style=b"x", preset="turbo", options=pb.TransferOptions(size=1), progress=pb.ProgressOptions(every=-1)
            ),
            ["content", "preset", "progress.every"],
        ),
    ],
)
def test_violations_are_named_by_their_paths(request_: pb.StylizeRequest, fields: list[str]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        checked_transfer(request_, MOST)
    assert [violation.field for violation in caught.value.violations] == fields
    with pytest.raises(InvalidInputError) as caught:
        checked_creation(pb.CreateJobRequest(transfer=request_, request_id="r" * 65), MOST)
    named = [violation.field for violation in caught.value.violations]
    assert named == ["request_id", *(f"transfer.{field}" for field in fields)]


def test_picture_that_is_too_large_names_the_limit_and_its_switch() -> None:
    with pytest.raises(
        InvalidInputError, match="is 101 bytes; at most 100 are accepted; the server's --max-image-bytes"
    ):
        checked_transfer(pb.StylizeRequest(content=bytes(101), style=b"x"), MOST)
