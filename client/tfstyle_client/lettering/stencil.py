"""Where letters are, as pictures: what cutting them out of a painted sheet needs of them."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image


@dataclass(frozen=True)
class Stencil:
    """Letters of a `font_size` in pixels to the em, and their `reach` in pixels.

    `ink` and `around` are as those of `Lettering`: "L", the letters, and the letters with all of their reach.
    """

    ink: Image.Image
    around: Image.Image
    font_size: float
    reach: float

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.ink.size

    def png(self) -> bytes:
        """Both pictures as a PNG: the ink as its grey levels, the rest as its alpha."""
        buffer = io.BytesIO()
        Image.merge("LA", (self.ink, self.around)).save(buffer, "PNG")
        return buffer.getvalue()

    @classmethod
    def of_png(cls, data: bytes, font_size: float, reach: float) -> Stencil:
        """The reverse of `png`. Raises ValueError or OSError for what is none."""
        with Image.open(io.BytesIO(data), formats=["PNG"]) as opened:
            if opened.mode != "LA":
                raise ValueError(opened.mode)
            ink, around = opened.split()
        return cls(ink, around, font_size, reach)
