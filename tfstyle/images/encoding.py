"""Encode pictures."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tfstyle.images.picture import Picture


def encode_png(picture: Picture, texts: Mapping[str, str] | None = None) -> bytes:
    """`picture` as the bytes of a PNG file: RGB, or RGBA if it has alpha.

    `texts` are what the file says about itself: {keyword, as "Software" of the PNG specification: text}.
    """
    info = PngInfo()
    for keyword, text in (texts or {}).items():
        info.add_text(keyword, text)
    pixels = picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()
