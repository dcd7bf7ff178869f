"""Presets, and the strength: names and a number that stand for several options.

Imports neither TensorFlow nor NumPy, as `tfstyle.options`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.options import ALIASES, COARSE_SCALES, RULES, SINGLE_SCALE, TransferOptions, type_complaint
from tfstyle.precision import FLOAT32
from tfstyle.rules import Rule, shown

STRENGTH = Rule(
    "how strongly the painting is applied; sets content_weight, style_weight and coarsest_scale",
    0,
    1,
    words={"mild": 0.25, "medium": 0.5, "strong": 0.75},
    group="main",
)
"""A number that stands for several options, so that equal steps of it look equal."""


def strength_options(strength: float) -> dict[str, Any]:
    """The options that a strength from 0 to 1 stands for.

    The ratio of style to content goes from 0.2 (tinted) to 20 (the painting alone) in equal ratios, which look like
    equal steps. It is divided between both weights, so that the total variation counts alike at every strength.
    """
    tenfold = 10 ** (strength - 0.5)
    return {
        "content_weight": float(f"{1 / tenfold:.3g}"),
        "style_weight": float(f"{2 * tenfold:.3g}"),
        "coarsest_scale": int(160 * 0.64**strength),
    }


def strength_of(options: TransferOptions) -> float | None:
    """The strength that `options` have, to two decimals; None where they are not those of a strength."""
    if options.balance != "relative" or options.style_weight <= 0:
        return None
    strength = round(0.5 + math.log10(options.style_weight / 2), 2)
    wanted = strength_options(strength) if 0 <= strength <= 1 else {"style_weight": None}
    return strength if all(getattr(options, name) == value for name, value in wanted.items()) else None


PRESETS: Mapping[str, TransferOptions] = {
    "default": TransferOptions(),
    # Choosing neighbours would take a third of its time. Without them, a film that is held as firmly as others loses
    # its strokes from frame to frame (docs/performance.md).
    "fast": TransferOptions(network="vgg19-lite", style_loss="wasserstein", max_evaluations=40, temporal_weight=20.0),
    "subtle": TransferOptions(**strength_options(0.2)),
    "bold": TransferOptions(**strength_options(0.8)),
    "detail": TransferOptions(max_evaluations=120, split_evaluations=20),
    # vgg19-lite paints the small scales, in a fraction of VGG19's time, and VGG19 the last.
    "cascade": TransferOptions(network="vgg19", lite_evaluations=COARSE_SCALES),
    # Gatys et al. 2016 with Adam, as published in "Dive into Deep Learning": content and style at the same size,
    # pixels as the variables, colours clipped to the gamut only at the end.
    "reference": TransferOptions(
        precision=FLOAT32,
        style_fit="stretch",
        style_loss="gram",
        content_layers=("block4_conv4",),
        balance="absolute",
        style_weight=1e4,
        tv_weight=10.0,
        tv_form="absolute",
        gamut_weight=0.0,
        coarsest_scale=SINGLE_SCALE,
        optimizer="adam",
        max_evaluations=500,
        pyramid_levels=1,
    ),
}


PRESET_DOCS: Mapping[str, str] = {
    "default": "painted: the photo clearly readable in the painting's strokes",
    "fast": "a picture in seconds, on the small network",
    "subtle": "the photo, tinted",
    "bold": "a painting first",
    "detail": "as default, with crisper strokes; takes twice as long",
    "cascade": "as default on VGG19, with all scales but the last on vgg19-lite",
    "reference": "the published algorithm, to the letter: 500 evaluations of Adam at one scale",
}
"""What each preset gives, in one line."""


def canonical_overrides(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """`overrides` with each alias ("steps") replaced by the option's name, and each word ("original") by its number.

    "strength" may be among them. None means not set and is left out. Raises `InvalidInputError` for an unknown option
    and for one given twice.
    """
    given: dict[str, Any] = {}
    violations = []
    for key, value in overrides.items():
        name = ALIASES.get(key, key)
        rule = STRENGTH if name == "strength" else RULES.get(name)
        if rule is None:
            violations.append(Violation(name, "there is no such option"))
        elif value is None:
            continue
        elif name in given:
            violations.append(Violation(name, f"is also called {RULES[name].alias}; give only one of the two"))
        else:
            given[name] = rule.words.get(value, value) if isinstance(value, str) else value
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
    return changed_options(PRESETS[preset], overrides or {})


def changed_options(options: TransferOptions, overrides: Mapping[str, Any]) -> TransferOptions:
    """`options` with `overrides` on top, as `canonical_overrides` takes them. Raises `InvalidInputError`."""
    given = canonical_overrides(overrides)
    strength = given.pop("strength", None)
    if strength is not None:
        given = _of_strength(strength, given.get("balance", options.balance), given) | given
    return dataclasses.replace(options, **given)


def _of_strength(strength: Any, balance: str, others: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a strength stands for. Raises `InvalidInputError`."""
    complaint = type_complaint(float, STRENGTH, strength) or STRENGTH.complaint(strength)
    if not complaint and (given := [name for name in ("content_weight", "style_weight") if name in others]):
        complaint = f"sets {given[0]}; give only one of the two"
    if not complaint and balance == "absolute":
        complaint = "needs relative losses; with balance absolute, set style_weight"
    if complaint:
        raise InvalidInputError([Violation("strength", complaint)])
    return strength_options(strength)
