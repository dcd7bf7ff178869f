"""The input pictures at the size at which the network processes them, for each scale."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tfstyle.borders import wrapping_size, wraps_of
from tfstyle.colour import standardise
from tfstyle.colour_matching import ColourMatch, Colours, colours_of
from tfstyle.errors import InvalidInputError, Violation
from tfstyle.images import SMALLEST_SIDE, Picture, fit_longer_side, resize
from tfstyle.images.periodic import periodic_picture
from tfstyle.inputs import BESIDES, Inputs, Size, Style, Temporal, is_mask
from tfstyle.masks import BlockWeights, check_aspect_ratio, check_mask, picture_weights
from tfstyle.options import ORIGINAL_SIZE, RULES, TransferOptions, schedule
from tfstyle.painting import Painting
from tfstyle.regions import Region, regions_of
from tfstyle.schedule import Scale


@dataclass(frozen=True)
class Reference:
    """An earlier result of a sequence, and the `weights` [h, w] with which the picture is held to it."""

    picture: Picture
    weights: NDArray[np.float32]


@dataclass(frozen=True)
class ScaledInputs:
    """All pictures of a transfer at one scale.

    `regions` are empty if all `paintings` apply everywhere. `keep` are the weights [h, w] with which the content
    picture stays. `colours` is the content picture in colour if only its lightness is painted; the other pictures are
    then grey. `temporal` are the earlier results that the picture follows.
    """

    content: Picture
    paintings: tuple[Painting, ...]
    regions: tuple[Region, ...]
    start: Picture | None
    keep: NDArray[np.float32] | None
    colours: Picture | None
    temporal: tuple[Reference, ...]


@dataclass(frozen=True)
class ScaledSizes:
    """The sizes of all pictures of a transfer at one scale."""

    content: Size
    styles: tuple[Size, ...]


def sizes_of(inputs: Inputs[Picture]) -> Inputs[Size]:
    """The sizes of the pictures."""
    return inputs.map(lambda _, picture: picture.size)


def check_shapes(sizes: Inputs[Size]) -> None:
    """Raise `InvalidInputError`, naming the picture, for one without the aspect ratio of that which it belongs to."""
    for name, style in sizes.named_styles():
        for part in ("mask", "regions"):
            if (size := getattr(style, part)) is not None:
                check_aspect_ratio(f"{name}.{part}", size, style.picture)
        if style.region is not None:
            check_aspect_ratio(f"{name}.region", style.region, sizes.content, "the content picture")
    for part in BESIDES:
        if (size := getattr(sizes, part)) is not None:
            check_aspect_ratio(part, size, sizes.content, "the content picture")
    for name, earlier in sizes.named_temporal():
        for part, given in ((name, earlier.picture), (f"{name}.weights", earlier.weights)):
            if given is not None:
                check_aspect_ratio(part, given, sizes.content, "the content picture")


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

    Sides along which the result is seamless are rounded. Raises `InvalidInputError`, naming the picture, where a side
    would be too short.
    """
    content = wrapping_size(fit_longer_side(sizes.content, longer, "content"), wraps_of(options.seamless))
    if options.style_fit == "stretch":
        return ScaledSizes(content, (content,) * len(sizes.styles))
    longest = round(longer * options.style_scale)
    return ScaledSizes(
        content, tuple(fit_longer_side(style.picture, longest, name) for name, style in sizes.named_styles())
    )


def in_painted_colours(inputs: Inputs[Picture], options: TransferOptions) -> Inputs[Picture]:
    """The inputs as they are painted: with the lightness of their pictures alone if the option `colour` says so."""
    if options.colour != "luminance":
        return inputs
    return inputs.map(lambda name, picture: picture if is_mask(name) else picture.in_luma())


def is_grey(inputs: Inputs[Picture]) -> bool:
    """Whether the content picture and all style pictures are grey."""
    return all(picture.grey for picture in (inputs.content, *(style.picture for style in inputs.styles)))


def scaled_inputs(inputs: Inputs[Picture], options: TransferOptions, longer: int, grey: bool) -> ScaledInputs:
    """The pictures for a result whose longer side has `longer` pixels; masks have the size of their picture.

    With `grey`, all channels of a picture are made equal. Where the result is seamless, so are content and start.
    Raises `InvalidInputError`, naming the picture.
    """
    if inputs.start_picture is not None:
        check_aspect_ratio("start_picture", inputs.start_picture.size, inputs.content.size, "the content picture")
    if inputs.keep is not None:
        check_mask("keep", inputs.keep, inputs.content, "the content picture")
    for name, each in inputs.named_temporal():
        check_aspect_ratio(name, each.picture.size, inputs.content.size, "the content picture")
        if each.weights is not None:
            check_mask(f"{name}.weights", each.weights, inputs.content, "the content picture")
    sizes = scaled_sizes(sizes_of(inputs), options, longer)
    painted = in_painted_colours(inputs, options)
    wraps = wraps_of(options.seamless)

    def fitted(picture: Picture) -> Picture:
        return periodic_picture(resize(picture, sizes.content), wraps)

    content = _in(grey, fitted(painted.content))
    wanted = None if options.colour == "style" else colours_of(standardise(content.pixels), content.visibility)
    paintings = tuple(
        _painting(name, style, share, size, grey, wanted)
        for share, size, (name, style) in zip(inputs.shares, sizes.styles, painted.named_styles(), strict=True)
    )
    start, keep = painted.start_picture, inputs.keep
    weights = None if keep is None else picture_weights(resize(keep, sizes.content))
    return ScaledInputs(
        content,
        paintings,
        regions_of(inputs, paintings, weights, sizes.content),
        None if start is None else _in(grey, fitted(start)),
        weights,
        None if painted is inputs else fitted(inputs.content),
        tuple(_reference(each, sizes.content, _in(grey, fitted(each.picture))) for each in painted.temporal),
    )


def _reference(temporal: Temporal[Picture], size: Size, picture: Picture) -> Reference:
    """An earlier result whose `picture` has its `size` already."""
    weights = np.full((size[1], size[0]), temporal.weight, np.float32)
    if temporal.weights is not None:
        weights *= picture_weights(resize(temporal.weights, size))
    return Reference(picture, weights if picture.visibility is None else weights * picture.visibility)


def _painting(
    name: str, style: Style[Picture], share: float, size: Size, grey: bool, wanted: Colours | None
) -> Painting:
    mask = style.mask
    if mask is not None:
        check_mask(f"{name}.mask", mask, style.picture)
        mask = resize(mask, size)
    picture = _in(grey, resize(style.picture, size))
    painting = Painting(picture, share, _weights(name, picture, mask))
    if wanted is None:
        return painting
    return replace(painting, match=ColourMatch(colours_of(painting.image, painting.weights), wanted))


def _in(grey: bool, picture: Picture) -> Picture:
    return picture.in_grey() if grey else picture


def _weights(name: str, picture: Picture, mask: Picture | None) -> NDArray[np.float32] | None:
    """The weights [h, w] of a style picture's pixels; None if all are 1."""
    weights = picture.visibility
    if mask is not None:
        mask_weights = picture_weights(mask)
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
    if inputs.temporal:
        found.update(repr([each.weight for each in inputs.temporal]).encode())
    return found.hexdigest()
