"""Words as ink on a sheet, and how far each place is from the ink.

FreeType's stroker draws the outlines of letters widened by a given distance, to a fraction of a pixel. So the places
within a distance of the strokes are those that a stroke of that width covers, and no distance transform is needed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from PIL import Image, ImageChops, ImageDraw, ImageMath

from tfstyle import options
from tfstyle.rules import shown
from tfstyle_client.errors import refusal
from tfstyle_client.lettering.recipe import (
    DEFAULT_MARGIN,
    DEFAULT_REACH,
    LEAST_SIZE,
    MOST_CHARACTERS,
    RULES,
    Words,
    usual_bold,
    usual_tracking,
)
from tfstyle_client.lettering.stencil import Stencil
from tfstyle_client.lettering.typeface import Typeface, needs_shaping

LEAST_FONT_SIZE = 16
"""Pixels to the em; letters of that size have strokes of two pixels."""
_LEADING = 1.15
_LEVELS = 32
"""Distances at which the fading of the reach is drawn."""
_TRIAL = 1000.0
"""The font size at which a text is measured: so large that whole pixels do not matter."""
_MOST_LARGER, _LARGER_SIDE = 4, 2048

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Lettering:
    """`words`, set with a font of `font_size` pixels to the em on a sheet of `size` (width, height).

    `pieces` are (text, x, y): a letter, or a line whose letters join, and where it begins on its baseline. Letters are
    widened by `bold` pixels, and painted up to `reach` pixels beyond.
    """

    words: Words
    typeface: Typeface
    size: tuple[int, int]
    font_size: float
    pieces: tuple[tuple[str, float, float], ...]
    bold: float
    reach: float

    @cached_property
    def ink(self) -> Image.Image:
        """The letters themselves: "L", 255 in them, 0 outside, and in between on their edges."""
        return self.within(0)

    @cached_property
    def around(self) -> Image.Image:
        """The letters with all of their reach: "L", as `ink`."""
        *_, widest = self._growing()
        return widest

    @cached_property
    def weights(self) -> Image.Image:
        """How much of the painting there may be: "L", 255 in the letters.

        Beyond them it falls with the square of what is left of the reach, so that tips reach far and masses do not.
        """
        *levels, _ = self._growing()
        total = Image.new("I", self.size)
        for level in levels:
            total = ImageMath.lambda_eval(_sum, one=total, other=level)
        mean = ImageMath.lambda_eval(lambda found: (found["total"] + _LEVELS // 2) / _LEVELS, total=total)
        return ImageChops.lighter(mean.convert("L"), self.ink)

    @cached_property
    def stencil(self) -> Stencil:
        """What cutting them out of a picture needs of them."""
        return Stencil(self.ink, self.around, self.font_size, self.reach)

    def _growing(self) -> Iterator[Image.Image]:
        """The letters, wider and wider: at `_LEVELS` distances that have equal shares of the weights, and the reach."""
        grown = self.ink
        for level in reversed(range(_LEVELS)):
            # A wide stroke may leave holes in sharp corners, where a narrower one has covered them.
            grown = ImageChops.lighter(grown, self.within(self.reach * (1 - ((level + 0.5) / _LEVELS) ** 0.5)))
            yield grown
        yield ImageChops.lighter(grown, self.within(self.reach))

    def within(self, distance: float) -> Image.Image:
        """The places within so many pixels of the letters: "L", as `ink`.

        Pillow moves letters by up to a pixel for strokes of a fraction of a pixel. So they are drawn with whole ones,
        on a sheet that is larger by a factor, and made smaller.
        """
        larger = max(1, min(_MOST_LARGER, _LARGER_SIDE // max(self.size)))
        width, height = self.size
        drawn = Image.new("L", (larger * width, larger * height))
        canvas = ImageDraw.Draw(drawn)
        font = self.typeface.at(larger * self.font_size)
        stroke = round(larger * (self.bold + distance))
        for text, x, y in self.pieces:
            place = round(larger * x), round(larger * y)
            canvas.text(place, text, 255, font, anchor="ls", stroke_width=stroke, stroke_fill=255)
        return drawn.reduce(larger)


def draw(
    text: str,
    typeface: Typeface | None = None,
    *,
    size: int = 512,
    reach: float = DEFAULT_REACH,
    margin: float = DEFAULT_MARGIN,
    bold: float | None = None,
    tracking: float | None = None,
) -> Lettering:
    """Set `text` so large that the longer side of its sheet has `size` pixels; lines end with a newline.

    `typeface` None means Pillow's own font. `reach`, `margin`, `bold` and `tracking` are parts of the font size; `bold`
    and `tracking` None mean `usual_bold` and `usual_tracking`.
    Raises `BadRequestError`, naming the field.
    """
    typeface = typeface or Typeface()
    if bold is None:
        bold = usual_bold(typeface.digest)
    if tracking is None:
        tracking = usual_tracking(reach, bold)
    given = {"reach": reach, "margin": margin, "bold": bold, "tracking": tracking}
    for field, value in given.items():
        if complaint := RULES[field].complaint(value):
            raise refusal(field, complaint)
    most = int(options.RULES["size"].maximum or size)
    if not LEAST_SIZE <= size <= most:
        raise refusal("size", f"must be {LEAST_SIZE} to {most} for letters; got {size}")
    lines = _lines(text)
    for line in lines:
        typeface.check(line)
    border = bold + reach + margin
    placed = list(_placed(typeface, lines, tracking))
    boxes = [box for *_, box in placed]
    left, top, right, bottom = (
        extreme(sides) for extreme, sides in zip((min, min, max, max), zip(*boxes, strict=True), strict=True)
    )
    if right <= left or bottom <= top:
        raise refusal("text", "has nothing that the font draws")
    width, height = (end - begin + 2 * border for begin, end in ((left, right), (top, bottom)))
    font_size = size / max(width, height)
    if font_size < LEAST_FONT_SIZE:
        why = f"is too long for a picture of {size} pixels: its letters would have a font size of {font_size:.0f}"
        raise refusal("text", f"{why}, and need {LEAST_FONT_SIZE}; break it into lines, or make size larger")
    across, down = (max(1, round(side * font_size)) for side in (width, height))
    return Lettering(
        Words(text, typeface.digest, reach, margin, bold, tracking),
        typeface,
        (across, down),
        font_size,
        tuple((piece, (x + border - left) * font_size, (y + border - top) * font_size) for piece, x, y, _ in placed),
        bold * font_size,
        reach * font_size,
    )


def _lines(text: str) -> list[str]:
    """The lines of a text, composed: a letter and its accent are one character where there is one."""
    lines = [line.strip() for line in unicodedata.normalize("NFC", text).replace("\r\n", "\n").split("\n")]
    if not any(lines):
        raise refusal("text", "is empty")
    if (length := sum(map(len, lines))) > MOST_CHARACTERS:
        raise refusal("text", f"must have at most {MOST_CHARACTERS} characters; got {length}")
    if control := [sign for line in lines for sign in line if unicodedata.category(sign) in {"Cc", "Cs"}]:
        raise refusal("text", f"has a character that cannot be drawn, {shown(control[0])}; use letters and \\n")
    return lines


def _placed(typeface: Typeface, lines: list[str], tracking: float) -> Iterator[tuple[str, float, float, Box]]:
    """(text, x, y, box) of each piece with ink, in ems: lines centred on x 0, the first with its baseline at y 0.

    A piece is a letter, or a line whose letters join, which cannot be tracked. The box is that of its ink: left, top,
    right, bottom.
    """
    font = typeface.at(_TRIAL)
    for number, line in enumerate(lines):
        pieces = [line] if any(map(needs_shaping, line)) else list(line)
        # Kerning is in the length of what goes before.
        ends = [font.getlength("".join(pieces[: count + 1])) for count in range(len(pieces))]
        places = [
            (end - font.getlength(piece)) / _TRIAL + count * tracking
            for count, (piece, end) in enumerate(zip(pieces, ends, strict=True))
        ]
        width = ends[-1] / _TRIAL + (len(pieces) - 1) * tracking if pieces else 0.0
        for piece, place in zip(pieces, places, strict=True):
            if not piece.isspace():
                x, y = place - width / 2, number * _LEADING
                left, top, right, bottom = (side / _TRIAL for side in font.getbbox(piece, anchor="ls"))
                yield piece, x, y, (x + left, y + top, x + right, y + bottom)


def _sum(images: dict[str, Any]) -> Any:
    return images["one"] + images["other"]
