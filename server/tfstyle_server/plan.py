"""A transfer as the server works with it: parsed and resolved once, then passed around as plain values."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tfstyle.inputs import Inputs
from tfstyle.options import SINGLE_SCALE, ProgressOptions, TransferOptions
from tfstyle.presets import resolve_options
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.conversion import inputs_from_proto, inputs_to_proto, options_from_proto, options_to_proto

Form = TypeVar("Form")
Other = TypeVar("Other")

DEFAULT_PRESET = "default"
IMAGE_PREFIX = "images/"
FORMER = {
    "balance": "absolute",
    "style_loss": "gram",
    "style_weight": 2e5,
    "content_layers": ("block4_conv4",),
    "tv_weight": 10.0,
    "tv_form": "absolute",
    "coarsest_scale": SINGLE_SCALE,
}
"""The defaults of the releases before relative losses, in which the stored jobs of those releases are resolved."""
FORMER_CASCADE = {"max_evaluations": 60, "lite_evaluations": 30}


@dataclass(frozen=True)
class Sequence:
    """The place of a picture in a sequence: the `frame`, from 0, of `frames` (0: not known) at `rate` per second."""

    name: str
    frame: int = 0
    frames: int = 0
    rate: float = 0.0


@dataclass(frozen=True)
class Plan(Generic[Form]):
    """What a job is made from: the pictures in some form, and options in which every value is set.

    `preset` is the name that the caller gave. `shorthand` tells whether the request had its pictures in the shorthand
    fields, which decides how errors name them; it does not change the result. `sequence` is the label of a frame.
    """

    inputs: Inputs[Form]
    options: TransferOptions
    progress: ProgressOptions
    preset: str = DEFAULT_PRESET
    shorthand: bool = True
    sequence: Sequence | None = None

    def with_inputs(self, inputs: Inputs[Other]) -> Plan[Other]:
        """The same plan with its pictures in another form."""
        return Plan(inputs, self.options, self.progress, self.preset, self.shorthand, self.sequence)


def plan_to_proto(plan: Plan[str]) -> pb.StylizeRequest:
    """The normalised message of a plan whose pictures are digests: the form in which the store keeps it.

    Every picture is the name of an image in `inputs`, and every option is set. Plans for the same transfer give equal
    messages however the caller sent it.
    """
    return pb.StylizeRequest(
        preset=plan.preset,
        options=options_to_proto(dataclasses.asdict(plan.options)),
        progress=pb.ProgressOptions(**dataclasses.asdict(plan.progress)),
        inputs=inputs_to_proto(plan.inputs.map(lambda _, digest: pb.Picture(image=f"{IMAGE_PREFIX}{digest}"))),
        sequence=None if plan.sequence is None else pb.Sequence(**dataclasses.asdict(plan.sequence)),
    )


def plan_from_proto(message: pb.StylizeRequest, *, shorthand: bool) -> Plan[str]:
    """The plan of a message that `plan_to_proto` made, perhaps of a former release.

    Raises `InvalidInputError` where another release accepted options that this one does not.
    """
    preset = message.preset or DEFAULT_PRESET
    return Plan(
        inputs_from_proto(message).map(lambda _, picture: str(picture.image).removeprefix(IMAGE_PREFIX)),
        resolve_options(preset, _former_defaults(message, preset) | options_from_proto(message.options)),
        progress_from_proto(message.progress),
        preset,
        shorthand,
        sequence_from_proto(message),
    )


def sequence_from_proto(message: pb.StylizeRequest) -> Sequence | None:
    """The label of a frame; None if `message` has none."""
    if not message.HasField("sequence"):
        return None
    label = message.sequence
    return Sequence(label.name, label.frame, label.frames, label.rate)


def _former_defaults(message: pb.StylizeRequest, preset: str) -> dict[str, Any]:
    """What a message of a former release means where it sets nothing; empty for one of this release."""
    if message.options.HasField("balance") or preset == "reference":  # which has not changed
        return {}
    return FORMER | (FORMER_CASCADE if preset == "cascade" else {})


def progress_from_proto(message: pb.ProgressOptions) -> ProgressOptions:
    """The progress options that `message` sets, with defaults for the others. Raises `InvalidInputError`."""
    return ProgressOptions(**{field.name: value for field, value in message.ListFields()})


def fingerprint(plan: Plan[str]) -> str:
    """A hash that two plans share if and only if they are for the same transfer."""
    return hashlib.sha256(plan_to_proto(plan).SerializeToString(deterministic=True)).hexdigest()
