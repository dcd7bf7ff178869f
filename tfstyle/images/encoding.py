"""Encode pictures."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from tfstyle.images.picture import Picture


def encode_png(picture: Picture) -> bytes:
    """`picture` as the bytes of a PNG file: RGB, or RGBA if it has alpha."""
    pixels = picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
