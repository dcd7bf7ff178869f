"""Encode pictures."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping
from functools import cache
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tfstyle.images.picture import Picture
from tfstyle.images.rgb_space import SPACES
from tfstyle.options import DISPLAY_P3, SRGB
from tfstyle.xmp_in_files import PNG_KEYWORD

WEBP_QUALITY = 88
"""On a scale to 100. Below that, strokes lose their edges."""
WEBP_METHOD = 2
"""From 0 to 6; larger means slower, and smaller files."""
_NAMES = {DISPLAY_P3: "Display P3"}
_CODE_POINTS = {DISPLAY_P3: bytes((12, 13, 0, 1))}
"""Primaries, transfer characteristics, matrix (RGB) and full range, by ITU-T H.273."""
_LEVEL = 3
"""Of zlib, for 16 bits. Higher levels make files of noisy low bytes 1 % smaller, in twice the time."""
_BEHIND_HEADER = 33


def encode_png(picture: Picture, texts: Mapping[str, str] | None = None, xmp: bytes = b"") -> bytes:
    """`picture` as the bytes of a PNG file: RGB, or RGBA if it has alpha, with 8 or 16 bits as the picture has.

    `texts` are what the file says about itself: {keyword, as "Software" of the PNG specification: text}. `xmp` is an
    XMP packet, if there is one. A colour space other than sRGB is declared by its profile and its code points. When the
    photo was taken is in the EXIF data.
    """
    info = PngInfo()
    for keyword, text in (texts or {}).items():
        info.add_text(keyword, text)
    if xmp:
        info.add_itxt(PNG_KEYWORD.decode(), xmp.decode())
    if picture.colour_space in _CODE_POINTS:
        info.add(b"cICP", _CODE_POINTS[picture.colour_space])
    pixels = _with_alpha(picture)
    if pixels.dtype == np.uint8:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG", pnginfo=info, **_facts(picture))
        return buffer.getvalue()
    # Pillow has no pictures of 16-bit colours.
    made = bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels), level=_LEVEL))
    return made[:_BEHIND_HEADER] + _chunks(picture, info) + made[_BEHIND_HEADER:]


def encode_webp(picture: Picture) -> bytes:
    """`picture`, of 8 bits, as the bytes of a lossy WebP file, for previews: a tenth of a PNG's size."""
    buffer = io.BytesIO()
    Image.fromarray(_with_alpha(picture)).save(
        buffer, "WEBP", quality=WEBP_QUALITY, method=WEBP_METHOD, **_facts(picture)
    )
    return buffer.getvalue()


def _with_alpha(picture: Picture) -> Any:
    return picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])


def _facts(picture: Picture) -> dict[str, bytes]:
    """Profile and EXIF data as Pillow's writers take them."""
    facts = {}
    if picture.colour_space != SRGB:
        facts["icc_profile"] = _profile(picture.colour_space)
    if picture.taken is not None:
        facts["exif"] = picture.taken.exif()
    return facts


@cache
def _profile(colour_space: str) -> bytes:
    profile = SPACES[colour_space].icc_profile(name=_NAMES[colour_space])
    assert profile is not None
    return profile


def _chunks(picture: Picture, info: PngInfo) -> bytes:
    """The chunks of a PNG between its header and its pixels."""
    facts = _facts(picture)
    chunks = [chunk[:2] for chunk in info.chunks]
    if "exif" in facts:
        chunks.insert(0, (b"eXIf", facts["exif"].removeprefix(b"Exif\0\0")))
    if "icc_profile" in facts:
        chunks.insert(0, (b"iCCP", b"ICC Profile\0\0" + zlib.compress(facts["icc_profile"])))
    return b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
