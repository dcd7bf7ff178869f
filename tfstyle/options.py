"""The options of a style transfer: the only place that states defaults, ranges and presets.

The library, the contract's conversion and the command line read this module. It imports neither TensorFlow nor
NumPy, so that a thin client can use it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.networks.topology import LITE_CONVOLUTIONS
from tfstyle.rules import LayersRule, Rule, shown

NETWORKS = ("auto", "vgg19", "vgg19-lite")
STYLE_WEIGHT_OF_STRENGTH = {"mild": 1e4, "medium": 2e5, "strong": 1e6}
"""Named strengths: 1, 20 and 100 times the published style weight."""
ORIGINAL_SIZE = 0
"""The `size` that keeps the content picture's own size."""


def _option(default: Any, rule: Rule) -> Any:
    return field(default=default, metadata={"rule": rule})


def _number(default: float, doc: str, minimum: float, maximum: float, **more: Any) -> Any:
    return _option(default, Rule(doc, minimum, maximum, **more))


def _choice(default: str, doc: str, *choices: str, **more: Any) -> Any:
    return _option(default, Rule(doc, choices=choices, **more))


@dataclass(frozen=True)
class TransferOptions:
    """All options of a transfer. The defaults are the `default` preset.

    Raises `InvalidInputError`, naming every invalid field, if a value is out of range.
    The weights are meant for networks normalised to a mean activation of 1 per layer.
    """

    network: str = _choice(
        "auto", "network: auto takes vgg19 where its weights are available, else vgg19-lite", *NETWORKS, group="main"
    )
    pooling: str = _choice("max", "pooling between the network's blocks", "max", "average", group="losses")
    size: int = _number(
        512,
        "longer side of the result in pixels; the aspect ratio is kept",
        16,
        8192,
        words={"original": ORIGINAL_SIZE},
        group="main",
    )
    style_scale: float = _number(1.0, "longer side of the style picture, as a multiple of size", 0.1, 4.0, group="main")
    style_fit: str = _choice(
        "proportion",
        "style picture: keep its own aspect ratio, or stretch it to the content's",
        "proportion",
        "stretch",
        group="losses",
    )
    content_layers: tuple[str, ...] = _option(
        ("block4_conv4",), LayersRule("layers of the content loss", group="losses")
    )
    style_layers: tuple[str, ...] = _option(
        tuple(f"block{block}_conv1" for block in range(1, 6)), LayersRule("layers of the style loss", group="losses")
    )
    content_weight: float = _number(1.0, "weight of the content loss", 0, 1e9, group="losses")
    style_weight: float = _number(
        STYLE_WEIGHT_OF_STRENGTH["medium"],
        "weight of the style loss; 1e4 is mild, 1e6 strong",
        0,
        1e9,
        group="losses",
    )
    tv_weight: float = _number(10.0, "weight of the total variation", 0, 1e9, group="losses")
    gamut_weight: float = _number(
        1000.0, "weight of the penalty on colours outside the sRGB gamut", 0, 1e9, group="losses"
    )
    optimizer: str = _choice("lbfgs", "optimizer of the picture", "lbfgs", "adam", group="optimizer")
    max_evaluations: int = _number(
        100, "evaluations of the loss and its gradient, at most", 1, 10_000, alias="steps", group="main"
    )
    lite_evaluations: int = _number(
        0, "of these, how many run on vgg19-lite before network takes over", 0, 9_999, group="optimizer"
    )
    pyramid_levels: int = _number(
        7, "levels of the Laplacian pyramid; 1 optimises the pixels themselves", 1, 10, group="optimizer"
    )
    pyramid_decay: float = _number(
        1.0,
        "scale each pyramid level by 2^-pyramid_decay of the next finer one; 0.5 suits a mild style",
        0,
        2,
        group="optimizer",
    )
    history_size: int = _number(20, "pairs of steps that L-BFGS remembers", 1, 100, group="optimizer")
    learning_rate: float = _number(
        0.3, "Adam's learning rate, in standardised RGB", 0, 10, above_minimum=True, group="optimizer"
    )
    learning_rate_decay: float = _number(
        0.8, "factor on Adam's learning rate at each decay", 0, 1, above_minimum=True, group="optimizer"
    )
    learning_rate_decay_every: int = _number(
        50, "evaluations between two decays of Adam's learning rate", 1, 10_000, group="optimizer"
    )

    def __post_init__(self) -> None:
        _check(self)
        if self.lite_evaluations >= self.max_evaluations:
            complaint = f"must be less than max_evaluations ({self.max_evaluations}); got {self.lite_evaluations}"
            raise InvalidInputError([Violation("lite_evaluations", complaint)])
        if (self.network == "vgg19-lite" or self.lite_evaluations) and (violations := lite_violations(self)):
            raise InvalidInputError(violations)


@dataclass(frozen=True)
class ProgressOptions:
    """What a transfer reports while it runs. Raises `InvalidInputError` as `TransferOptions` does."""

    every: int = _number(1, "report every Nth evaluation, and always the first and the last", 1, 10_000)
    preview_every: int = _number(0, "attach a preview to every Nth evaluation; 0 for none", 0, 10_000)
    preview_size: int = _number(512, "longer side of a preview in pixels; previews are never enlarged", 16, 1024)

    def __post_init__(self) -> None:
        _check(self)

    def reports(self, evaluation: int, last: int) -> bool:
        """Whether this evaluation, counted from 1 to `last`, is reported."""
        return evaluation % self.every == 0 or evaluation in (1, last) or self.previews(evaluation)

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
    expected = {int: "a whole number", float: "a number", str: "text", tuple: "a tuple of layer names"}[kind]
    return None if fine else f"must be {expected}; got {shown(value)}"


RULES: Mapping[str, Rule] = {f.name: f.metadata["rule"] for f in dataclasses.fields(TransferOptions)}
KINDS: Mapping[str, type] = {f.name: type(f.default) for f in dataclasses.fields(TransferOptions)}
ALIASES: Mapping[str, str] = {rule.alias: name for name, rule in RULES.items() if rule.alias}
"""{alias: the option's name}."""


def lite_violations(options: TransferOptions) -> list[Violation]:
    """A violation for each layer in `options` that vgg19-lite, which ends at block5_conv1, does not have."""
    return [
        Violation(name, f"vgg19-lite ends at {LITE_CONVOLUTIONS[-1]}; {layer} needs vgg19 and lite_evaluations 0")
        for name in ("content_layers", "style_layers")
        for layer in getattr(options, name)
        if layer not in LITE_CONVOLUTIONS
    ]


PRESETS: Mapping[str, TransferOptions] = {
    "default": TransferOptions(),
    "fast": TransferOptions(network="vgg19-lite", max_evaluations=40),
    # VGG19 continues from vgg19-lite's picture, in a fraction of VGG19's time alone.
    "cascade": TransferOptions(network="vgg19", max_evaluations=60, lite_evaluations=30),
    # Gatys et al. 2016 with Adam, as published in "Dive into Deep Learning": content and style at the same size,
    # pixels as the variables, colours clipped to the gamut only at the end.
    "reference": TransferOptions(
        style_fit="stretch",
        style_weight=STYLE_WEIGHT_OF_STRENGTH["mild"],
        gamut_weight=0.0,
        optimizer="adam",
        max_evaluations=500,
        pyramid_levels=1,
    ),
}


def canonical_overrides(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """`overrides` with each alias ("steps") replaced by the option's name, and each word ("original") by its number.

    None means not set and is left out. Raises `InvalidInputError` for an unknown option and for one given twice.
    """
    given: dict[str, Any] = {}
    violations = []
    for key, value in overrides.items():
        name = ALIASES.get(key, key)
        if name not in RULES:
            violations.append(Violation(name, "there is no such option"))
        elif value is None:
            continue
        elif name in given:
            violations.append(Violation(name, f"is also called {RULES[name].alias}; give only one of the two"))
        else:
            given[name] = RULES[name].words.get(value, value) if isinstance(value, str) else value
    if violations:
        raise InvalidInputError(violations)
    return given


def resolve_options(preset: str = "default", overrides: Mapping[str, Any] | None = None) -> TransferOptions:
    """The options of `preset` with `overrides` on top, as `canonical_overrides` takes them.

    Raises `InvalidInputError` for an unknown preset, an unknown option, or a value out of range.
    """
    if preset not in PRESETS:
        complaint = f"there is no preset {shown(preset)}; the presets are {', '.join(PRESETS)}"
        raise InvalidInputError([Violation("preset", complaint)])
    return dataclasses.replace(PRESETS[preset], **canonical_overrides(overrides or {}))
