"""The input pictures at the size at which the network processes them, for each scale."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tfstyle.colour import standardise
from tfstyle.errors import InvalidInputError, Violation
from tfstyle.images import SMALLEST_SIDE, Picture, fit_longer_side, resize
from tfstyle.inputs import Form, Inputs, Size, Style
from tfstyle.losses.matching import VIEWS
from tfstyle.masks import BlockWeights
from tfstyle.options import ORIGINAL_SIZE, RULES, TransferOptions, schedule
from tfstyle.schedule import Scale

MASK_TOLERANCE = 0.02
"""Maximum relative difference between the aspect ratios of a mask and its picture."""


@dataclass(frozen=True)
class Painting:
    """A style picture at one scale: its `share` among the styles, and `weights` [h, w] of its pixels (None: all 1)."""

    picture: Picture
    share: float
    weights: NDArray[np.float32] | None

    @property
    def image(self) -> NDArray[np.float32]:
        """The picture [1, h, w, 3] in standardised RGB."""
        return standardise(self.picture.pixels)

    @property
    def views(self) -> list[tuple[NDArray[np.float32], NDArray[np.float32] | None]]:
        """Image and weights as they are, and turned by 90, 180 and 270 degrees."""
        image, weights = self.image, self.weights
        return [
            (np.rot90(image, turns, (1, 2)), None if weights is None else np.rot90(weights, turns))
            for turns in range(VIEWS)
        ]


@dataclass(frozen=True)
class ScaledInputs:
    """All pictures of a transfer at one scale."""

    content: Picture
    paintings: tuple[Painting, ...]


@dataclass(frozen=True)
class ScaledSizes:
    """The sizes of all pictures of a transfer at one scale."""

    content: Size
    styles: tuple[Size, ...]


def sizes_of(inputs: Inputs[Picture]) -> Inputs[Size]:
    """The sizes of the pictures."""
    return inputs.map(lambda _, picture: picture.size)


def fitting_schedule(sizes: Inputs[Size], options: TransferOptions) -> tuple[Scale, ...]:
    """The scales of a transfer. None is so small that a picture would have a side under `SMALLEST_SIDE`.

    Raises `InvalidInputError`, naming the field, if the result or an explicit scale is too small or too large.
    """
    longer = options.size
    if longer == ORIGINAL_SIZE:
        longer, most = max(sizes.content), RULES["size"].maximum
        if most is not None and longer > most:
            width, height = sizes.content
            why = f"the content picture is {width} x {height} pixels; sizes go up to {most:g}"
            raise InvalidInputError([Violation("size", why)])
    least = _least_side(sizes, options)
    if options.scales and options.scales[0][0] < least <= longer:
        why = (
            f"must have sizes of at least {least} for these pictures, whose sides need at least {SMALLEST_SIDE} pixels"
        )
        raise InvalidInputError([Violation("scales", f"{why}; got {options.scales[0][0]}")])
    return schedule(options, longer, min(longer, least))


def _least_side(sizes: Inputs[Size], options: TransferOptions) -> int:
    """The smallest longer side of the result at which every picture's shorter side has `SMALLEST_SIDE` pixels."""
    elongations = [max(sizes.content) / min(sizes.content)]
    if options.style_fit != "stretch":
        elongations += [max(style.picture) / min(style.picture) / options.style_scale for style in sizes.styles]
    return math.ceil(SMALLEST_SIDE * max(elongations))


def scaled_sizes(sizes: Inputs[Size], options: TransferOptions, longer: int) -> ScaledSizes:
    """The sizes of all pictures for a result whose longer side has `longer` pixels.

    Raises `InvalidInputError`, naming the picture, where a side would be too short.
    """
    content = fit_longer_side(sizes.content, longer, "content")
    if options.style_fit == "stretch":
        return ScaledSizes(content, (content,) * len(sizes.styles))
    longest = round(longer * options.style_scale)
    return ScaledSizes(
        content, tuple(fit_longer_side(style.picture, longest, name) for name, style in _named_styles(sizes))
    )


def scaled_inputs(inputs: Inputs[Picture], options: TransferOptions, longer: int, grey: bool) -> ScaledInputs:
    """The pictures for a result whose longer side has `longer` pixels; masks have the size of their style picture.

    With `grey`, all channels of a picture are made equal. Raises `InvalidInputError`, naming the picture.
    """
    sizes = scaled_sizes(sizes_of(inputs), options, longer)
    paintings = []
    for share, size, (name, style) in zip(inputs.shares, sizes.styles, _named_styles(inputs), strict=True):
        mask = style.mask
        if mask is not None:
            _check_aspect_ratio(f"{name}.mask", mask, style.picture)
            mask = resize(mask, size)
        picture = _in(grey, resize(style.picture, size))
        paintings.append(Painting(picture, share, _weights(name, picture, mask)))
    return ScaledInputs(_in(grey, resize(inputs.content, sizes.content)), tuple(paintings))


def _in(grey: bool, picture: Picture) -> Picture:
    return picture.in_grey() if grey else picture


def _named_styles(inputs: Inputs[Form]) -> Iterator[tuple[str, Style[Form]]]:
    """(name in messages, style) of each style."""
    names = [name for name, _ in inputs.pictures() if name != "content" and not name.endswith(".mask")]
    return zip(names, inputs.styles, strict=True)


def _check_aspect_ratio(name: str, mask: Picture, picture: Picture) -> None:
    (width, height), (other_width, other_height) = mask.size, picture.size
    if abs(width * other_height / (height * other_width) - 1) > MASK_TOLERANCE:
        why = f"is {width} x {height} pixels; it needs the aspect ratio of its picture, {other_width} x {other_height}"
        raise InvalidInputError([Violation(name, why)])


def _weights(name: str, picture: Picture, mask: Picture | None) -> NDArray[np.float32] | None:
    """The weights [h, w] of a style picture's pixels; None if all are 1."""
    weights = picture.visibility
    if mask is not None:
        mask_weights = mask.pixels.mean(2, dtype=np.float32) / np.float32(mask.full_scale)
        weights = mask_weights if weights is None else mask_weights * weights
    if weights is not None and BlockWeights(weights).empty:
        what = f"{name}.mask" if mask is not None else name
        raise InvalidInputError([Violation(what, "leaves no part of the style picture to take the style from")])
    return weights


def digest(inputs: Inputs[Picture]) -> str:
    """SHA-256, in hexadecimal, of everything in the pictures that the result depends on."""
    found = hashlib.sha256()
    for name, picture in inputs.pictures():
        for array in (picture.pixels, picture.alpha):
            if array is not None:
                found.update(f"{name} {array.shape} ".encode())
                found.update(np.ascontiguousarray(array).data)
    found.update(repr(inputs.shares).encode())
    return found.hexdigest()
