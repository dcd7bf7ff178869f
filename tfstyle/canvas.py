"""Textures: a painting's strokes without a photo. A texture is a transfer whose content is an empty canvas.

Imports neither TensorFlow nor NumPy, as `tfstyle.options`.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from tfstyle.borders import REPLICATE
from tfstyle.errors import InvalidInputError, Violation
from tfstyle.precision import AUTO
from tfstyle.presets import PRESETS, canonical_overrides

SMALLEST_CANVAS, LARGEST_CANVAS = 16, 8192
"""Pixels of a side."""
OF_THE_PHOTO = ("strength", "content_weight", "content_layers", "content_layer_weights", "colour")
"""Options that have no effect without a photo."""
TEXTURE_DEFAULTS: Mapping[str, Any] = {"start": "style", "padding": REPLICATE}
"""In place of a preset's defaults. A canvas that is seen with zeros around it gets straight edges (docs/studio.md)."""
STYLE_WEIGHT = 6.0
"""With relative losses, chosen by eye: only the total variation is against it, and 2 leaves a texture a little soft."""
_GREY = 128


def texture_options(size: tuple[int, int], preset: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the transfer that makes a texture of `size` (width, height), from those that the user chose.

    Where the preset leaves the choice, the style loss is wasserstein: neighbours would be looked up for the canvas, on
    which all places are alike. Raises `InvalidInputError` for a size out of range, and for options of the photo.
    """
    width, height = size
    if not all(SMALLEST_CANVAS <= side <= LARGEST_CANVAS for side in size):
        complaint = f"must have sides from {SMALLEST_CANVAS} to {LARGEST_CANVAS} pixels; got {width} x {height}"
        raise InvalidInputError([Violation("size", complaint)])
    given = canonical_overrides(options)
    violations = [
        Violation(name, "has no effect on a texture, which has no photo") for name in OF_THE_PHOTO if name in given
    ]
    if given.get("start") == "content":
        violations.append(Violation("start", "must be style or noise; a texture has no photo"))
    if violations:
        raise InvalidInputError(violations)
    own = PRESETS.get(preset, PRESETS["default"])
    defaults = dict(TEXTURE_DEFAULTS)
    if given.get("balance", own.balance) == "relative":
        defaults["style_weight"] = STYLE_WEIGHT
    if own.style_loss == AUTO and not {"style_loss", "split_evaluations"} & set(given):
        defaults |= {"style_loss": "wasserstein", "split_evaluations": 0}
    return {**defaults, **given, "size": max(size), "content_weight": 0.0}


def is_texture(options: Mapping[str, Any]) -> bool:
    """Whether a transfer with these options, all of them, takes nothing of its content picture but the size."""
    return options.get("content_weight") == 0 and options.get("start") in ("noise", "style")


def canvas(size: tuple[int, int]) -> bytes:
    """A PNG of `size` (width, height) in medium grey, which compresses to nearly nothing."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("L", size, _GREY).save(buffer, "PNG")
    return buffer.getvalue()
