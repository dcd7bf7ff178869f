"""The options that decide how a picture is made, as parameters: one for every field of `TransferOptions`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, field, make_dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from tfstyle.options import KINDS, RULES
from tfstyle.presets import PRESETS, STRENGTH
from tfstyle.rules import ListRule, shown
from tfstyle_client.cli.parameters import LOSSES, MAIN, OPTIMIZER
from tfstyle_client.errors import refusal
from tfstyle_client.option_values import whole_number

_GROUPS = {"main": MAIN, "losses": LOSSES, "optimizer": OPTIMIZER}
FIRST = ("size", "strength", "style_scale", "max_evaluations")
"""What people use first stands first, with -o after it."""
FILES_TOO = ("start",)
"""Options in whose place a file may be named."""
_NAMED = (*FIRST, "network")
OTHERS = ("preset", "network", *(name for name in RULES if name not in _NAMED))
"""All that are not among the first."""


def _defaults(values: dict[str, str]) -> str:
    """The default in {preset: value}, and those of the presets that differ."""
    own = [f"{preset}: {value}" for preset, value in values.items() if value != values["default"]]
    return "; ".join([values["default"], *own])


def _parameter(name: str, default: str | None) -> Any:
    """The parameter of an option; `default` in words, if it is not that of the presets."""
    rule = RULES[name]
    kind: Any = str if KINDS[name] is tuple else KINDS[name]
    if rule.choices:
        kind = Literal[rule.choices]
    if rule.words:
        kind |= Literal[tuple(rule.words)]
    spellings = [rule.alias, name] if rule.alias else [name]
    doc = rule.doc
    if name in FILES_TOO:
        kind, doc = str, f"{doc}, or the picture in a file"
    parameter = Parameter(
        name=["--" + spelling.replace("_", "-") for spelling in spellings],
        help=f"{doc} ({rule.accepts()})",
        show_default=default
        or _defaults({preset: rule.text(getattr(options, name)) for preset, options in PRESETS.items()}),
        group=_GROUPS[rule.group],
        metavar=_metavar(name),
        converter=whole_number if KINDS[name] is int else None,
    )
    return Annotated[kind | None, parameter]


def _metavar(name: str) -> str | None:
    rule = RULES[name]
    if isinstance(rule, ListRule):
        return rule.placeholder
    if rule.choices:
        return "NAME"
    return "|".join(["INT", *rule.words]) if rule.words else None


def _own_parameters(defaults: Mapping[str, str]) -> dict[str, Any]:
    strength = Parameter(
        help=f"{STRENGTH.doc} ({STRENGTH.accepts()})",
        show_default=defaults.get("strength", "the preset's"),
        group=MAIN,
        metavar="|".join(["NUMBER", *STRENGTH.words]),
    )
    preset = Parameter(
        help=f"sets the defaults of the other options (one of {', '.join(PRESETS)})",
        show_default=defaults.get("preset", "default"),
        group=MAIN,
        metavar="NAME",
    )
    return {
        "strength": Annotated[float | Literal[tuple(STRENGTH.words)] | None, strength],
        "preset": Annotated[Literal[tuple(PRESETS)] | None, preset],
    }


def options_class(name: str, fields: Iterable[str], defaults: Mapping[str, str] = MappingProxyType({})) -> type:
    """A class of parameters for the options `fields`; `defaults` in words, where a command has its own."""
    own = _own_parameters(defaults)
    parameters = {option: own.get(option) or _parameter(option, defaults.get(option)) for option in fields}
    made = make_dataclass(
        name,
        [(option, parameters[option], field(default=None)) for option in fields],
        namespace={"__module__": __name__},
        frozen=True,
    )
    return Parameter(name="*")(made)


if TYPE_CHECKING:
    FirstOptions = Any
    OtherOptions = Any
else:
    FirstOptions = options_class("FirstOptions", FIRST)
    OtherOptions = options_class("OtherOptions", OTHERS)


def preset_and_overrides(
    first: FirstOptions, others: OtherOptions, usual: str = "default"
) -> tuple[str, dict[str, Any]]:
    """The preset, which is the `usual` one unless it is given, and the options given in addition.

    Raises `BadRequestError`.
    """
    given = asdict(first) | asdict(others)
    overrides = {name: value for name, value in given.items() if value is not None}
    preset = overrides.pop("preset", usual)
    for name, value in overrides.items():
        rule = RULES.get(name, STRENGTH)
        if isinstance(rule, ListRule):
            try:
                overrides[name] = rule.parse(value)
            except ValueError:
                raise refusal(name, f"must be {rule.accepts()}; got {shown(value)}") from None
        elif rule is not STRENGTH and value in rule.words.values():  # the number that stands for a word in a request
            raise refusal(name, f"must be {rule.accepts()}; got {value}")
    return preset, overrides
