"""Requests of the HTTP API as requests of the contract: what is asked for, and with which options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.inputs import BESIDES, MOST_COLOURS, OF_A_STYLE, Inputs, Size, Style
from tfstyle.options import ProgressOptions
from tfstyle.presets import canonical_overrides, resolve_options
from tfstyle.rules import shown
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client.dashboard.given_pictures import inputs_of
from tfstyle_client.dashboard.option_table import parsed
from tfstyle_client.requests import estimate_request, transfer_request, watchable

MOST_VALUES = 8
"""Values of one option in a grid."""


@dataclass(frozen=True)
class Choices:
    """A preset, and the options that were given besides it, as `resolve_options` takes them."""

    preset: str
    overrides: Mapping[str, Any]

    @property
    def progress(self) -> ProgressOptions:
        """What such a job reports, so that it can be watched and looked back on."""
        return watchable(resolve_options(self.preset, self.overrides))


@dataclass(frozen=True)
class Axis:
    """One direction of a grid: an option, and its values."""

    option: str
    values: tuple[Any, ...]


def fields_of(body: object, *names: str) -> dict[str, Any]:
    """The fields of a JSON object. Raises `InvalidInputError` for anything else, and for fields without a name here."""
    if not isinstance(body, dict):
        raise InvalidInputError([Violation("body", f"must be a JSON object; got {shown(body)}")])
    if unknown := [name for name in body if name not in names]:
        raise InvalidInputError([Violation(str(name)[:100], "there is no such field") for name in unknown])
    return body


def choices_of(body: Mapping[str, Any]) -> Choices:
    """Preset, strength and options of a request. Raises `InvalidInputError`."""
    preset = body.get("preset") or "default"
    options = body.get("options") or {}
    if not isinstance(preset, str) or not isinstance(options, dict):
        wrong = "preset" if not isinstance(preset, str) else "options"
        raise InvalidInputError([Violation(wrong, f"must be a {'text' if wrong == 'preset' else 'JSON object'}")])
    overrides = canonical_overrides(parsed({**options, "strength": body.get("strength")}))
    resolve_options(preset, overrides)
    return Choices(preset, overrides)


def creation_of(body: Mapping[str, Any], choices: Choices | None = None) -> pb.StylizeRequest:
    """The transfer that a request asks for, with these `choices` in place of its own if they are given.

    Raises `InvalidInputError`, naming every field at fault.
    """
    violations: list[Violation] = []
    try:
        inputs = inputs_of(body)
    except InvalidInputError as error:
        violations += error.violations
    try:
        choices = choices or choices_of(body)
    except InvalidInputError as error:
        violations += error.violations
    if violations or choices is None:
        raise InvalidInputError(violations)
    return transfer_request(inputs, choices.preset, choices.progress, choices.overrides)


def axis_of(name: str, value: object) -> Axis:
    """One direction of a grid. Raises `InvalidInputError`."""
    if not isinstance(value, dict) or not isinstance(value.get("option"), str):
        raise InvalidInputError([Violation(name, 'must be {"option": NAME, "values": [...]}')])
    values = value.get("values")
    if not isinstance(values, list) or not 1 <= len(values) <= MOST_VALUES:
        raise InvalidInputError([Violation(name, f"must have 1 to {MOST_VALUES} values")])
    return Axis(value["option"], tuple(values))


def grid_of(body: Mapping[str, Any]) -> tuple[Axis, Axis, list[list[dict[str, Any]]]]:
    """Rows, columns and the requests of a grid's transfers, row by row. Raises `InvalidInputError`."""
    rows, columns = axis_of("rows", body.get("rows")), axis_of("columns", body.get("columns"))
    if rows.option == columns.option:
        raise InvalidInputError([Violation("columns", "must be another option than rows")])
    options = body.get("options") or {}
    if not isinstance(options, dict):
        raise InvalidInputError([Violation("options", "must be a JSON object")])
    strength = body.get("strength")
    made: list[list[dict[str, Any]]] = []
    for row in rows.values:
        made.append([])
        for column in columns.values:
            chosen = {"strength": strength, **options, rows.option: row, columns.option: column}
            of_a_grid = ("rows", "columns")
            own = {name: value for name, value in body.items() if name not in of_a_grid}
            made[-1].append({**own, "options": chosen, "strength": chosen.pop("strength")})
    return rows, columns, made


def estimate_of(body: Mapping[str, Any], choices: Choices | None = None) -> pb.EstimateTransferRequest:
    """The question what a transfer would be, with `choices` as for `creation_of`. Raises `InvalidInputError`."""
    choices = choices or choices_of(body)
    given = body.get("styles")
    content = size_in("content", body.get("content"))
    styles = [_style(f"styles[{index}]", each) for index, each in enumerate(given if isinstance(given, list) else [{}])]
    start, keep, regions = _further(body, BESIDES)
    sizes = Inputs(content, tuple(styles), start, keep, regions)
    colours = body.get("region_colours", 0)
    if not isinstance(colours, int) or isinstance(colours, bool) or not 0 <= colours <= MOST_COLOURS:
        raise InvalidInputError([Violation("region_colours", f"must be 0 to {MOST_COLOURS}; got {shown(colours)}")])
    return estimate_request(sizes, choices.preset, choices.overrides, colours)


def _style(name: str, value: object) -> Style[Size]:
    size = size_in(name, value, *OF_A_STYLE)
    return Style(size, 1.0, *_further(value if isinstance(value, dict) else {}, OF_A_STYLE, f"{name}."))


def _further(of: Mapping[str, Any], names: Iterable[str], prefix: str = "") -> list[Size | None]:
    """The sizes of pictures that may be missing."""
    return [None if of.get(name) is None else size_in(prefix + name, of[name]) for name in names]


def size_in(name: str, value: object, *besides: str) -> Size:
    """(width, height) of what has that name in a request; `besides` are other fields that there may be.

    Raises `InvalidInputError`.
    """
    if isinstance(value, dict) and not value.keys() - {"width", "height", *besides}:
        width, height = value.get("width"), value.get("height")
        if _is_side(width) and _is_side(height):
            return width, height
    more = f" and perhaps {', '.join(besides)}" if besides else ""
    raise InvalidInputError([Violation(name, f'must be {{"width": PIXELS, "height": PIXELS}}{more}')])


def _is_side(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31
