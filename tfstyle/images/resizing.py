"""Resize pictures."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tfstyle.borders import NO_WRAPS, Wraps
from tfstyle.depth import Samples, full_scale, rounded
from tfstyle.errors import InvalidInputError, Violation
from tfstyle.images.limits import SMALLEST_SIDE
from tfstyle.images.picture import Picture
from tfstyle.images.transparency import OPAQUE, fill_hidden


def fit_longer_side(size: tuple[int, int], longer: int, field: str) -> tuple[int, int]:
    """(width, height) scaled so that the longer side is `longer` pixels, keeping the aspect ratio.

    Raises `InvalidInputError`, naming `field`, if the shorter side would be under `SMALLEST_SIDE`.
    """
    scale = longer / max(size)
    width, height = (max(1, round(side * scale)) for side in size)
    if min(width, height) < SMALLEST_SIDE:
        is_style = field == "style" or field.startswith("styles[")
        way_out = ", or set the option style_fit to stretch (--style-fit stretch)" if is_style else ""
        why = f"would be {width} x {height} pixels at this size; each side needs at least {SMALLEST_SIDE}"
        raise InvalidInputError([Violation(field, f"{why}: choose a larger size or a less narrow picture{way_out}")])
    return width, height


def resize(picture: Picture, size: tuple[int, int]) -> Picture:
    """`picture` at `size` (width, height), by Pillow's antialiased bilinear filter.

    Colours are weighted by alpha, so that invisible pixels do not influence visible ones.
    """
    if picture.size == size:
        return picture
    alpha = None if picture.alpha is None else _scaled_samples(picture.alpha, size)
    if picture.alpha is None or picture.visibility is None:
        return replace(picture, pixels=_scaled_samples(picture.pixels, size), alpha=alpha)
    # Pillow's premultiplied resize rounds colour times alpha to 8 bits, which distorts nearly transparent pixels.
    opacity = picture.alpha.astype(np.float32) * np.float32(OPAQUE / full_scale(picture.alpha))
    weights = _scaled(opacity, size)
    pixels = np.zeros((*weights.shape, 3), picture.pixels.dtype)
    for channel in range(3):
        weighted = _scaled(picture.pixels[..., channel] * opacity, size)
        mean = np.divide(weighted, weights, out=np.zeros_like(weighted), where=weights > 0)
        pixels[..., channel] = rounded(mean, picture.pixels)
    return replace(picture, pixels=fill_hidden(pixels, weights), alpha=alpha)


def resize_floats(values: NDArray[np.float32], size: tuple[int, int], wraps: Wraps = NO_WRAPS) -> NDArray[np.float32]:
    """`values` [h, w, c] at `size` (width, height), by Pillow's bicubic filter, without rounding or clipping.

    Where they wrap, the filter reads the other side beyond a border.
    """
    height, width, _ = values.shape
    down, across = (
        _reach(length, new) if wrapped else 0
        for length, new, wrapped in zip((height, width), size[::-1], wraps, strict=True)
    )
    box = (across, down, across + width, down + height)
    if any(wraps):
        values = np.pad(values, ((down, down), (across, across), (0, 0)), "wrap")
    channels = [
        Image.fromarray(np.ascontiguousarray(values[..., channel])).resize(size, Image.Resampling.BICUBIC, box)
        for channel in range(values.shape[-1])
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1)


def _reach(length: int, new: int) -> int:
    """How far from its centre the bicubic filter reads, in pixels of a side of `length` that becomes `new`."""
    return math.ceil(2 * max(1.0, length / new)) + 1


def _scaled_samples(samples: Samples, size: tuple[int, int]) -> Samples:
    if samples.dtype == np.uint8:
        return _scaled(samples, size)
    # Pillow has no pictures of 16-bit colours, so each channel is resized as floats.
    channels = [samples] if samples.ndim == 2 else list(np.moveaxis(samples, -1, 0))
    scaled = [rounded(_scaled(channel.astype(np.float32), size), samples) for channel in channels]
    return scaled[0] if samples.ndim == 2 else np.stack(scaled, axis=-1)


def _scaled(array: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    return np.array(Image.fromarray(array).resize(size, Image.Resampling.BILINEAR))
