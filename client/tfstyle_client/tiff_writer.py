"""TIFF files of results. Pillow writes none with 16-bit colours, and none that is compressed and has EXIF data."""

from __future__ import annotations

import struct
import zlib
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_BYTES = 273, 277, 278, 279
_PLANAR, _SOFTWARE, _EXTRA_SAMPLES, _XMP, _EXIF, _ICC_PROFILE = 284, 305, 338, 700, 34665, 34675
_DEFLATE, _RGB, _CONTIGUOUS, _ALPHA = 8, 2, 1, 2
_HEADER = 8
_LEVEL = 6
STRIP = 2**20
"""Bytes of a strip before it is compressed, about."""


def tiff_of(first: Image, second: Image | None = None) -> bytes:
    """The TIFF file of a PNG that is opened, with its profile, EXIF data and XMP packet. Its mode is RGB or RGBA.

    Pillow reads either the high or the low bytes of a PNG with 16-bit colours. For one, it is opened a `second` time.
    """
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    width, height = first.size
    bands = len(first.getbands())
    size = 1 if second is None else 2
    if second is None:
        samples = bytearray(first.tobytes())
    else:
        samples = bytearray(size * bands * width * height)
        samples[0::2], samples[1::2] = _bytes(second, "L"), _bytes(first, "B")
    row = size * bands * width
    rows = max(1, STRIP // row)
    strips = [
        zlib.compress(memoryview(samples)[start : start + rows * row], _LEVEL)
        for start in range(0, len(samples), rows * row)
    ]
    # Pillow counts them from the end of the directory.
    offsets = tuple(accumulate(map(len, strips[:-1]), initial=0))
    directory = ImageFileDirectory_v2(prefix=b"II")
    for tag, value in (
        (_WIDTH, width),
        (_LENGTH, height),
        (_BITS, (8 * size,) * bands),
        (_COMPRESSION, _DEFLATE),
        (_PHOTOMETRIC, _RGB),
        (_STRIP_OFFSETS, offsets),
        (_SAMPLES, bands),
        (_ROWS_PER_STRIP, rows),
        (_STRIP_BYTES, tuple(map(len, strips))),
        (_PLANAR, _CONTIGUOUS),
    ):
        directory[tag] = value
    if bands == 4:
        directory[_EXTRA_SAMPLES] = _ALPHA
    for tag, name in ((_SOFTWARE, "Software"), (_XMP, "xmp"), (_ICC_PROFILE, "icc_profile")):
        if fact := first.info.get(name):
            directory[tag] = fact
    if details := dict(first.getexif().get_ifd(_EXIF)):
        directory[_EXIF] = details
    header = b"II*\0" + struct.pack("<I", _HEADER)
    return header + directory.tobytes(_HEADER) + b"".join(strips)


def _bytes(picture: Image, order: str) -> bytes:
    """The first ("B") or second ("L") byte of each sample of an opened PNG with 16 bits."""
    picture.tile = [tile._replace(args=f"{picture.mode};16{order}") for tile in picture.tile]  # type: ignore[attr-defined]
    return picture.tobytes()
