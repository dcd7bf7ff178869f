"""The pictures of a transfer that paints letters, and what is made of its result."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from functools import cached_property

from PIL import Image, ImageChops, ImageColor

from tfstyle.inputs import Inputs, Style
from tfstyle.rules import shown
from tfstyle_client.errors import refusal
from tfstyle_client.lettering.drawing import Lettering
from tfstyle_client.lettering.finish import Finish
from tfstyle_client.lettering.kept_words import Colour
from tfstyle_client.lettering.recipe import ALONE, ON_A_PAINTING, TRANSPARENT, Recipe
from tfstyle_client.picture_formats import mean_colour

_LIGHT, _DARK = (245, 245, 240), (16, 16, 20)
_LIGHT_PAINTING = 160
"""The mean lightness, of 255, above which a painting stands out from a dark ground rather than from a light one."""
_GREY = (128, 128, 128)


@dataclass(frozen=True)
class Sheet:
    """Letters that are painted in `style`, on the `background`: TRANSPARENT or a colour, or in the style `ground`.

    Raises `BadRequestError`, naming the field, for a background that is no colour, or beside a ground.
    """

    lettering: Lettering
    style: bytes
    ground: bytes | None = None
    background: str = TRANSPARENT

    def __post_init__(self) -> None:
        if self.ground is not None and self.background != TRANSPARENT:
            raise refusal("background", "cannot be combined with a second style, which is that of the ground")
        self._paper  # noqa: B018 - the colour is checked at once

    @property
    def recipe(self) -> Recipe:
        """The preset and options that suit it."""
        return ALONE if self.ground is None else ON_A_PAINTING

    @cached_property
    def content(self) -> Image.Image:
        """The letters in the colour of their painting, on a ground that stands out from it: "RGB"."""
        ink, size = self._colour_of(self.style), self.lettering.size
        paper = self._paper if self.ground is None else _apart(ink, self._colour_of(self.ground))
        return Image.composite(Image.new("RGB", size, ink), Image.new("RGB", size, paper), self.lettering.ink)

    @cached_property
    def inputs(self) -> Inputs[bytes]:
        """Content, styles and masks. A ground of one colour is kept; its own style is all that the reach leaves."""
        # Whoever has the job can finish its result, without font and text.
        sheet = _png(self.content, pnginfo=self.finishing.chunks())
        weights = self.lettering.weights
        if self.ground is not None:
            styles = Style(self.style, region=_png(weights)), Style(self.ground)
            return Inputs(sheet, styles)
        return Inputs(sheet, (Style(self.style),), keep=_png(ImageChops.invert(weights)))

    @cached_property
    def finishing(self) -> Finish:
        """What is made of the transfer's result."""
        words = replace(self.lettering.words, background=self.background)
        return Finish(words, self.lettering.stencil, None if self.ground is not None else self._paper)

    def finish(self, png: bytes) -> bytes:
        """The result of the transfer as it is delivered, as `Finish.apply`."""
        return self.finishing.apply(png)

    @property
    def _paper(self) -> Colour:
        """The colour of the ground while the letters are painted."""
        if self.background == TRANSPARENT:
            return _DARK if _lightness(self._colour_of(self.style)) > _LIGHT_PAINTING else _LIGHT
        try:
            red, green, blue = ImageColor.getrgb(self.background)[:3]
        except ValueError:
            why = f"must be {TRANSPARENT}, or a colour such as white or #20242c; got {shown(self.background)}"
            raise refusal("background", why) from None
        return red, green, blue

    @staticmethod
    def _colour_of(painting: bytes) -> Colour:
        return mean_colour(painting) or _GREY


def _apart(ink: Colour, ground: Colour) -> Colour:
    """The ground's colour, or where it is as light as the ink, a colour that stands out."""
    if abs(_lightness(ink) - _lightness(ground)) >= 64:
        return ground
    return _DARK if _lightness(ink) > 127 else _LIGHT


def _lightness(colour: Colour) -> float:
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]


def _png(picture: Image.Image, **settings: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", **settings)
    return buffer.getvalue()
