"""The record of how a result was made as its file carries it: JSON within an XMP packet (`tfstyle.xmp`)."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Iterable
from typing import Any

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.options import KINDS, RULES, type_complaint
from tfstyle.provenance import Provenance, Source, StageFacts
from tfstyle.rules import shown
from tfstyle.xmp import PacketError, packet_of, text_in
from tfstyle.xmp_in_files import find_packet

VERSION = 1
"""Of the record's form. A later one cannot be read."""
MOST_ITEMS = 100
"""Of each list in a record; no transfer has so many pictures or stages."""
_DIGEST = re.compile("[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9_.\[\]-]{1,60}")
_TEXT = re.compile(r"[ -~]{0,200}")
"""Printable ASCII: a record is shown on terminals."""
DEEPEST = 2
"""Lists in lists, as `scales` is."""


def provenance_packet(made: Provenance) -> bytes:
    """The XMP packet for the file of a result that was `made` so."""
    pictures = [
        {
            "name": source.name,
            "width": source.width,
            "height": source.height,
            "sha256": source.digest or None,
            "weight": source.weight,
        }
        for source in made.pictures
    ]
    fields = {field.name: getattr(made, field.name) for field in dataclasses.fields(made)}
    fields |= {"stages": [dataclasses.astuple(stage) for stage in made.stages], "pictures": pictures}
    return packet_of(json.dumps({"record": VERSION, **fields}), f"tfstyle {made.version}")


def read_provenance(data: bytes, field: str = "result") -> Provenance:
    """How the picture in the file `data` was made: a PNG, JPEG, WebP, AVIF or TIFF file that tfstyle has written.

    `field` names the file in errors. Raises `InvalidInputError` if it carries no record, or a damaged one. Time and
    memory are bounded, whatever the file says.
    """
    try:
        packet = find_packet(data)
        text = None if packet is None else text_in(packet)
        if text is None:
            raise _RecordError("carries no record of how it was made; tfstyle writes one unless metadata is none")
        return _parsed(text)
    except (PacketError, _RecordError) as error:
        raise InvalidInputError([Violation(field, str(error))]) from None


class _RecordError(Exception):
    pass


def _parsed(text: str) -> Provenance:
    """The record in `text`. Raises `_RecordError`."""
    try:
        fields = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise _RecordError("its record of how it was made is damaged: it is not JSON") from None
    try:
        if fields["record"] != VERSION:
            raise _RecordError("its record of how it was made is of a later release; update tfstyle")
        made = Provenance(
            _text(fields["version"]),
            _text(fields["tensorflow"]),
            _text(fields["device"]),
            _name(fields["preset"]),
            {_name(name): _option(name, value) for name, value in _pairs(fields["options"])},
            _name(fields["precision"]),
            {_name(name): _digest(value) for name, value in _pairs(fields["networks"])},
            tuple(_stage(*stage) for stage in _list(fields["stages"])),
            tuple(_source(each) for each in _list(fields["pictures"])),
        )
        if not made.stages or made.network not in made.networks:
            raise ValueError(fields)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
        raise _RecordError(
            "its record of how it was made is damaged: a value is missing, or is of a wrong kind"
        ) from None
    return made


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > MOST_ITEMS:
        raise ValueError(shown(value))
    return value


def _pairs(value: Any) -> Iterable[tuple[str, Any]]:
    if not isinstance(value, dict) or len(value) > MOST_ITEMS:
        raise ValueError(shown(value))
    return value.items()


def _matching(pattern: re.Pattern[str], value: Any) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(shown(value))
    return value


def _text(value: Any) -> str:
    return _matching(_TEXT, value)


def _name(value: Any) -> str:
    return _matching(_NAME, value)


def _digest(value: Any) -> str:
    return _matching(_DIGEST, value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(shown(value))
    return value


def _count(value: Any) -> int:
    if type(value) is not int or not 0 < value < 2**31:
        raise ValueError(shown(value))
    return value


def _option(name: str, value: Any) -> Any:
    """The value of an option; one of another release may be of any kind."""
    found = _frozen(value)
    if name in RULES and type_complaint(KINDS[name], RULES[name], found):
        raise ValueError(shown(value))
    return found


def _frozen(value: Any, depth: int = DEEPEST) -> Any:
    """JSON has lists where options have tuples. Raises ValueError for lists in lists in lists."""
    if isinstance(value, list):
        if not depth:
            raise ValueError("lists in lists in lists")
        return tuple(_frozen(each, depth - 1) for each in _list(value))
    return _text(value) if isinstance(value, str) else _number(value)


def _stage(network: Any, width: Any, height: Any, evaluations: Any, style_loss: Any, whole_from: Any) -> StageFacts:
    return StageFacts(
        _name(network), _count(width), _count(height), _count(evaluations), _name(style_loss), _count(whole_from)
    )


def _source(fields: Any) -> Source:
    digest, weight = fields["sha256"], fields["weight"]
    return Source(
        _name(fields["name"]),
        _count(fields["width"]),
        _count(fields["height"]),
        "" if digest is None else _digest(digest),
        None if weight is None else _number(weight),
    )
