"""Fonts: a file, or the one that comes with Pillow, and which characters it can set."""

from __future__ import annotations

import hashlib
import io
import unicodedata
from dataclasses import dataclass

from PIL import ImageFont, features

from tfstyle_client.errors import refusal

Font = ImageFont.FreeTypeFont
_PROBE = 32
"""Size in pixels at which single characters are compared."""
_NO_CHARACTER = "\U0010ffff"
"""Unicode assigns no character to it, so that every font draws its sign for a missing one."""
_MOST_NAMED = 8


@dataclass(frozen=True)
class Typeface:
    """A font file's contents; None for Pillow's own font, Aileron Regular, which has the characters of ASCII.

    Raises `BadRequestError`, naming the field `font`, where Pillow cannot read it.
    """

    data: bytes | None = None

    def __post_init__(self) -> None:
        self.at(_PROBE)

    @property
    def digest(self) -> str:
        """The SHA-256 of the file, in hexadecimal; empty for Pillow's own font."""
        return "" if self.data is None else hashlib.sha256(self.data).hexdigest()

    def at(self, size: float, layout: ImageFont.Layout | None = None) -> Font:
        """The font at so many pixels to the em."""
        try:
            if self.data is not None:
                return ImageFont.truetype(io.BytesIO(self.data), size, layout_engine=layout)
            font = ImageFont.load_default(size)
        except (OSError, ImportError) as error:
            raise refusal("font", f"is not a TrueType or OpenType font that can be read: {error}") from None
        if not isinstance(font, Font):
            raise refusal("font", "needs Pillow with FreeType, which this one lacks")
        return font.font_variant(layout_engine=layout)

    def check(self, text: str) -> None:
        """Raise `BadRequestError`, naming the field, if the font or Pillow cannot set a line of text."""
        if any(map(needs_shaping, text)) and not features.check("raqm"):
            why = "has letters that join or run from right to left; setting them needs Pillow with libraqm"
            raise refusal("text", f"{why}, which is not installed here")
        try:
            font = self.at(_PROBE, ImageFont.Layout.BASIC)
            missing = _drawn(font, _NO_CHARACTER)
            lacking = [sign for sign in dict.fromkeys(text) if _has_ink(sign) and _drawn(font, sign) == missing]
        except OSError as error:  # a font of bitmaps in fixed sizes
            raise refusal("font", f"cannot be drawn in any size: {error}") from None
        if lacking:
            named = " ".join(f"{sign} (U+{ord(sign):04X})" for sign in lacking[:_MOST_NAMED])
            more = f" and {len(lacking) - _MOST_NAMED} more" if len(lacking) > _MOST_NAMED else ""
            raise refusal("text", f"has characters that the font lacks: {named}{more}; choose another font")


def _drawn(font: Font, sign: str) -> tuple[object, ...]:
    mask, offset = font.getmask2(sign, "L")
    return mask.size, offset, bytes(mask)


def _has_ink(sign: str) -> bool:
    """Whether a font has to draw something for the character."""
    return not sign.isspace() and unicodedata.category(sign) != "Cf"


def needs_shaping(sign: str) -> bool:
    """Whether the character is set from right to left, or is a mark that is placed on others."""
    return unicodedata.bidirectional(sign) in {"R", "AL"} or unicodedata.category(sign) in {"Mn", "Mc"}
