"""Distinguish JPEG files that lack only their end marker from those that lack a part of the picture.

libjpeg cannot do this: it waits for the marker and, when it gets one, fills missing parts with grey. Here the file is
decoded several times, each time with different bytes appended. If pixels are missing, the results differ.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator

from PIL import ImageChops
from PIL.JpegImagePlugin import JpegImageFile

LACKS_END = "lacks its end marker; it may have been cut short"
_MISSING = "a part of the picture is missing"

_END = b"\xff\xd9"
_NOISE = hashlib.shake_256(b"a continuation").digest(2048)
# None may contain a marker. The second noise is the inverse of the first, so they differ in the first missing bit.
_CONTINUATIONS = tuple(
    noise.replace(b"\xff", b"\xfe") for noise in (b"", _NOISE, bytes(~byte & 255 for byte in _NOISE))
)
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")


def lacks_end(data: bytes) -> bool:
    """Whether the JPEG file `data` has no end marker, neither at its end nor before data that follows the picture."""
    return not data.endswith(_END) and all(marker != _END[1] for marker, _, _ in _segments(data))


def read_without_end(data: bytes) -> JpegImageFile:
    """Read and load a JPEG file that lacks its end marker but nothing else.

    Raises OSError, as Pillow does, if a part of the picture is missing. Decodes three times.
    """
    scan = _last_scan(data)
    if scan is None:
        raise OSError(_MISSING)
    # Some writers pad the file with zeros, which must not count as picture data. A zero after 0xFF belongs to the data.
    body = data.rstrip(b"\0")
    padded = len(data) - len(body) > 1
    body = body if padded else data
    body = body[:-1] + (b"\xff\0" if padded else b"") if body.endswith(b"\xff") else body
    restarts = len(_RESTART.findall(body, scan))
    readings = (_read(body, noise, restarts) for noise in _CONTINUATIONS)
    picture = next(readings)
    if any(ImageChops.difference(picture, again).getbbox() is not None for again in readings):
        raise OSError(_MISSING)
    return picture


def _read(body: bytes, noise: bytes, restarts: int) -> JpegImageFile:
    # Restart markers are numbered modulo 8; each lets libjpeg resume at the start of a part of the picture.
    further = b"".join(noise + bytes((0xFF, 0xD0 + (restarts + part) % 8)) for part in range(8)) if noise else b""
    picture = JpegImageFile(io.BytesIO(body + further + _END))
    picture.load()
    return picture


def _last_scan(data: bytes) -> int | None:
    """The position at which the coded pixels of the last scan begin; None if scans are missing.

    The scans must cover every coefficient of every component at full precision: a progressive file that ends between
    two scans decodes without gaps, but to a coarser picture.
    """
    missing: dict[int, set[int]] = {}
    position = None
    for marker, segment, end in _segments(data):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a frame
            missing = {component: set(range(64)) for component in segment[6::3]}
        elif marker == 0xDA and segment:  # a scan
            position = end
            components = segment[1 : 1 + 2 * segment[0] : 2]
            first, last, precision = segment[1 + 2 * segment[0] :][:3].ljust(3, b"\0")
            if precision & 15 == 0:
                for component in components:
                    missing.get(component, set()).difference_update(range(first, last + 1))
    return position if missing and not any(missing.values()) else None


def _segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """The marker, contents and end position of each segment of `data`, and the end marker; coded pixels are skipped."""
    position = 2
    while found := _MARKER.search(data, position):
        marker, start = found[1][0], found.end()
        position = start if marker == _END[1] else start + int.from_bytes(data[start : start + 2], "big")
        if position > len(data) or position < start:
            return
        yield marker, data[start + 2 : position], position
