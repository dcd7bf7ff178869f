"""Plans survive the store, and have one fingerprint however a transfer was sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tfstyle.inputs import Inputs, Style, Temporal, content_and_style
from tfstyle.options import ProgressOptions
from tfstyle.presets import resolve_options
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server.plan import Plan, Sequence, fingerprint, plan_from_proto, plan_to_proto

PLAN = Plan(content_and_style("c" * 64, "s" * 64), resolve_options(), ProgressOptions())


def test_message_is_normalised_and_complete() -> None:
    message = plan_to_proto(PLAN)
    assert not any((message.content, message.style, message.content_image, message.style_image, message.detach))
    assert message.inputs.content.image == "images/" + "c" * 64
    assert len(message.options.ListFields()) == len(pb.TransferOptions.DESCRIPTOR.fields)
    assert plan_from_proto(message, shorthand=True) == PLAN


def test_frame_of_a_sequence_survives_the_store() -> None:
    earlier = Temporal("e" * 64, 0.5, "w" * 64), Temporal("f" * 64)
    inputs = Inputs("c" * 64, (Style("s" * 64),), temporal=earlier)
    frame = replace(PLAN.with_inputs(inputs), sequence=Sequence("surf", 3, 50, 24.0))
    message = pb.StylizeRequest.FromString(plan_to_proto(frame).SerializeToString())
    assert [each.HasField("weight") for each in message.inputs.temporal] == [True, False]
    assert plan_from_proto(message, shorthand=True) == frame
    assert frame.with_inputs(PLAN.inputs).sequence == frame.sequence


def test_job_of_a_former_release_keeps_its_look() -> None:
    message = plan_to_proto(replace(PLAN, options=resolve_options("default", {"style_weight": 2e5})))
    for field in ("balance", "style_loss", "tv_form", "coarsest_scale", "scales", "style_layer_weights"):
        message.options.ClearField(field)
    options = plan_from_proto(message, shorthand=True).options
    assert (options.balance, options.style_loss, options.tv_form) == ("absolute", "gram", "absolute")
    assert (options.coarsest_scale, options.scales, options.style_weight) == (0, (), 2e5)


@pytest.mark.parametrize(
    ("preset", "weight", "evaluations"), [("default", 2e5, 100), ("cascade", 2e5, 60), ("reference", 1e4, 500)]
)
def test_presets_of_a_former_release_keep_their_values(preset: str, weight: float, evaluations: int) -> None:
    message = plan_to_proto(PLAN)
    message.preset = preset
    message.options.CopyFrom(pb.TransferOptions(size=64))
    options = plan_from_proto(message, shorthand=True).options
    assert (options.size, options.style_weight, options.max_evaluations) == (64, weight, evaluations)
    assert (options.balance, options.tv_weight, options.content_layers) == ("absolute", 10, ("block4_conv4",))


def test_fingerprint_is_that_of_the_transfer() -> None:
    assert fingerprint(replace(PLAN, shorthand=False)) == fingerprint(PLAN)
    others = [
        replace(PLAN, options=resolve_options("default", {"size": 64})),
        replace(PLAN, progress=ProgressOptions(every=2)),
        PLAN.with_inputs(content_and_style("s" * 64, "c" * 64)),
        PLAN.with_inputs(Inputs("c" * 64, (Style("s" * 64, mask="m" * 64),))),
        PLAN.with_inputs(Inputs("c" * 64, (Style("s" * 64), Style("s" * 64, 2.0)))),
        PLAN.with_inputs(Inputs("c" * 64, (Style("s" * 64),), temporal=(Temporal("e" * 64),))),
        PLAN.with_inputs(Inputs("c" * 64, (Style("s" * 64),), temporal=(Temporal("e" * 64, 2.0),))),
        replace(PLAN, sequence=Sequence("surf")),
        replace(PLAN, sequence=Sequence("surf", 1)),
    ]
    assert len({fingerprint(plan) for plan in [PLAN, *others]}) == 1 + len(others)
