"""The colour space that an AVIF or HEIC file declares by code points, which their readers do not report."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from tfstyle.images.formats import UnsupportedError
from tfstyle.images.rgb_space import HDR_TRANSFERS, RgbSpace, of_code_points

_UNSPECIFIED = 2


def declared_spaces(data: bytes, icc_profile: bytes | None) -> tuple[bytes | RgbSpace, ...]:
    """The colour spaces that the AVIF or HEIC file `data` declares, as ICC profiles or numbers, in order of precedence.

    An ICC profile takes precedence over code points (ISO/IEC 14496-12, 12.1.5). Unspecified code points mean sRGB.
    Raises `UnsupportedError` for a high dynamic range.
    """
    found: list[bytes | RgbSpace] = [icc_profile] if icc_profile else []
    for properties in _inside(data, b"meta", b"iprp", b"ipco"):
        for kind, content in _boxes(properties):
            # In files of the common encoders, the first one belongs to the main picture.
            if kind == b"colr" and content[:4] == b"nclx" and len(content) >= 8:
                primaries, transfer = struct.unpack_from(">HH", content, 4)
                if transfer in HDR_TRANSFERS:
                    raise UnsupportedError.for_hdr(HDR_TRANSFERS[transfer])
                space = of_code_points(
                    1 if primaries == _UNSPECIFIED else primaries, 13 if transfer == _UNSPECIFIED else transfer
                )
                return (*found, *([space] if space else []))
    return tuple(found)


def _inside(data: bytes, kind: bytes, *further: bytes) -> Iterator[bytes]:
    for found, content in _boxes(data):
        if found == kind:
            # The box "meta" has a version and flags in front of its contents.
            inner = content[4:] if kind == b"meta" else content
            if further:
                yield from _inside(inner, *further)
            else:
                yield inner


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The type and contents of each box in `data`. Stops at a box that is damaged or longer than 4 GiB."""
    start = 0
    while start + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, start)
        length = length or len(data) - start  # 0: up to the end
        if length < 8:
            return
        yield kind, data[start + 8 : start + length]
        start += length
