"""The options of a style transfer: the one place where defaults, ranges and presets are written.

The library, the conversion from the protocol and the command line all read this module; it
imports neither TensorFlow nor NumPy, so that a thin client can use it.
"""

from __future__ import annotations

import dataclasses
import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.networks.topology import CONVOLUTIONS, LITE_CONVOLUTIONS

NETWORKS = ("auto", "vgg19", "vgg19-lite")
STYLE_WEIGHT_OF_STRENGTH = {"mild": 1e4, "medium": 2e5, "strong": 1e6}
"""What a person calls a strength: 1, 20 and 100 times the published style weight."""


def shown(value: Any) -> str:
    """`value` as a message repeats it: short, whatever was given."""
    return f"{value:g}" if isinstance(value, float) else reprlib.repr(value)


@dataclass(frozen=True)
class Rule:
    """What one option accepts. `minimum` is excluded where `above_minimum` is set."""

    doc: str
    minimum: float | None = None
    maximum: float | None = None
    above_minimum: bool = False
    choices: tuple[str, ...] = ()

    def accepts(self) -> str:
        """The range in words, as the proto's comments and the command line's help print it."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.above_minimum:
            return f"above {self.minimum:g} to {self.maximum:g}"
        return f"{self.minimum:g} to {self.maximum:g}"

    def complaint(self, value: Any) -> str | None:
        """Why `value` is refused, or None where it is fine."""
        if self.choices:
            return None if value in self.choices else f"must be {self.accepts()}; got {shown(value)}"
        if isinstance(value, float) and not math.isfinite(value):
            return f"must be a finite number; got {value}"
        low = value <= self.minimum if self.above_minimum else value < self.minimum
        if low or value > self.maximum:
            return f"must be {self.accepts()}; got {shown(value)}"
        return None


@dataclass(frozen=True)
class LayersRule(Rule):
    """A list of convolutions by their Keras names, each at most once."""

    def accepts(self) -> str:
        """The names in short."""
        return f"1 to {len(CONVOLUTIONS)} of {CONVOLUTIONS[0]} ... {CONVOLUTIONS[-1]}"

    def complaint(self, value: Any) -> str | None:
        """Why the tuple `value` is refused, or None where it is fine."""
        if not value:
            return "must name at least one layer"
        for name in value:
            if name not in CONVOLUTIONS:
                return (
                    f"there is no layer {shown(name)}; the layers are "
                    "block1_conv1..2, block2_conv1..2, block3_conv1..4, block4_conv1..4 and block5_conv1..4"
                )
        if len(set(value)) < len(value):
            return "names a layer twice"
        return None


def _option(default: Any, rule: Rule) -> Any:
    return field(default=default, metadata={"rule": rule})


def _number(default: float, doc: str, minimum: float, maximum: float, *, above: bool = False) -> Any:
    return _option(default, Rule(doc, minimum, maximum, above_minimum=above))


def _choice(default: str, doc: str, *choices: str) -> Any:
    return _option(default, Rule(doc, choices=choices))


@dataclass(frozen=True)
class TransferOptions:
    """Everything that decides how a picture is made. The values here are the `default` preset.

    Raises `InvalidInputError`, naming every field at fault, when a value is out of its range.
    The weights belong to networks normalised to a mean activation of 1 a layer.
    """

    network: str = _choice("auto", "network: auto takes vgg19 where its weights are at hand, else lite", *NETWORKS)
    pooling: str = _choice("max", "pooling between the network's blocks", "max", "average")
    size: int = _number(512, "longer side of the result in pixels; the aspect is kept", 16, 8192)
    style_scale: float = _number(1.0, "longer side of the style picture, as a multiple of size", 0.1, 4.0)
    style_fit: str = _choice(
        "proportion",
        "style picture: keep its own proportions, or stretch it to the content's",
        "proportion",
        "stretch",
    )
    content_layers: tuple[str, ...] = _option(("block4_conv4",), LayersRule("layers of the content loss"))
    style_layers: tuple[str, ...] = _option(
        tuple(f"block{block}_conv1" for block in range(1, 6)), LayersRule("layers of the style loss")
    )
    content_weight: float = _number(1.0, "weight of the content loss", 0, 1e9)
    style_weight: float = _number(
        STYLE_WEIGHT_OF_STRENGTH["medium"], "weight of the style loss; 1e4 is mild, 1e6 strong", 0, 1e9
    )
    tv_weight: float = _number(10.0, "weight of the total variation", 0, 1e9)
    gamut_weight: float = _number(1000.0, "weight of the penalty on colours that cannot be shown", 0, 1e9)
    optimiser: str = _choice("lbfgs", "optimiser of the picture", "lbfgs", "adam")
    steps: int = _number(100, "evaluations of the loss and its gradient", 1, 10_000)
    lite_steps: int = _number(0, "of the steps, how many at first on vgg19-lite, before network goes on", 0, 9_999)
    pyramid_levels: int = _number(7, "levels of the Laplacian pyramid; 1 optimises the pixels themselves", 1, 10)
    pyramid_decay: float = _number(
        1.0, "a level of the pyramid counts 2^-this of the next finer one; 0.5 suits a mild style", 0, 2
    )
    history: int = _number(20, "pairs of steps that L-BFGS remembers", 1, 100)
    learning_rate: float = _number(0.3, "Adam's learning rate, in standardised RGB", 0, 10, above=True)
    learning_rate_decay: float = _number(0.8, "factor on Adam's learning rate at each decay", 0, 1, above=True)
    learning_rate_decay_every: int = _number(50, "steps between two decays of Adam's learning rate", 1, 10_000)

    def __post_init__(self) -> None:
        _check(self)
        if self.lite_steps >= self.steps:
            complaint = f"must be less than steps ({self.steps}); got {self.lite_steps}"
            raise InvalidInputError([Violation("lite_steps", complaint)])
        if (self.network == "vgg19-lite" or self.lite_steps) and (violations := lite_violations(self)):
            raise InvalidInputError(violations)


@dataclass(frozen=True)
class ProgressOptions:
    """What a transfer reports on its way. Raises `InvalidInputError` as `TransferOptions` does."""

    every: int = _number(1, "report each so many evaluations, and always the first and the last", 1, 10_000)
    preview_every: int = _number(0, "attach a preview each so many evaluations; 0 for none", 0, 10_000)
    preview_size: int = _number(512, "longer side of a preview in pixels; nothing is enlarged", 16, 1024)

    def __post_init__(self) -> None:
        _check(self)

    def reports(self, evaluation: int, steps: int) -> bool:
        """Whether this evaluation, counted from 1, is reported."""
        return evaluation % self.every == 0 or evaluation in (1, steps) or self.previews(evaluation)

    def previews(self, evaluation: int) -> bool:
        """Whether this evaluation, counted from 1, comes with a preview."""
        return self.preview_every > 0 and evaluation % self.preview_every == 0


def _check(options: TransferOptions | ProgressOptions) -> None:
    violations = []
    for option in dataclasses.fields(options):
        value = getattr(options, option.name)
        complaint = _type_complaint(type(option.default), value) or option.metadata["rule"].complaint(value)
        if complaint:
            violations.append(Violation(option.name, complaint))
    if violations:
        raise InvalidInputError(violations)


def _type_complaint(kind: type, value: Any) -> str | None:
    if kind is float:
        fine = isinstance(value, (int, float)) and not isinstance(value, bool)
    elif kind is tuple:
        fine = isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    else:
        fine = isinstance(value, kind) and not isinstance(value, bool)
    expected = {int: "a whole number", float: "a number", str: "a text", tuple: "a tuple of layer names"}[kind]
    return None if fine else f"must be {expected}; got {shown(value)}"


RULES: Mapping[str, Rule] = {f.name: f.metadata["rule"] for f in dataclasses.fields(TransferOptions)}
KINDS: Mapping[str, type] = {f.name: type(f.default) for f in dataclasses.fields(TransferOptions)}


def lite_violations(options: TransferOptions) -> list[Violation]:
    """The layers that `options` ask for and vgg19-lite, which ends at block5_conv1, does not have."""
    return [
        Violation(name, f"vgg19-lite ends at {LITE_CONVOLUTIONS[-1]}; {layer} needs network vgg19 alone")
        for name in ("content_layers", "style_layers")
        for layer in getattr(options, name)
        if layer not in LITE_CONVOLUTIONS
    ]


PRESETS: Mapping[str, TransferOptions] = {
    "default": TransferOptions(),
    "fast": TransferOptions(network="vgg19-lite", steps=40),
    # VGG19 from where the small network has come to, for a fraction of the time.
    "cascade": TransferOptions(network="vgg19", steps=60, lite_steps=30),
    # Gatys et al. 2016 with Adam, as "Dive into Deep Learning" publishes it: picture and style at
    # one size, pixels as the only variable, out-of-gamut colours clipped at the very end.
    "reference": TransferOptions(
        style_fit="stretch",
        style_weight=STYLE_WEIGHT_OF_STRENGTH["mild"],
        gamut_weight=0.0,
        optimiser="adam",
        steps=500,
        pyramid_levels=1,
    ),
}


def resolve_options(preset: str = "default", overrides: Mapping[str, Any] | None = None) -> TransferOptions:
    """The options of `preset` with `overrides` on top.

    Raises `InvalidInputError` for an unknown preset, an unknown option or a value out of range.
    """
    if preset not in PRESETS:
        complaint = f"there is no preset {shown(preset)}; the presets are {', '.join(PRESETS)}"
        raise InvalidInputError([Violation("preset", complaint)])
    overrides = dict(overrides or {})
    unknown = [name for name in overrides if name not in RULES]
    if unknown:
        raise InvalidInputError([Violation(name, "there is no such option") for name in unknown])
    return dataclasses.replace(PRESETS[preset], **overrides)
