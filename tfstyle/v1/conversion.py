"""Convert options and inputs between the contract's messages and plain values, field by field, by name.

Client and server both use this module, so that there is only one list of fields. Unset fields stay unset.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.inputs import BESIDES, MOST_STYLES, MOST_TEMPORAL, OF_A_STYLE, Inputs, Style, Temporal
from tfstyle.options import RULES
from tfstyle.rules import LayersRule, LayerWeightsRule, Rule, ScalesRule
from tfstyle.schedule import Scale
from tfstyle.v1 import style_transfer_pb2 as pb

LONGEST = 100
"""Items of a list that are read; no option accepts so many. A message may have millions."""


def contract_digest() -> str:
    """SHA-256 of the contract's description in hexadecimal, by which two releases of it are told apart."""
    return hashlib.sha256(pb.DESCRIPTOR.serialized_pb).hexdigest()


def options_to_proto(values: Mapping[str, Any]) -> pb.TransferOptions:
    """The message with the fields that `values` name; None leaves a field unset.

    Raises ValueError or TypeError, as protobuf does, if a value does not fit its field.
    """
    message = pb.TransferOptions()
    for name, value in values.items():
        if value is None:
            continue
        if name in _LISTS:
            getattr(message, name).CopyFrom(_LISTS[name].to_proto(value))
        else:
            setattr(message, name, value)
    return message


def options_from_proto(message: pb.TransferOptions) -> dict[str, Any]:
    """The fields that are set in `message`, as `tfstyle.presets.resolve_options` takes them."""
    return {
        field.name: _LISTS[field.name].from_proto(value) if field.name in _LISTS else value
        for field, value in message.ListFields()
    }


@dataclass(frozen=True)
class _List:
    """How the value of a kind of `ListRule` becomes a message, and back."""

    to_proto: Callable[[Any], Any]
    from_proto: Callable[[Any], tuple[Any, ...]]


_LIST_KINDS: Mapping[type[Rule], _List] = {
    LayersRule: _List(lambda value: pb.Layers(names=value), lambda message: tuple(islice(message.names, LONGEST))),
    LayerWeightsRule: _List(
        lambda value: pb.LayerWeights(weights=value), lambda message: tuple(islice(message.weights, LONGEST))
    ),
    ScalesRule: _List(
        lambda value: pb.Scales(scales=[pb.Scale(size=size, evaluations=count) for size, count in value]),
        lambda message: tuple(Scale(scale.size, scale.evaluations) for scale in islice(message.scales, LONGEST)),
    ),
}
_LISTS = {name: _LIST_KINDS[type(rule)] for name, rule in RULES.items() if type(rule) in _LIST_KINDS}


def inputs_to_proto(inputs: Inputs[pb.Picture]) -> pb.Inputs:
    """The message for `inputs`, whose pictures are messages with their bytes or the name of an uploaded image."""
    styles = [
        pb.Style(
            picture=style.picture,
            weight=None if style.weight == 1 else style.weight,
            **{part: getattr(style, part) for part in OF_A_STYLE},
        )
        for style in inputs.styles
    ]
    temporal = [
        pb.Temporal(picture=each.picture, weights=each.weights, weight=None if each.weight == 1 else each.weight)
        for each in inputs.temporal
    ]
    besides = {part: getattr(inputs, part) for part in BESIDES}
    return pb.Inputs(content=inputs.content, styles=styles, temporal=temporal, **besides)


def inputs_from_proto(request: pb.StylizeRequest) -> Inputs[pb.Picture]:
    """The pictures of `request`, from `inputs` or from the shorthand fields.

    Raises `InvalidInputError` if both are used, and as `Inputs` does. An unset picture is an empty message.
    """
    if not request.HasField("inputs"):
        return Inputs(_shorthand_picture(request, "content"), (Style(_shorthand_picture(request, "style")),))
    if shorthand := [name for name in ("content", "style", "content_image", "style_image") if getattr(request, name)]:
        complaint = "cannot be combined with inputs; set only one of the two"
        raise InvalidInputError([Violation(name, complaint) for name in shorthand])
    styles = tuple(
        Style(
            style.picture,
            style.weight if style.HasField("weight") else 1.0,
            *_parts(style, OF_A_STYLE),
        )
        # One more than are accepted is enough to be refused; a message may have millions.
        for style in islice(request.inputs.styles, MOST_STYLES + 1)
    )
    temporal = tuple(
        Temporal(each.picture, each.weight if each.HasField("weight") else 1.0, *_parts(each, ("weights",)))
        for each in islice(request.inputs.temporal, MOST_TEMPORAL + 1)
    )
    start_picture, keep, regions = _parts(request.inputs, BESIDES)
    return Inputs(request.inputs.content, styles, start_picture, keep, regions, temporal)


def _parts(message: pb.Style | pb.Inputs | pb.Temporal, names: Iterable[str]) -> Iterator[pb.Picture | None]:
    """The pictures in the fields `names`; None for each that is not set."""
    for name in names:
        yield getattr(message, name) if message.HasField(name) else None


def _shorthand_picture(request: pb.StylizeRequest, field: str) -> pb.Picture:
    data, image = getattr(request, field), getattr(request, f"{field}_image")
    if data and image:
        complaint = f"cannot be combined with {field}; set only one of the two"
        raise InvalidInputError([Violation(f"{field}_image", complaint)])
    return pb.Picture(image=image) if image else pb.Picture(data=data)
