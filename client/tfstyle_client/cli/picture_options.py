"""The options that decide how a picture is made, as parameters: one for every field of `TransferOptions`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, field, make_dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from cyclopts import Parameter

from tfstyle.options import KINDS, RULES
from tfstyle.presets import PRESETS, STRENGTH
from tfstyle.rules import ListRule, shown
from tfstyle_client.cli.parameters import LOSSES, MAIN, OPTIMIZER
from tfstyle_client.errors import refusal
from tfstyle_client.option_values import whole_number

_GROUPS = {"main": MAIN, "losses": LOSSES, "optimizer": OPTIMIZER}
_FIRST = ("size", "strength", "style_scale", "max_evaluations")
"""What people use first stands first, with -o after it."""
_OTHERS = ("preset", "network", *(name for name in RULES if name not in (*_FIRST, "network")))
FILES_TOO = ("start",)
"""Options in whose place a file may be named."""


def _defaults(values: dict[str, str]) -> str:
    """The default in {preset: value}, and those of the presets that differ."""
    own = [f"{preset}: {value}" for preset, value in values.items() if value != values["default"]]
    return "; ".join([values["default"], *own])


def _parameter(name: str) -> Any:
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
        show_default=_defaults({preset: rule.text(getattr(options, name)) for preset, options in PRESETS.items()}),
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


def _own_parameters() -> dict[str, Any]:
    strength = Parameter(
        help=f"{STRENGTH.doc} ({STRENGTH.accepts()})",
        show_default="the preset's",
        group=MAIN,
        metavar="|".join(["NUMBER", *STRENGTH.words]),
    )
    preset = Parameter(
        help=f"sets the defaults of the other options (one of {', '.join(PRESETS)})",
        show_default="default",
        group=MAIN,
        metavar="NAME",
    )
    return {
        "strength": Annotated[float | Literal[tuple(STRENGTH.words)] | None, strength],
        "preset": Annotated[Literal[tuple(PRESETS)] | None, preset],
    }


def _usual(name: str) -> Any:
    return _own_parameters().get(name) or _parameter(name)


def _made(name: str, fields: Iterable[str], parameter: Callable[[str], Any] = _usual) -> type:
    made = make_dataclass(
        name,
        [(option, parameter(option), field(default=None)) for option in fields],
        namespace={"__module__": __name__},
        frozen=True,
    )
    return Parameter(name="*")(made)


def _listed(name: str) -> Any:
    """The parameter of an option that may have several values, as a text. None of them is a file."""
    _, parameter = get_args(_usual(name))[:2]
    rule = RULES.get(name)
    one_value = isinstance(rule, ListRule)
    metavar = parameter.metavar or "NUMBER"
    listed = Parameter(
        name=parameter.name,
        help=parameter.help if rule is None else f"{rule.doc} ({rule.accepts()})",
        show_default=parameter.show_default,
        group=parameter.group,
        metavar=metavar if one_value else f"{metavar},...",
    )
    return Annotated[str | None, listed]


if TYPE_CHECKING:
    FirstOptions = Any
    OtherOptions = Any
    FirstLists = Any
    OtherLists = Any
else:
    FirstOptions = _made("FirstOptions", _FIRST)
    OtherOptions = _made("OtherOptions", _OTHERS)
    FirstLists = _made("FirstLists", _FIRST, _listed)
    OtherLists = _made("OtherLists", _OTHERS, _listed)


def preset_and_overrides(first: FirstOptions, others: OtherOptions) -> tuple[str, dict[str, Any]]:
    """The preset, and the options given in addition. Raises `BadRequestError`."""
    given = asdict(first) | asdict(others)
    overrides = {name: value for name, value in given.items() if value is not None}
    preset = overrides.pop("preset", "default")
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
