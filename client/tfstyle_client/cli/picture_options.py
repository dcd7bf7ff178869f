"""The options that decide how a picture is made, as parameters: one for every field of `TransferOptions`."""

from __future__ import annotations

from dataclasses import asdict, field, make_dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from tfstyle.options import KINDS, PRESETS, RULES, STYLE_WEIGHT_OF_STRENGTH
from tfstyle.rules import number, shown
from tfstyle_client.cli.parameters import LOSSES, MAIN, OPTIMIZER
from tfstyle_client.errors import refusal

_GROUPS = {"main": MAIN, "losses": LOSSES, "optimizer": OPTIMIZER}
_FIRST = ("size", "strength", "style_scale", "max_evaluations", "preset", "network")
"""What people use first stands first."""


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return number(value) if isinstance(value, float) else str(value)


def _defaults(values: dict[str, str]) -> str:
    """The default in {preset: value}, and those of the presets that differ."""
    own = [f"{preset}: {value}" for preset, value in values.items() if value != values["default"]]
    return "; ".join([values["default"], *own])


def _parameter(name: str) -> Any:
    rule = RULES[name]
    kind: Any = str if KINDS[name] is tuple else KINDS[name]
    if rule.words:
        kind |= Literal[tuple(rule.words)]
    spellings = [rule.alias, name] if rule.alias else [name]
    parameter = Parameter(
        name=["--" + spelling.replace("_", "-") for spelling in spellings],
        help=f"{rule.doc} ({rule.accepts()})",
        show_default=_defaults({preset: _written(getattr(options, name)) for preset, options in PRESETS.items()}),
        group=_GROUPS[rule.group],
        metavar="LAYERS" if KINDS[name] is tuple else "|".join(["INT", *rule.words]) if rule.words else None,
    )
    return Annotated[kind | None, parameter]


def _own_parameters() -> dict[str, Any]:
    strength_of = {weight: name for name, weight in STYLE_WEIGHT_OF_STRENGTH.items()}
    strength = Parameter(
        help=f"style weight by name (one of {', '.join(STYLE_WEIGHT_OF_STRENGTH)})",
        show_default=_defaults({preset: strength_of[options.style_weight] for preset, options in PRESETS.items()}),
        group=MAIN,
    )
    preset = Parameter(
        help=f"sets the defaults of the other options (one of {', '.join(PRESETS)})", show_default="default", group=MAIN
    )
    return {"strength": Annotated[str | None, strength], "preset": Annotated[str | None, preset]}


def _fields() -> list[tuple[str, Any, Any]]:
    parameters = _own_parameters() | {name: _parameter(name) for name in RULES}
    names = [*_FIRST, *(name for name in parameters if name not in _FIRST)]
    return [(name, parameters[name], field(default=None)) for name in names]


def _made() -> type:
    made = make_dataclass("PictureOptions", _fields(), namespace={"__module__": __name__}, frozen=True)
    return Parameter(name="*")(made)


if TYPE_CHECKING:
    PictureOptions = Any
else:
    PictureOptions = _made()


def preset_and_overrides(options: PictureOptions) -> tuple[str, dict[str, Any]]:
    """The preset, and the options given in addition. Raises `BadRequestError`."""
    overrides = {name: value for name, value in asdict(options).items() if value is not None}
    preset = overrides.pop("preset", "default")
    strength = overrides.pop("strength", None)
    if strength is not None:
        if strength not in STYLE_WEIGHT_OF_STRENGTH:
            known = ", ".join(STYLE_WEIGHT_OF_STRENGTH)
            raise refusal("strength", f"must be one of {known}; got {shown(strength)}")
        if "style_weight" in overrides:
            raise refusal("strength", "is another name for --style-weight; give one of the two")
        overrides["style_weight"] = STYLE_WEIGHT_OF_STRENGTH[strength]
    for name, value in overrides.items():
        if KINDS[name] is tuple:
            overrides[name] = tuple(layer.strip() for layer in value.split(","))
    return preset, overrides
