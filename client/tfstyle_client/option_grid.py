"""A grid over options: several values for some of them, and every combination of these."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from tfstyle.errors import InvalidInputError
from tfstyle.options import KINDS, RULES
from tfstyle.presets import PRESETS, STRENGTH, resolve_options
from tfstyle.rules import ListRule, Rule, shown
from tfstyle_client.errors import refusal

MOST_CELLS = 100
PRESET, STYLE = "preset", "style"
"""Axes that are no options of a transfer."""


@dataclass(frozen=True)
class Axis:
    """One direction of a grid: an option, and its values with a text for each."""

    name: str
    values: tuple[Any, ...]
    texts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Cell:
    """One combination: the value of each axis with its text, in the order of the axes."""

    values: Mapping[str, Any]
    texts: Mapping[str, str]


def axis_of(name: str, text: str) -> Axis:
    """The values of an option, separated by commas. One that takes a list itself has one value.

    Raises `BadRequestError` naming the option.
    """
    rule = RULES.get(name, STRENGTH)
    if isinstance(rule, ListRule):
        try:
            return Axis(name, (rule.parse(text),), (text,))
        except ValueError:
            raise refusal(name, f"must be {rule.accepts()}; got {shown(text)}") from None
    parts = [part.strip() for part in text.split(",")]
    values = tuple(_value(name, part) for part in parts)
    for index, value in enumerate(values):
        if value in values[:index]:
            raise refusal(name, f"has {shown(parts[index])} twice")
    return Axis(name, values, tuple(parts))


def _value(name: str, text: str) -> Any:
    """Raises `BadRequestError`."""
    if name == PRESET:
        if text not in PRESETS:
            raise refusal(name, f"must be one of {', '.join(PRESETS)}; got {shown(text)}")
        return text
    rule = STRENGTH if name == "strength" else RULES[name]
    value = _parsed(rule, float if name == "strength" else KINDS[name], text)
    complaint = None if value is None else rule.complaint(value)
    # A number that stands for a word in a request is no number on a command line, except for those of the strength.
    nameless = rule is not STRENGTH and text not in rule.words and value in rule.words.values()
    if value is None or complaint or nameless:
        raise refusal(name, complaint or f"must be {rule.accepts()}, or several of these; got {shown(text)}")
    return value


def _parsed(rule: Rule, kind: type, text: str) -> Any:
    """The value that `text` stands for; None if it has another type."""
    if rule.choices:
        return text
    if text in rule.words:
        return kind(rule.words[text])
    if kind is int:
        return int(text) if re.fullmatch(r"[+-]?[0-9]{1,18}", text) else None
    try:
        return float(text)
    except ValueError:
        return None


def cells_of(axes: Sequence[Axis], fixed: Mapping[str, Any]) -> list[Cell]:
    """Every combination, the last axis changing first; `fixed` are the values of the other options.

    Raises `BadRequestError` where there are too many, or options do not go together.
    """
    count = 1
    for axis in axes:
        count *= len(axis)
    if count > MOST_CELLS:
        sizes = " x ".join(f"{len(axis)} ({axis.name})" for axis in axes)
        widest = max(axes, key=len)
        raise refusal(widest.name, f"{sizes} are {count} pictures, and {MOST_CELLS} are allowed; give fewer values")
    cells = []
    for combination in product(*(zip(axis.values, axis.texts, strict=True) for axis in axes)):
        named = list(zip((axis.name for axis in axes), combination, strict=True))
        cell = Cell({name: value for name, (value, _) in named}, {name: text for name, (_, text) in named})
        _check(cell, fixed)
        cells.append(cell)
    return cells


def _check(cell: Cell, fixed: Mapping[str, Any]) -> None:
    options = {name: value for name, value in {**fixed, **cell.values}.items() if name in {*RULES, "strength"}}
    try:
        resolve_options({**fixed, **cell.values}.get(PRESET, "default"), options)
    except InvalidInputError as error:
        first = error.violations[0]
        where = ", ".join(f"{name} {text}" for name, text in cell.texts.items() if name in {*options, PRESET})
        raise refusal(first.field, first.description + (f" (with {where})" if where else "")) from None
