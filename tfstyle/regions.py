"""Regions of the content picture, each with style pictures of its own (Gatys et al. 2017, arXiv 1611.07865)."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.images import Picture, resize
from tfstyle.inputs import LEAST_SHARE, MOST_COLOURS, Inputs, Size, regions_of_masks
from tfstyle.masks import BlockWeights, check_aspect_ratio, check_mask, picture_weights
from tfstyle.painting import Painting

Map = NDArray[np.float32]
LEAST_FLAT = 0.8
"""The part of a map that flat colours must cover."""
LONGEST_SIDE = 2048
"""Pixels of a map's longer side that count, which bounds time and memory."""
SAME_COLOUR = 24
"""By how many levels of 255 the colours of two maps may differ: lossy formats change them a little."""
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Region:
    """Where the content picture is painted, as `weights` [h, w] from 0 to 1, and the `paintings` for that place."""

    weights: Map
    paintings: tuple[Painting, ...]


def regions_of(
    inputs: Inputs[Picture], paintings: tuple[Painting, ...], keep: Map | None, size: Size
) -> tuple[Region, ...]:
    """The regions of `inputs` at the scale at which the content picture has `size` (width, height).

    `paintings` are the style pictures at that scale, and `keep` the weights [h, w] of what stays. Empty if all styles
    apply everywhere.

    Raises `InvalidInputError`, naming the mask, for masks of another shape, for empty regions, and for regions without
    a style.
    """
    regions = list(_regions(inputs, paintings, size))
    scale = f"at a scale of {max(size)} pixels"
    for name, region in regions:
        if BlockWeights(region.weights).empty:
            raise _error(name, f"leaves nothing of the content picture to paint {scale}")
        for painting in region.paintings:
            if painting.weights is not None and BlockWeights(painting.weights).empty:
                raise _error(name, f"has a style without a part of its picture {scale}")
    painted = [region for _, region in regions]
    if keep is None:
        return tuple(painted)
    left = [replace(region, weights=region.weights * (1 - keep)) for region in painted]
    # A region that is kept altogether needs no style.
    left = [region for region in left or [Region(1 - keep, paintings)] if not BlockWeights(region.weights).empty]
    if not left:
        raise _error("keep", f"leaves nothing of the content picture to paint {scale}")
    return tuple(left)


def count_regions(inputs: Inputs[Picture]) -> int:
    """The most regions that `regions_of` finds at any scale."""
    if inputs.regions is not None:
        return len(flat_colours("regions", inputs.regions))
    return regions_of_masks(inputs)


def _regions(inputs: Inputs[Picture], paintings: tuple[Painting, ...], size: Size) -> Iterator[tuple[str, Region]]:
    """(name of the mask, region) of each region, whatever is kept."""
    if inputs.regions is not None:
        return _of_colours(inputs, inputs.regions, paintings, size)
    if any(style.region is not None for style in inputs.styles):
        return _of_masks(inputs, paintings, size)
    return iter(())


def _of_masks(inputs: Inputs[Picture], paintings: tuple[Painting, ...], size: Size) -> Iterator[tuple[str, Region]]:
    """A region for each style that has one, and one that the other styles share."""
    left = np.ones((size[1], size[0]), np.float32)
    others: dict[str, Painting] = {}
    for (name, style), painting in zip(inputs.named_styles(), paintings, strict=True):
        if style.region is None:
            others[name] = painting
            continue
        weights = _mask(inputs, f"{name}.region", style.region, size)
        left -= weights
        yield f"{name}.region", Region(weights, (replace(painting, share=1.0),))
    if others:
        name = next(iter(others))
        left = np.maximum(left, 0)
        if not left.any():
            raise _error(name, "has no region, and those of the other styles leave nothing of the content picture")
        yield name, Region(left, _shared(name, others.values()))


def _of_colours(
    inputs: Inputs[Picture], regions: Picture, paintings: tuple[Painting, ...], size: Size
) -> Iterator[tuple[str, Region]]:
    """A region for each flat colour."""
    check_aspect_ratio("regions", regions.size, inputs.content.size, "the content picture")
    wanted = flat_colours("regions", regions)
    of_styles: dict[str, Mapping[Colour, NDArray[np.bool_]]] = {}
    for name, style in inputs.named_styles():
        if style.regions is not None:
            check_aspect_ratio(f"{name}.regions", style.regions.size, style.picture.size)
            of_styles[name] = flat_colours(f"{name}.regions", style.regions)
    for colour, where in wanted.items():
        own = []
        for (name, _), painting in zip(inputs.named_styles(), paintings, strict=True):
            if name not in of_styles:
                own.append(painting)
            elif (part := _like(colour, of_styles[name])) is not None:
                weights = _resized(part, painting.picture.size)
                own.append(replace(painting, weights=weights * (1 if painting.weights is None else painting.weights)))
        if not own:
            why = f"no style has regions of the colour {_hex(colour)}; paint it in one of theirs, or take it out"
            raise _error("regions", why)
        yield "regions", Region(_resized(where, size), _shared("regions", own))


def flat_colours(name: str, picture: Picture) -> dict[Colour, NDArray[np.bool_]]:
    """{colour: where [h, w] it is} of a map of flat colours; rare colours count as the most similar one.

    Of a map with a side of more than `LONGEST_SIDE`, every second pixel counts, or every third ... Raises
    `InvalidInputError` for more than `MOST_COLOURS`, and for a picture that is no such map.
    """
    step = math.ceil(max(picture.size) / LONGEST_SIDE)
    packed = picture.in_depth(8).pixels[::step, ::step].astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
    values, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
    colours = np.stack([values >> 16, values >> 8 & 255, values & 255], 1)
    flat = counts >= LEAST_SHARE * packed.size
    if counts[flat].sum() < LEAST_FLAT * packed.size:
        raise _error(name, "is not a map of flat colours; save it as PNG, without smooth edges and shades")
    if not 1 <= flat.sum() <= MOST_COLOURS:
        raise _error(
            name,
            f"has {flat.sum()} colours of some size; it needs 1 to {MOST_COLOURS}, flat and without smooth edges (PNG)",
        )
    distances = np.stack([np.abs(colours - each).sum(1) for each in colours[flat]])
    labels = distances.argmin(0)[inverse].reshape(packed.shape)
    return {(int(r), int(g), int(b)): labels == label for label, (r, g, b) in enumerate(colours[flat])}


def _like(colour: Colour, among: Mapping[Colour, NDArray[np.bool_]]) -> NDArray[np.bool_] | None:
    """Where the map is of nearly that colour; None if it has no such colour."""
    differences = {max(abs(a - b) for a, b in zip(colour, other, strict=True)): other for other in among}
    nearest = min(differences)
    return among[differences[nearest]] if nearest <= SAME_COLOUR else None


def _shared(name: str, paintings: Collection[Painting]) -> tuple[Painting, ...]:
    """The paintings with shares that add up to 1."""
    total = sum(painting.share for painting in paintings)
    if not total:
        raise _error(name, "has only styles with the weight 0")
    return tuple(replace(painting, share=painting.share / total) for painting in paintings)


def _mask(inputs: Inputs[Picture], name: str, mask: Picture, size: Size) -> Map:
    check_mask(name, mask, inputs.content, "the content picture")
    return picture_weights(resize(mask, size))


def _resized(where: NDArray[np.bool_], size: Size) -> Map:
    grey = np.repeat((where * np.uint8(255))[..., None], 3, 2)
    return picture_weights(resize(Picture(grey), size))


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _error(name: str, why: str) -> InvalidInputError:
    return InvalidInputError([Violation(name, why)])
