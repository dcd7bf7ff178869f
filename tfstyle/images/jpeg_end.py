"""Tell JPEG files that lack nothing but their end marker from those that lack a part of the picture.

libjpeg cannot tell. It waits for the marker, and once it is given one, it fills what is missing with grey. Here the
end of the file is continued in several ways: pixels that were missing would come out differently each time.
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
# Neither may hold a marker. As one is the other inverted, they differ in the first bit that is missing.
_CONTINUATIONS = tuple(
    noise.replace(b"\xff", b"\xfe") for noise in (b"", _NOISE, bytes(~byte & 255 for byte in _NOISE))
)
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")


def lacks_end(data: bytes) -> bool:
    """Whether the JPEG file `data` has no end marker, at its end or in front of what follows the picture."""
    return not data.endswith(_END) and all(marker != _END[1] for marker, _, _ in _segments(data))


def read_without_end(data: bytes) -> JpegImageFile:
    """The picture, loaded, of a JPEG file that lacks its end marker but nothing else.

    Raises OSError, as Pillow does, if a part of the picture is missing. Decodes three times.
    """
    scan = _last_scan(data)
    if scan is None:
        raise OSError(_MISSING)
    # Some writers reserve space with zeros, which must not pass as the missing end. A zero after 0xFF belongs to it.
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
    # Restart markers are numbered by turns of 8; each lets libjpeg read on where a part of the picture begins.
    further = b"".join(noise + bytes((0xFF, 0xD0 + (restarts + part) % 8)) for part in range(8)) if noise else b""
    picture = JpegImageFile(io.BytesIO(body + further + _END))
    picture.load()
    return picture


def _last_scan(data: bytes) -> int | None:
    """Where the coded pixels of the last scan begin; None where scans are missing.

    There must be one for every coefficient of every component in full precision: a progressive file that ends between
    two scans gives a whole picture, only a coarser one.
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
    """The marker, the contents and the end of each segment of `data`, coded pixels apart, and the end marker."""
    position = 2
    while found := _MARKER.search(data, position):
        marker, start = found[1][0], found.end()
        position = start if marker == _END[1] else start + int.from_bytes(data[start : start + 2], "big")
        if position > len(data) or position < start:
            return
        yield marker, data[start + 2 : position], position
