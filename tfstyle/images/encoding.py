"""Encode pictures."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tfstyle.images.picture import Picture
from tfstyle.xmp_in_files import PNG_KEYWORD

WEBP_QUALITY = 88
"""On a scale to 100. Below that, strokes lose their edges."""
WEBP_METHOD = 2
"""From 0 to 6; larger means slower, and smaller files."""


def encode_png(picture: Picture, texts: Mapping[str, str] | None = None, xmp: bytes = b"") -> bytes:
    """`picture` as the bytes of a PNG file: RGB, or RGBA if it has alpha.

    `texts` are what the file says about itself: {keyword, as "Software" of the PNG specification: text}. `xmp` is an
    XMP packet, if there is one.
    """
    info = PngInfo()
    for keyword, text in (texts or {}).items():
        info.add_text(keyword, text)
    if xmp:
        info.add_itxt(PNG_KEYWORD.decode(), xmp.decode())
    pixels = picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def encode_webp(picture: Picture) -> bytes:
    """`picture` as the bytes of a lossy WebP file, for previews: a tenth of a PNG's size."""
    pixels = picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", quality=WEBP_QUALITY, method=WEBP_METHOD)
    return buffer.getvalue()
