"""Parts of a PNG file that Pillow does not expose, or not before it decodes the pixels."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile

from tfstyle.images.formats import UnsupportedError
from tfstyle.images.rgb_space import HDR_TRANSFERS, SRGB, RgbSpace, of_code_points, power

_SRGB_GAMMA = 0.45455
_GAMMA_TOLERANCE = 0.05
"""Relative. libpng and browsers also treat gammas within this tolerance as equal."""


_MAY_HOLD_EXIF = {b"eXIf", b"tEXt", b"zTXt", b"iTXt"}
"""EXIF data were written as text before there was a chunk for them, and XMP may have the orientation."""


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The type of each chunk, and where its contents begin and end."""
    start = 8
    while start + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, start)
        yield kind, start + 8, start + 8 + length
        start += 12 + length


def chunks_before_pixels(data: bytes) -> dict[bytes, bytes]:
    """The first chunk of each type before the pixels, by type."""
    chunks: dict[bytes, bytes] = {}
    for kind, start, end in takewhile(lambda chunk: chunk[0] != b"IDAT", _chunks(data)):
        chunks.setdefault(kind, data[start:end])
    return chunks


def may_have_exif(data: bytes) -> bool:
    """Whether the file has a chunk that may hold EXIF data or an orientation, before or behind the pixels."""
    return any(kind in _MAY_HOLD_EXIF for kind, _, _ in _chunks(data))


def declared_spaces(chunks: dict[bytes, bytes], icc_profile: bytes | None) -> tuple[bytes | RgbSpace, ...]:
    """The colour spaces that the file declares, as ICC profiles or numbers, in the order of their precedence.

    The order is cICP, iCCP, sRGB, then cHRM and gAMA (PNG specification, third edition, 4.3). A reader uses the first
    that it supports. Raises `UnsupportedError` for a high dynamic range.
    """
    found = (
        _cicp(chunks.get(b"cICP", b"")),
        icc_profile,
        SRGB if b"sRGB" in chunks else None,
        _gamma(chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b"")),
    )
    return tuple(space for space in found if space is not None)


def _cicp(chunk: bytes) -> RgbSpace | None:
    if len(chunk) != 4:
        return None
    primaries, transfer, matrix, full_range = chunk
    if transfer in HDR_TRANSFERS:
        raise UnsupportedError.for_hdr(HDR_TRANSFERS[transfer])
    # The samples of a PNG are RGB, so any other matrix contradicts the rest of the file.
    return of_code_points(primaries, transfer, narrow_range=full_range == 0) if matrix == 0 else None


def _gamma(gama: bytes, chrm: bytes) -> RgbSpace | None:
    """The space of gAMA and cHRM. As in libpng and browsers, cHRM alone is not enough for a conversion."""
    gamma = int.from_bytes(gama[:4], "big") / 100_000
    if gamma == 0:
        return None
    space = SRGB
    if len(chrm) >= 32:
        x_y = [value / 100_000 for value in struct.unpack(">8i", chrm[:32])]
        white, red, green, blue = zip(x_y[::2], x_y[1::2], strict=True)
        space = RgbSpace(red, green, blue, white)
    if space.same_primaries(SRGB) and abs(gamma / _SRGB_GAMMA - 1) < _GAMMA_TOLERANCE:
        return SRGB  # the value that the specification recommends to write with an sRGB chunk
    return replace(space, curve=power(1 / gamma))
