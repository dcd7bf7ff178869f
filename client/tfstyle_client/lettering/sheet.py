"""The pictures of a transfer that paints letters, and what is made of its result."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from PIL import Image, ImageChops, ImageColor, PngImagePlugin

from tfstyle.inputs import Inputs, Style
from tfstyle.rules import shown
from tfstyle_client.errors import refusal
from tfstyle_client.lettering.cut_out import cut_out
from tfstyle_client.lettering.drawing import DEFAULT_REACH, Lettering
from tfstyle_client.picture_formats import mean_colour

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Recipe:
    """What suits letters: a preset, options of a transfer beside it, and the reach of the letters."""

    preset: str
    options: Mapping[str, object]
    reach: float


ALONE = Recipe("fast", {"strength": 0.9, "start": "style"}, DEFAULT_REACH)
"""Their shape is held by a mask, so the content loss is hardly needed. Flat ink as a start would stay flat."""
ON_A_PAINTING = Recipe("default", {"strength": 0.7, "start": "style"}, 0.04)
"""Their shape is held by the content loss, and by neighbours, which keep contours. They are read by these alone."""
TRANSPARENT = "transparent"
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
    def inputs(self) -> Inputs[bytes]:
        """Content, styles and masks. A ground of one colour is kept; its own style is all that the reach leaves."""
        lettering = self.lettering
        ink = self._colour_of(self.style)
        paper = self._paper if self.ground is None else _apart(ink, self._colour_of(self.ground))
        content = Image.composite(
            Image.new("RGB", lettering.size, ink), Image.new("RGB", lettering.size, paper), lettering.ink
        )
        weights = lettering.weights
        if self.ground is not None:
            styles = Style(self.style, region=_png(weights)), Style(self.ground)
            return Inputs(_png(content), styles)
        return Inputs(_png(content), (Style(self.style),), keep=_png(ImageChops.invert(weights)))

    def finish(self, png: bytes) -> bytes:
        """The result of the transfer as it is delivered: with a painted ground as it is, else cut out of the ground.

        The letters are then put on the background if that is a colour.
        """
        if self.ground is not None:
            return png
        with Image.open(io.BytesIO(png)) as result:
            result.load()
            letters = cut_out(result.convert("RGB"), self._paper, self.lettering)
            if self.background != TRANSPARENT:
                letters = Image.alpha_composite(Image.new("RGBA", letters.size, self._paper), letters).convert("RGB")
            return _png(letters, pnginfo=_texts(result), icc_profile=result.info.get("icc_profile"))

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


def _texts(result: Image.Image) -> PngImagePlugin.PngInfo:
    """What a PNG says about itself, so that another one says it too."""
    texts = PngImagePlugin.PngInfo()
    for name, text in getattr(result, "text", {}).items():
        texts.add_itxt(name, text)
    return texts


def _png(picture: Image.Image, **settings: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", **settings)
    return buffer.getvalue()
