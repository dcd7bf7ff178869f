"""Whether painted letters can be read: by how far their paint is where the letters were drawn."""

from __future__ import annotations

import io
from dataclasses import dataclass
from operator import mul
from typing import Protocol

from PIL import Image, ImageChops, ImageStat

HARD_TO_READ = 0.5
"""A correlation below it deserves a warning."""


@dataclass(frozen=True)
class Legibility:
    """Where the paint of letters is. All three numbers are at most 1.

    The paint of a picture with transparency is its alpha. Elsewhere it is each pixel's difference from the mean colour
    of the ground, which is what lies beyond the reach, as far as it exceeds the ground's own mean difference.
    `on_letters` is the share of the paint that is on the letters as drawn, `within_reach` that on them and their reach.
    `correlation` is that of the paint with the drawn letters over all pixels.
    """

    on_letters: float
    within_reach: float
    correlation: float


class Letters(Protocol):
    """A `Lettering`, or its `Stencil`."""

    @property
    def ink(self) -> Image.Image:
        """The letters."""

    @property
    def around(self) -> Image.Image:
        """The letters with all of their reach."""


def legibility(png: bytes, lettering: Letters) -> Legibility:
    """The legibility of the delivered picture, which has the size of the lettering's sheet."""
    with Image.open(io.BytesIO(png)) as picture:
        paint = _paint(picture, lettering)
    total = sum(paint.tobytes()) or 1
    on_letters, within_reach = (
        _sum_of_products(paint, where) / 255 / total for where in (lettering.ink, lettering.around)
    )
    return Legibility(on_letters, within_reach, correlation(paint, lettering.ink))


def correlation(one: Image.Image, other: Image.Image) -> float:
    """Pearson's correlation of two "L" pictures of the same size; 0 if one of them is flat."""
    count = one.width * one.height
    first, second = sum(one.tobytes()), sum(other.tobytes())
    both = _sum_of_products(one, other) - first * second / count
    own = [_sum_of_products(each, each) - sum(each.tobytes()) ** 2 / count for each in (one, other)]
    return float(both / (own[0] * own[1]) ** 0.5) if min(own) > 0 else 0.0


def _paint(picture: Image.Image, lettering: Letters) -> Image.Image:
    """How much paint there is: "L"."""
    if picture.has_transparency_data:
        return picture.convert("RGBA").getchannel("A")
    beyond = ImageChops.invert(lettering.around)
    colours = picture.convert("RGB")
    mean = tuple(round(level) for level in ImageStat.Stat(colours, beyond).mean)
    red, green, blue = ImageChops.difference(colours, Image.new("RGB", colours.size, mean)).split()
    difference = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    usual = ImageStat.Stat(difference, beyond).mean[0]
    return difference.point(lambda level: max(0.0, level - usual))


def _sum_of_products(one: Image.Image, other: Image.Image) -> int:
    return sum(map(mul, one.tobytes(), other.tobytes()))
