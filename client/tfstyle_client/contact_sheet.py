"""A labelled contact sheet: pictures in rows and columns, with what they were made with beside them."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfstyle_client.picture_formats import on_white

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

    Font = FreeTypeFont | ImageFont

INK, PAPER, GREY, RED = "#222222", "#ffffff", "#eeeeee", "#a01010"
SMALLEST_FONT, LARGEST_FONT = 13, 28
SMALLEST_CELL, LARGEST_CELL = 64, 2048
"""The longer side of a picture on a sheet, in pixels."""
LONGEST_SIDE = 16_000
"""Of a sheet in pixels; WebP holds 16,383."""
MOST_LINES = 4
"""Of a label; what is longer is cut off."""


@dataclass(frozen=True)
class Sheet:
    """What is on a sheet. `cells` are its rows: a picture's file, or the text in place of one that is missing.

    A label may have several lines. `rows` may all be empty, if there is one row.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[str]
    cells: Sequence[Sequence[bytes | str]]


def drawn(sheet: Sheet, side: int) -> bytes:
    """The sheet as a PNG. Pictures have `side` pixels in their longer side at most, and are not enlarged.

    Pictures of several sizes are brought to that of the largest. Raises OSError or ValueError where a picture cannot
    be read.
    """
    from PIL import Image, ImageDraw, ImageFont

    width, height = _cell_size(sheet, side)
    font = ImageFont.load_default(_font_size(max(width, height)))
    line = _line_height(font)
    gap = max(6, line // 2)
    label_width = _row_label_width(sheet, font, width)
    columns = [_wrapped(label, font, width - gap) for label in sheet.columns]
    left = 2 * gap + (label_width + 2 * gap if label_width else 0)
    inner = len(columns) * (width + gap) - gap
    title = _wrapped(sheet.title, font, left + inner - 2 * gap)
    top = 2 * gap + (len(title) + max(map(len, columns))) * line + 2 * gap
    rows = len(sheet.cells) * (height + gap) - gap
    picture = Image.new("RGB", (left + inner + 2 * gap, top + rows + 2 * gap), PAPER)
    draw = ImageDraw.Draw(picture)
    _write(draw, font, title, (2 * gap, 2 * gap), INK)
    for column, lines in enumerate(columns):
        middle = left + column * (width + gap) + width // 2
        _write(draw, font, lines, (middle, top - gap // 2 - len(lines) * line), INK, anchor="ma")
    for row, (label, cells) in enumerate(zip(sheet.rows, sheet.cells, strict=True)):
        y = top + row * (height + gap)
        lines = _wrapped(label, font, label_width) if label_width else []
        _write(draw, font, lines, (2 * gap, y + max(0, (height - len(lines) * line) // 2)), INK)
        for column, cell in enumerate(cells):
            place = left + column * (width + gap), y
            if isinstance(cell, str):
                _draw_missing(draw, font, cell, (*place, width, height))
            else:
                picture.paste(_opened(cell, (width, height)), place)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _cell_size(sheet: Sheet, side: int) -> tuple[int, int]:
    """(width, height) of all cells: those of the largest picture, reduced as far as `side` and the sheet require."""
    from PIL import Image

    sizes = []
    for cell in _pictures(sheet):
        with Image.open(io.BytesIO(cell)) as opened:
            sizes.append(opened.size)
    width, height = max(sizes, key=max, default=(side, side))
    room = LONGEST_SIDE // (max(len(sheet.columns), len(sheet.rows)) + 1) - LARGEST_FONT
    factor = min(1.0, min(side, room) / max(width, height))
    return max(1, round(width * factor)), max(1, round(height * factor))


def _pictures(sheet: Sheet) -> Iterator[bytes]:
    return (cell for row in sheet.cells for cell in row if isinstance(cell, bytes))


def _opened(data: bytes, size: tuple[int, int]) -> Image:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as opened:
        flat = on_white(opened)
    return flat if flat.size == size else flat.resize(size, Image.Resampling.LANCZOS)


def _font_size(side: int) -> int:
    return min(LARGEST_FONT, max(SMALLEST_FONT, side // 20))


def _line_height(font: Font) -> int:
    _, top, _, bottom = font.getbbox("Ag|")
    return int(1.3 * (bottom - top) + 0.5)


def _row_label_width(sheet: Sheet, font: Font, cell: int) -> int:
    """The width of the widest line of the rows' labels, and at most that of a cell; 0 if there are none."""
    lines = [line for label in sheet.rows for line in _drawable(label).splitlines()]
    widest = max((_width(line, font) for line in lines), default=0)
    return min(widest, max(cell, 6 * _line_height(font)))


def _width(text: str, font: Font) -> int:
    left, _, right, _ = font.getbbox(text)
    return int(right - left + 0.999) + 1


def _drawable(text: str) -> str:
    """The text in the characters that Pillow's own font has: accents are dropped, and others are question marks."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(
        char if char == "\n" or " " <= char <= "~" else "?" for char in plain if not unicodedata.combining(char)
    )


def _wrapped(text: str, font: Font, width: int) -> list[str]:
    """The lines of a label, none of them wider than `width`; the last one ends in dots where something is left out."""
    lines: list[str] = []
    for paragraph in _drawable(text).splitlines():
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if line and _width(longer, font) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    kept = [_cut(line, font, width) for line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        kept[-1] = _cut(f"{kept[-1]} ...", font, width) if kept[-1].endswith("...") else f"{kept[-1]} ..."
    return kept


def _cut(line: str, font: Font, width: int) -> str:
    """The line, or as much of its beginning and its end as there is room for."""
    if _width(line, font) <= width:
        return line
    for kept in range(len(line) - 1, 1, -1):
        shorter = f"{line[: (kept + 1) // 2]}...{line[len(line) - kept // 2 :]}"
        if _width(shorter, font) <= width:
            return shorter
    return line[:1]


def _write(
    draw: ImageDraw, font: Font, lines: Sequence[str], place: tuple[int, int], colour: str, anchor: str = "la"
) -> None:
    """Lines from `place` down, which is where the first one begins (anchor "la") or has its middle ("ma")."""
    x, y = place
    for line in lines:
        draw.text((x, y), line, font=font, fill=colour, anchor=anchor)
        y += _line_height(font)


def _draw_missing(draw: ImageDraw, font: Font, text: str, box: tuple[int, int, int, int]) -> None:
    """A grey field with the text, as far as it has room."""
    x, y, width, height = box
    draw.rectangle((x, y, x + width - 1, y + height - 1), fill=GREY)
    line = _line_height(font)
    lines = _wrapped(text, font, width - line)[: max(1, (height - line) // line)]
    _write(draw, font, lines, (x + line // 2, y + line // 2), RED)
