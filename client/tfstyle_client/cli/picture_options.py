"""The options that decide how a picture is made, as parameters: one for every field of `TransferOptions`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, field, make_dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from cyclopts import Parameter

from tfstyle.canvas import OF_THE_PHOTO, texture_options
from tfstyle.options import KINDS, NONE, RULES, TransferOptions
from tfstyle.presets import PRESETS, STRENGTH, resolve_options
from tfstyle.rules import ListRule, shown
from tfstyle_client.cli.parameters import LOSSES, MAIN, OPTIMIZER, OUTPUT
from tfstyle_client.errors import refusal
from tfstyle_client.option_values import whole_number

_GROUPS = {"main": MAIN, "losses": LOSSES, "optimizer": OPTIMIZER, "output": OUTPUT}
FIRST = ("size", "strength", "style_scale", "max_evaluations")
"""What people use first stands first, with -o after it."""
_FIRST_OF_TEXTURES = ("style_scale", "max_evaluations", "seamless", "preset", "network")
LATER = ("preset", "network", *(name for name in RULES if name not in (*FIRST, "network")), "no_metadata")
FILES_TOO = ("start",)
"""Options in whose place a file may be named."""


def _defaults(values: dict[str, str]) -> str:
    """The default in {preset: value}, and those of the presets that differ."""
    own = [f"{preset}: {value}" for preset, value in values.items() if value != values["default"]]
    return "; ".join([values["default"], *own])


def _parameter(name: str, presets: Mapping[str, TransferOptions]) -> Any:
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
        show_default=_defaults({preset: rule.text(getattr(options, name)) for preset, options in presets.items()}),
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
        return "|".join(map(str, rule.choices)) if KINDS[name] is int else "NAME"
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
    no_metadata = Parameter(help="write nothing into the file but pixels, as with metadata none", group=OUTPUT)
    return {
        "no_metadata": Annotated[bool | None, no_metadata],
        "strength": Annotated[float | Literal[tuple(STRENGTH.words)] | None, strength],
        "preset": Annotated[Literal[tuple(PRESETS)] | None, preset],
    }


def usual(name: str, presets: Mapping[str, TransferOptions] = PRESETS) -> Any:
    """The parameter of an option, with its default in each of `presets`."""
    return _own_parameters().get(name) or _parameter(name, presets)


def options_class(name: str, fields: Iterable[str], parameter: Callable[[str], Any] = usual) -> type:
    """A class of parameters for the options `fields`; `parameter` gives the type of each."""
    made = make_dataclass(
        name,
        [(option, parameter(option), field(default=None)) for option in fields],
        namespace={"__module__": __name__},
        frozen=True,
    )
    return Parameter(name="*")(made)


def _of_texture(name: str) -> Any:
    """The parameter of an option with the defaults that textures have; hidden if it is one of the photo."""
    if name in OF_THE_PHOTO:
        return Annotated[usual(name), Parameter(show=False)]
    return usual(name, _texture_presets())


@cache
def _texture_presets() -> Mapping[str, TransferOptions]:
    return {preset: resolve_options(preset, texture_options((512, 512), preset, {})) for preset in PRESETS}


def _changed(name: str) -> Any:
    """The parameter of an option that a result already has."""
    return Annotated[usual(name), Parameter(show_default="as in RESULT")]


def _listed(name: str) -> Any:
    """The parameter of an option that may have several values, as a text. None of them is a file."""
    _, parameter = get_args(usual(name))[:2]
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
    TextureOptions = Any
    ChangedOptions = Any
    FirstLists = Any
    OtherLists = Any
else:
    FirstOptions = options_class("FirstOptions", FIRST)
    OtherOptions = options_class("OtherOptions", LATER)
    ChangedOptions = options_class("ChangedOptions", [*FIRST, *LATER[1:]], _changed)
    TextureOptions = options_class(
        "TextureOptions",
        [*_FIRST_OF_TEXTURES, "strength", *(name for name in LATER if name not in _FIRST_OF_TEXTURES)],
        _of_texture,
    )
    FirstLists = options_class("FirstLists", FIRST, _listed)
    OtherLists = options_class("OtherLists", [name for name in LATER if name != "no_metadata"], _listed)


def preset_and_overrides(*options: Any) -> tuple[str, dict[str, Any]]:
    """The preset, and the options given in addition, from instances of the classes above. Raises `BadRequestError`."""
    given = {name: value for each in options for name, value in asdict(each).items()}
    preset = given.pop("preset") or "default"
    return preset, overrides_of(given)


def overrides_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are not None, from the fields of the classes above. Raises `BadRequestError`."""
    overrides = {name: value for name, value in given.items() if value is not None}
    if overrides.pop("no_metadata", False) and overrides.setdefault("metadata", NONE) != NONE:
        raise refusal("no_metadata", f"cannot be combined with --metadata {overrides['metadata']}")
    for name, value in overrides.items():
        rule = RULES.get(name, STRENGTH)
        if isinstance(rule, ListRule):
            try:
                overrides[name] = rule.parse(value)
            except ValueError:
                raise refusal(name, f"must be {rule.accepts()}; got {shown(value)}") from None
        elif rule is not STRENGTH and value in rule.words.values():  # the number that stands for a word in a request
            raise refusal(name, f"must be {rule.accepts()}; got {value}")
    return overrides
