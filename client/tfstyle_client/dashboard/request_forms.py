"""What a job, or a result, is made from, as the values of the HTTP API."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from tfstyle.canvas import is_texture
from tfstyle.errors import InvalidInputError
from tfstyle.inputs import BESIDES, OF_A_STYLE
from tfstyle.options import TransferOptions
from tfstyle.presets import resolve_options, strength_of
from tfstyle.provenance import Provenance
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.conversion import options_from_proto
from tfstyle_client.dashboard.option_table import plain

Json = dict[str, Any]


def digest_of(image: str) -> str | None:
    """The digest in "images/DIGEST"; None for an empty name."""
    return image.rpartition("/")[2] or None


def request_form(request: pb.StylizeRequest) -> Json:
    """What a job is made from: its pictures by their digests, and its options."""
    given = options_from_proto(request.options)
    form: Json = {
        "kind": "texture" if is_texture(given) else "photo",
        "content": digest_of(request.inputs.content.image),
        "styles": [
            {
                "image": digest_of(style.picture.image),
                "weight": style.weight if style.HasField("weight") else 1,
                **_pictures(style, OF_A_STYLE),
            }
            for style in request.inputs.styles
        ],
        **_pictures(request.inputs, BESIDES),
        "temporal": [
            {
                "image": digest_of(each.picture.image),
                "weight": each.weight if each.HasField("weight") else 1,
                **_pictures(each, ("weights",)),
            }
            for each in request.inputs.temporal
        ],
        "sequence": _sequence(request.sequence) if request.HasField("sequence") else None,
    }
    return form | _options_form(request.preset or "default", given)


def provenance_form(made: Provenance) -> Json:
    """How a result was made."""
    return {
        "kind": "texture" if is_texture(made.options) else "photo",
        "version": made.version,
        "tensorflow": made.tensorflow,
        "device": made.device,
        "network": made.network,
        "networks": dict(made.networks),
        "precision": made.precision,
        "stages": [dataclasses.asdict(stage) for stage in made.stages],
        "pictures": [dataclasses.asdict(source) for source in made.pictures],
        **_options_form(made.preset, made.options),
    }


def _options_form(preset: str, given: Mapping[str, Any]) -> Json:
    """Preset, strength, and the options: those that neither stands for, and all of them."""
    try:
        options = TransferOptions(**given)
        strength = strength_of(options)
        base = resolve_options(preset, {"strength": strength})
    except (InvalidInputError, TypeError):  # of another release, or not all are set
        return {"preset": preset, "strength": None, "changed": _plain(given), "options": _plain(given)}
    values = dataclasses.asdict(options)
    changed = {name: value for name, value in values.items() if value != getattr(base, name)}
    return {"preset": preset, "strength": strength, "changed": _plain(changed), "options": _plain(values)}


def _sequence(label: pb.Sequence) -> Json:
    """The place of a job in a sequence; None where a number is not known."""
    return {
        "name": label.name,
        "frame": label.frame,
        "frames": label.frames or None,
        "rate": label.rate or None,
    }


def _pictures(message: pb.Style | pb.Inputs | pb.Temporal, fields: Iterable[str]) -> Json:
    """The digests of pictures that may be missing."""
    return {name: digest_of(getattr(message, name).image) if message.HasField(name) else None for name in fields}


def _plain(values: Mapping[str, Any]) -> Json:
    return {name: plain(name, value) for name, value in values.items()}
