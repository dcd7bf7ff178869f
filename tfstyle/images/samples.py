"""Separate colours from transparency in pictures of 8 bits per sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tfstyle.images.formats import UnsupportedError

_PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
_COLOURED = {"P", "PA", "RGBA", "RGBX", "YCbCr"}
_GREY = {"1", "LA"}
_KEPT = {"L", "RGB", "CMYK", "LAB"}


def separate(image: Image.Image, png_depth: int = 8) -> tuple[Image.Image, NDArray[np.uint8] | None]:
    """The colours of `image`, of mode L, RGB, CMYK or LAB, and its alpha, [H, W] uint8 or None.

    `image` is upright; `png_depth` are the bits per sample if it comes from a PNG.
    Raises `UnsupportedError` for samples of 32 bits.
    """
    key = image.info.get("transparency")
    if image.mode == "L" and isinstance(key, int):
        # Pillow scales samples of 2 and 4 bits to 0..255, but not the transparent value.
        shown = np.asarray(image) != key * (255 // (2**png_depth - 1))
        return image, np.where(shown, 255, 0).astype(np.uint8)
    if image.mode in _PREMULTIPLIED:
        image = image.convert(_PREMULTIPLIED[image.mode])
    alpha: NDArray[np.uint8] | None = None
    if image.has_transparency_data:
        # Without an alpha channel, transparency is in the palette or given as one transparent colour.
        alpha = np.array((image if "A" in image.getbands() else image.convert("RGBA")).getchannel("A"))
    if image.mode in _COLOURED:
        return (image.convert("RGBA") if image.mode in ("P", "PA") else image).convert("RGB"), alpha
    if image.mode in _GREY:
        return image.convert("L"), alpha
    if image.mode in _KEPT:
        return image, alpha
    raise UnsupportedError(f"has an unsupported sample format ({image.mode}); send 8 or 16 bits per sample")
