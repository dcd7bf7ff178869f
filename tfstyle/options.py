"""The options of a style transfer: the only place that states defaults and ranges.

The library, the contract's conversion and the command line read this module. It imports neither TensorFlow nor
NumPy, so that a thin client can use it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfstyle.borders import PADDINGS, SEAMLESS, ZERO
from tfstyle.errors import InvalidInputError, Violation
from tfstyle.networks.topology import LITE_CONVOLUTIONS
from tfstyle.precision import AUTO, PRECISIONS
from tfstyle.rules import (
    LARGEST_WEIGHT,
    SMALLEST_SCALE,
    LayersRule,
    LayerWeightsRule,
    ListRule,
    Rule,
    ScalesRule,
    shown,
)
from tfstyle.schedule import Scale, automatic_scales

NETWORKS = ("auto", "vgg19", "vgg19-lite")
AUTO_STYLE_LOSSES = ("neighbours", "wasserstein")
"""What `style_loss` auto stands for at each scale: the first one for which the memory suffices."""
LAYER_WEIGHTS = ("content_layer_weights", "style_layer_weights")
COARSE_SCALES = -1
"""The `lite_evaluations` that stand for those of all scales but the last."""
SINGLE_SCALE = 0
"""The `coarsest_scale` at which there is only one scale: that of the result."""
DEPTHS = (8, 16)
SRGB, DISPLAY_P3 = "srgb", "display-p3"
PREVIEW_FORMATS = ("png", "webp")
FULL, NONE = "full", "none"
"""What `metadata` can be."""
MOST_KEPT_PREVIEWS = 200
ORIGINAL_SIZE = 0
"""The `size` that keeps the content picture's own size."""


def _option(default: Any, rule: Rule) -> Any:
    return field(default=default, metadata={"rule": rule})


def _number(default: float, doc: str, minimum: float, maximum: float, **more: Any) -> Any:
    return _option(default, Rule(doc, minimum, maximum, **more))


def _weight(default: float, doc: str) -> Any:
    return _number(default, doc, 0, LARGEST_WEIGHT, group="losses")


def _choice(default: str | int, doc: str, *choices: Any, **more: Any) -> Any:
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
    precision: str = _choice(
        AUTO,
        "precision of the network's features: auto takes bfloat16 where the processor or the GPU is fast at it",
        *PRECISIONS,
        group="optimizer",
    )
    pooling: str = _choice("max", "pooling between the network's blocks", "max", "average", group="losses")
    padding: str = _choice(
        ZERO,
        "what the network sees beyond the picture's borders: zeros, as published, or the border's pixels again "
        "(replicate)",
        *PADDINGS,
        group="losses",
    )
    seamless: str = _choice(
        "none",
        "let copies of the result fit together without a seam: side by side (x), one below the other (y), or both; "
        "its sides there become multiples of 16 pixels",
        *SEAMLESS,
        group="main",
    )
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
    colour: str = _choice(
        "style",
        "colours of the result: the style picture's (style), those of the photo (keep), or only the lightness is "
        "painted and every place keeps its hue (luminance)",
        "style",
        "keep",
        "luminance",
        group="main",
    )
    content_layers: tuple[str, ...] = _option(
        ("block4_conv2",), LayersRule("layers of the content loss", group="losses")
    )
    style_layers: tuple[str, ...] = _option(
        tuple(f"block{block}_conv1" for block in range(1, 6)), LayersRule("layers of the style loss", group="losses")
    )
    style_loss: str = _choice(
        AUTO,
        "style loss: Gram matrices, as published; with means and deviations (moments); how far features must move "
        "(wasserstein); that, and the distance of each place to the most similar one (neighbours); auto takes "
        "neighbours, and wasserstein at scales that are too large for it",
        AUTO,
        "gram",
        "moments",
        "wasserstein",
        "neighbours",
        group="losses",
    )
    content_layer_weights: tuple[float, ...] = _option(
        (), LayerWeightsRule("weights of the content layers", group="losses")
    )
    style_layer_weights: tuple[float, ...] = _option(
        (), LayerWeightsRule("weights of the style layers", group="losses")
    )
    balance: str = _choice(
        "relative",
        "content and style loss: relative to the size of the features of this photo and this painting, or absolute",
        "relative",
        "absolute",
        group="losses",
    )
    content_weight: float = _weight(1.0, "weight of the content loss")
    style_weight: float = _weight(
        2.0,
        "weight of the style loss; relative: 0.2 tints the photo, 20 leaves the painting alone; absolute: 1e4 is mild, "
        "1e6 strong",
    )
    tv_weight: float = _weight(2.0, "weight of the total variation")
    tv_form: str = _choice(
        "squared",
        "total variation of squared differences between neighbours (smoother), or of absolute ones",
        "squared",
        "absolute",
        group="losses",
    )
    temporal_weight: float = _weight(
        40.0,
        "weight of the distance to the earlier results in temporal, in sequences of pictures; 0 lets them flicker",
    )
    gamut_weight: float = _weight(1000.0, "weight of the penalty on colours outside the gamut of colour_space")
    optimizer: str = _choice("lbfgs", "optimizer of the picture", "lbfgs", "adam", group="optimizer")
    max_evaluations: int = _number(
        100, "evaluations of the loss and its gradient, at most", 1, 10_000, alias="steps", group="main"
    )
    lite_evaluations: int = _number(
        0,
        "of these, how many run on vgg19-lite before network takes over; coarse: those of all scales but the last",
        0,
        9_999,
        words={"coarse": COARSE_SCALES},
        group="optimizer",
    )
    split_evaluations: int = _number(
        0,
        "with neighbours: in how many of the last evaluations each layer has neighbours of its own",
        0,
        9_999,
        group="optimizer",
    )
    start: str = _choice(
        "content",
        "what the picture starts from: the photo (content), noise, or noise in the style picture's colours (style)",
        "content",
        "noise",
        "style",
        group="optimizer",
    )
    seed: int = _number(0, "seed of the noise, for start noise and style", 0, 1_000_000_000, group="optimizer")
    coarsest_scale: int = _number(
        128,
        "longer side in pixels at which the picture is begun; larger strokes from smaller scales",
        SMALLEST_SCALE,
        8192,
        words={"none": SINGLE_SCALE},
        group="optimizer",
    )
    scales: tuple[Scale, ...] = _option(
        (), ScalesRule("scales before the last one, in place of those from coarsest_scale", group="optimizer")
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
    depth: int = _choice(8, "bits per sample of the result, a PNG", *DEPTHS, group="main")
    colour_space: str = _choice(
        SRGB,
        "colour space of the result; display-p3 keeps colours of the pictures that sRGB cannot show",
        *(SRGB, DISPLAY_P3),
        group="main",
    )
    metadata: str = _choice(
        FULL,
        "what the result's file says besides its pixels: how it was made, so that it can be repeated, or nothing",
        FULL,
        NONE,
        group="output",
    )

    @property
    def scheduled_evaluations(self) -> int:
        """The evaluations that are divided among the scales; `split_evaluations` follow at the last."""
        return self.max_evaluations - self.split_evaluations

    @property
    def style_losses(self) -> tuple[str, ...]:
        """The style losses of which each scale takes the first one for which the memory suffices."""
        return AUTO_STYLE_LOSSES if self.style_loss == AUTO else (self.style_loss,)

    def __post_init__(self) -> None:
        _check(self)
        if self.split_evaluations and (complaint := self._split_complaint()):
            raise InvalidInputError([Violation("split_evaluations", complaint)])
        violations = []
        for name in ("content", "style"):
            layers, weights = getattr(self, f"{name}_layers"), getattr(self, f"{name}_layer_weights")
            if weights and len(weights) != len(layers):
                complaint = f"must be as many as {name}_layers, {len(layers)}; got {len(weights)}"
                violations.append(Violation(f"{name}_layer_weights", complaint))
        if self.size != ORIGINAL_SIZE and (above := _scales_complaint(self, self.size)):
            violations.append(Violation("scales", above))
        if self.scales and (used := sum(evaluations for _, evaluations in self.scales)) >= self.scheduled_evaluations:
            complaint = f"must leave some of {self._scheduled_in_words} to the last scale; got {used}"
            violations.append(Violation("scales", complaint))
        if violations:
            raise InvalidInputError(violations)
        if self.lite_evaluations >= self.scheduled_evaluations:
            complaint = f"must be less than {self._scheduled_in_words}; got {self.lite_evaluations}"
            raise InvalidInputError([Violation("lite_evaluations", complaint)])
        if (self.network == "vgg19-lite" or self.lite_evaluations) and (violations := lite_violations(self)):
            raise InvalidInputError(violations)

    @property
    def _scheduled_in_words(self) -> str:
        split = f" less split_evaluations ({self.split_evaluations})" if self.split_evaluations else ""
        return f"max_evaluations ({self.max_evaluations}){split}"

    def _split_complaint(self) -> str | None:
        if "neighbours" not in self.style_losses:
            return f"needs style_loss neighbours or auto; with {self.style_loss}, set it to 0"
        if self.split_evaluations >= self.max_evaluations:
            return f"must be less than max_evaluations ({self.max_evaluations}); got {self.split_evaluations}"
        return None


@dataclass(frozen=True)
class ProgressOptions:
    """What a transfer reports while it runs. Raises `InvalidInputError` as `TransferOptions` does."""

    every: int = _number(1, "report every Nth evaluation, and always the first and the last", 1, 10_000)
    preview_every: int = _number(0, "attach a preview to every Nth evaluation; 0 for none", 0, 10_000)
    preview_size: int = _number(512, "longer side of a preview in pixels; previews are never enlarged", 16, 1024)
    preview_format: str = _choice("png", "format of previews", *PREVIEW_FORMATS)
    kept_previews: int = _number(
        0, "how many of the previews are kept with the job, evenly spread; 0 for none", 0, MOST_KEPT_PREVIEWS
    )

    def __post_init__(self) -> None:
        _check(self)
        if self.kept_previews and not self.preview_every:
            raise InvalidInputError([Violation("kept_previews", "needs previews: set preview_every")])

    def reports(self, evaluation: int, last: int) -> bool:
        """Whether this evaluation, counted from 1 to `last`, is reported."""
        return evaluation % self.every == 0 or evaluation in (1, last) or self.previews(evaluation)

    def previews(self, evaluation: int) -> bool:
        """Whether this evaluation, counted from 1, comes with a preview."""
        return self.preview_every > 0 and evaluation % self.preview_every == 0

    def keeps(self, evaluation: int, last: int) -> bool:
        """Whether the preview of this evaluation, counted from 1 to `last`, is kept with the job."""
        if not self.kept_previews or not self.previews(evaluation):
            return False
        spacing = -(-(last // self.preview_every) // self.kept_previews)  # in previews, rounded up
        return evaluation % (spacing * self.preview_every) == 0


def _check(options: TransferOptions | ProgressOptions) -> None:
    violations = []
    for option in dataclasses.fields(options):
        value = getattr(options, option.name)
        rule = option.metadata["rule"]
        complaint = type_complaint(type(option.default), rule, value) or rule.complaint(value)
        if complaint:
            violations.append(Violation(option.name, complaint))
    if violations:
        raise InvalidInputError(violations)


def type_complaint(kind: type, rule: Rule, value: Any) -> str | None:
    """Why `value` is not of the type `kind`, that of an option with this rule; None if it is."""
    if isinstance(rule, ListRule):
        fine = isinstance(value, tuple) and all(map(rule.is_item, value))
        return None if fine else f"must be a tuple of {rule.items}; got {shown(value)}"
    if kind is float:
        fine = isinstance(value, (int, float)) and not isinstance(value, bool)
    else:
        fine = isinstance(value, kind) and not isinstance(value, bool)
    expected = ", or ".join([{int: "a whole number", float: "a number", str: "text"}[kind], *rule.words])
    return None if fine else f"must be {expected}; got {shown(value)}"


RULES: Mapping[str, Rule] = {f.name: f.metadata["rule"] for f in dataclasses.fields(TransferOptions)}
KINDS: Mapping[str, type] = {f.name: type(f.default) for f in dataclasses.fields(TransferOptions)}
ALIASES: Mapping[str, str] = {rule.alias: name for name, rule in RULES.items() if rule.alias}
"""{alias: the option's name}."""


def schedule(options: TransferOptions, longer: int, least: int = SMALLEST_SCALE) -> tuple[Scale, ...]:
    """The scales of a result whose longer side has `longer` pixels, from the coarsest to that of the result.

    Automatic ones begin at `least` pixels or more. Raises `InvalidInputError` if `longer`, which comes from the content
    picture, is not above the given scales.
    """
    if options.scales:
        if complaint := _scales_complaint(options, longer):
            raise InvalidInputError([Violation("scales", complaint)])
        left = options.scheduled_evaluations - sum(evaluations for _, evaluations in options.scales)
        return (*(Scale(*scale) for scale in options.scales), Scale(longer, left))
    if options.coarsest_scale == SINGLE_SCALE:
        return (Scale(longer, options.scheduled_evaluations),)
    return automatic_scales(longer, max(least, options.coarsest_scale), options.scheduled_evaluations)


def _scales_complaint(options: TransferOptions, longer: int) -> str | None:
    """Why the given scales do not suit a result whose longer side has `longer` pixels; None if they do."""
    if options.scales and options.scales[-1][0] >= longer:
        return (
            f"must be smaller than the result ({longer}), which is always the last scale; got {options.scales[-1][0]}"
        )
    return None


def lite_violations(options: TransferOptions) -> list[Violation]:
    """A violation for each layer in `options` that vgg19-lite, which ends at block5_conv1, does not have."""
    return [
        Violation(name, f"vgg19-lite ends at {LITE_CONVOLUTIONS[-1]}; {layer} needs vgg19 and lite_evaluations 0")
        for name in ("content_layers", "style_layers")
        for layer in getattr(options, name)
        if layer not in LITE_CONVOLUTIONS
    ]
