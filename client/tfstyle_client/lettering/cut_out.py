"""Painted letters without the ground on which they were painted.

The colour of the ground is known, so what a pixel has of the paint follows from its colour, if the paint's is known
(Smith and Blinn 1996, "Blue Screen Matting"). Beyond the letters, paint has about the colour that it has in the nearest
letter.
"""

from __future__ import annotations

from typing import Any

from PIL import Image, ImageChops, ImageFilter, ImageMath

from tfstyle_client.lettering.stencil import Stencil

_LEAST, _MOST = 0.25, 0.75
"""Shares of paint that count as none, and as nothing but paint: a haze becomes air, a stroke solid."""
_CELL = 0.5
"""Side of the cells in which colours are averaged before they are continued, as a part of the reach."""
_SMOOTHED = 0.006
"""Blur of the paint's share, as a part of the font size: single pixels are no strokes."""


def cut_out(painted: Image.Image, ground: tuple[int, int, int], stencil: Stencil) -> Image.Image:
    """The letters of the RGB picture `painted` over a flat `ground` as RGBA.

    Opaque in the letters, transparent beyond their reach; in between, opaque where they have grown.
    """
    paint = _continued_from(painted, stencil)
    share = ImageMath.lambda_eval(_share, **_bands(painted, "c"), **_bands(paint, "p"), ground=ground).convert("L")
    smooth = share.filter(ImageFilter.GaussianBlur(_SMOOTHED * stencil.font_size))
    alpha = ImageChops.multiply(smooth.point(_solid), stencil.around)
    share = ImageChops.lighter(share, stencil.ink)
    unmixed = [
        ImageMath.lambda_eval(_unmixed, colour=colour, share=share, ground=level).convert("L")
        for colour, level in zip(painted.split(), ground, strict=True)
    ]
    # Where there is little paint, its colour is that of the letters rather than a remainder of the ground.
    letters = Image.composite(Image.merge("RGB", unmixed), paint, share.point(_solid))
    letters.putalpha(ImageChops.lighter(alpha, stencil.ink))
    return letters


def _continued_from(painted: Image.Image, stencil: Stencil) -> Image.Image:
    """The colours in the letters, averaged over small cells, and smoothly continued beyond the letters."""
    cell = max(1.0, _CELL * stencil.reach)
    letters = painted.copy()
    letters.putalpha(stencil.ink.point(_inside))
    width, height = (max(1, round(side / cell)) for side in stencil.size)
    cells = letters.resize((width, height), Image.Resampling.BOX)
    return _continued(cells).convert("RGB").resize(stencil.size, Image.Resampling.BICUBIC)


def _continued(picture: Image.Image) -> Image.Image:
    """An RGBA picture with its transparent places filled from coarser and coarser means (pull and push)."""
    width, height = picture.size
    if width == height == 1:
        return picture
    half = picture.resize(((width + 1) // 2, (height + 1) // 2), Image.Resampling.BOX)
    half.putalpha(half.getchannel("A").point(_firmer))
    beneath = _continued(half).resize(picture.size, Image.Resampling.BILINEAR)
    return Image.alpha_composite(beneath, picture)


def _inside(ink: int) -> int:
    """Less than the ink on its edges, whose colours are mixed with the ground."""
    return max(0, 2 * ink - 255)


def _firmer(alpha: int) -> int:
    return min(255, 4 * alpha)


def _bands(picture: Image.Image, name: str) -> dict[str, Image.Image]:
    return {f"{name}{index}": band for index, band in enumerate(picture.split())}


def _share(found: dict[str, Any]) -> Any:
    """The share of paint, from 0 to 255: where the colour lies on the way from the ground to the paint."""
    to_float = found["float"]
    along, length = 0.0, 1.0
    for index, level in enumerate(found["ground"]):
        way = to_float(found[f"p{index}"]) - level
        along += (to_float(found[f"c{index}"]) - level) * way
        length += way * way
    return found["max"](found["min"](along * 255.0 / length, 255.0), 0.0)


def _solid(share: int) -> float:
    """A smooth step from `_LEAST` to `_MOST`, from 0 to 255."""
    way = min(1.0, max(0.0, (share / 255 - _LEAST) / (_MOST - _LEAST)))
    return 255 * way * way * (3 - 2 * way)


def _unmixed(found: dict[str, Any]) -> Any:
    """The colour of the paint alone, from one that is mixed with the ground."""
    share = found["float"](found["max"](found["share"], 1)) / 255.0
    pure = (found["float"](found["colour"]) - found["ground"] * (1.0 - share)) / share
    return found["max"](found["min"](pure, 255.0), 0.0)
