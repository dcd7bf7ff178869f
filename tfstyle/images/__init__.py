"""Picture files: decode within limits, resize, encode."""

from __future__ import annotations

from tfstyle.images.decoding import decode
from tfstyle.images.encoding import encode_png, encode_webp
from tfstyle.images.limits import SMALLEST_SIDE, ImageLimits
from tfstyle.images.picture import Picture
from tfstyle.images.resizing import fit_longer_side, resize, resize_floats
from tfstyle.images.taken import Taken

__all__ = [
    "SMALLEST_SIDE",
    "ImageLimits",
    "Picture",
    "Taken",
    "decode",
    "encode_png",
    "encode_webp",
    "fit_longer_side",
    "resize",
    "resize_floats",
]
