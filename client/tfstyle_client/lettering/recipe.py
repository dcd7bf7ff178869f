"""How words are set, and which options suit their painting. Needs no Pillow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.options import TransferOptions
from tfstyle.presets import PRESETS
from tfstyle.rules import Rule, shown

REACH = Rule("how far beyond the letters the painting may grow, as a part of the font size", 0, 0.5)
MARGIN = Rule("free space around the letters and their reach, as a part of the font size", 0, 2)
BOLD = Rule("by how much the letters are widened on each side, as a part of the font size", 0, 0.1)
TRACKING = Rule("space between letters beside what the font has, as a part of the font size", 0, 1)
RULES = {"reach": REACH, "margin": MARGIN, "bold": BOLD, "tracking": TRACKING}
DEFAULT_REACH, DEFAULT_MARGIN = 0.12, 0.1
_TRACKED_REACH = 1 / 3
"""Where letters grow, they need more room."""
BOLD_OF_OWN_FONT = 0.03
"""Pillow's font is thin for a painting."""
MOST_CHARACTERS = 200
LEAST_SIZE = 64
"""Pixels of a sheet's longer side."""
TRANSPARENT = "transparent"
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Words:
    """What is drawn: a text whose lines end with a newline, and how it is set.

    `font` is the SHA-256 of the font's file, empty for Pillow's own. The next four are parts of the font size, with
    the ranges of `RULES`; None leaves the choice to `draw`, or to the `Recipe`. `background` is TRANSPARENT, or a
    colour as Pillow names them.
    """

    text: str
    font: str = ""
    reach: float | None = None
    margin: float | None = None
    bold: float | None = None
    tracking: float | None = None
    background: str = TRANSPARENT

    def measures(self) -> dict[str, float | None]:
        """The parts of the font size, by the names in `RULES`."""
        return {name: getattr(self, name) for name in RULES}

    def as_json(self) -> dict[str, Any]:
        """The values that `words_of` takes."""
        return asdict(self)


def words_of(value: object, prefix: str = "") -> Words:
    """The words in a JSON object; None and "" count as not given.

    `prefix` stands before the names of fields in errors. Raises `InvalidInputError`, naming every field at fault.
    """
    if not isinstance(value, dict):
        raise InvalidInputError([Violation(prefix.rstrip("."), f"must be a JSON object; got {shown(value)}")])
    known = {field.name for field in fields(Words)}
    violations = [
        Violation(f"{prefix}{str(name)[:100]}", "there is no such field") for name in value if name not in known
    ]
    given: dict[str, Any] = {"text": ""}
    for name, each in value.items():
        if name not in known or each is None or each == "":
            continue
        if name in RULES:
            if isinstance(each, bool) or not isinstance(each, (int, float)):
                violations.append(Violation(prefix + name, f"must be {RULES[name].accepts()}; got {shown(each)}"))
            elif complaint := RULES[name].complaint(each):
                violations.append(Violation(prefix + name, complaint))
            else:
                given[name] = float(each)
        elif isinstance(each, str):
            given[name] = each
        else:
            violations.append(Violation(prefix + name, f"must be a text; got {shown(each)}"))
    if violations:
        raise InvalidInputError(violations)
    return Words(**given)


def usual_bold(font: str) -> float:
    """By how much letters are widened where nobody says; `font` as in `Words`."""
    return 0.0 if font else BOLD_OF_OWN_FONT


def usual_tracking(reach: float, bold: float) -> float:
    """The space between letters where nobody says: what their widening takes from a gap on both sides is given back."""
    return _TRACKED_REACH * reach + 2 * bold


@dataclass(frozen=True)
class Recipe:
    """What suits letters: a preset, options of a transfer beside it, and the reach of the letters."""

    preset: str
    options: Mapping[str, object]
    reach: float

    def overrides(self, preset: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The options of the transfer with this `preset`, from those that the user chose."""
        defaults = dict(self.options)
        own = PRESETS.get(preset, PRESETS["default"])
        # The strength that suits letters gives way to weights, and to absolute losses, which would contradict it.
        if {"content_weight", "style_weight"} & given.keys() or given.get("balance", own.balance) != "relative":
            del defaults["strength"]
        return defaults | dict(given)

    def measures(self, words: Words) -> dict[str, float]:
        """The measures of `words` that are not those that such letters have anyway."""
        reach = self.reach if words.reach is None else words.reach
        bold = usual_bold(words.font)
        usual = {
            "reach": self.reach,
            "margin": DEFAULT_MARGIN,
            "bold": bold,
            "tracking": usual_tracking(reach, bold if words.bold is None else words.bold),
        }
        found = {name: getattr(words, name) for name in usual}
        return {
            name: value for name, value in found.items() if value is not None and abs(value - usual[name]) > _ROUNDING
        }

    def complaints(self, options: TransferOptions) -> list[Violation]:
        """What the letters would lose that are cut out of their ground."""
        if self is not ALONE:
            return []
        return [
            Violation(name, f"must be {only} for letters without a painted ground; got {given}")
            for name, only in (("depth", 8), ("colour_space", "srgb"))
            if (given := getattr(options, name)) != only
        ]


ALONE = Recipe("fast", {"strength": 0.9, "start": "style"}, DEFAULT_REACH)
"""Their shape is held by a mask, so the content loss is hardly needed. Flat ink as a start would stay flat."""
ON_A_PAINTING = Recipe("default", {"strength": 0.7, "start": "style"}, 0.04)
"""Their shape is held by the content loss, and by neighbours, which keep contours. They are read by these alone."""
