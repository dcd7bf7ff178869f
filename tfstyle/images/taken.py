"""When a photo was taken: the only metadata that a result takes over from its content picture.

Everything else in a camera's metadata stays behind: the place, serial numbers, names, and the thumbnail, which would
show the photo itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from PIL import Image

_EXIF_IFD = 0x8769
_DATE_TIME_ORIGINAL, _OFFSET_TIME, _OFFSET_TIME_ORIGINAL = 0x9003, 0x9010, 0x9011
_DATE_TIME = re.compile(r"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d")
_OFFSET = re.compile(r"[+-]\d\d:\d\d")


@dataclass(frozen=True)
class Taken:
    """The local `date_time` "YYYY:MM:DD HH:MM:SS", and its `offset` from UTC "+HH:MM", if it is known (EXIF 2.32)."""

    date_time: str
    offset: str | None = None

    def exif(self) -> bytes:
        """The same as EXIF data, as Pillow's writers take it."""
        exif = Image.Exif()
        details = exif.get_ifd(_EXIF_IFD)
        details[_DATE_TIME_ORIGINAL] = self.date_time
        if self.offset is not None:
            details[_OFFSET_TIME_ORIGINAL] = self.offset
        return exif.tobytes()


def taken_from(exif: Image.Exif) -> Taken | None:
    """The date in the EXIF data of a file; None where there is none, or no valid one."""
    try:
        details = exif.get_ifd(_EXIF_IFD)
    except Exception:  # Pillow raises many types on damaged metadata, which does not concern the pixels
        return None
    date_time = _matching(_DATE_TIME, details.get(_DATE_TIME_ORIGINAL))
    if date_time is None:
        return None
    offset = _matching(_OFFSET, details.get(_OFFSET_TIME_ORIGINAL)) or _matching(_OFFSET, details.get(_OFFSET_TIME))
    return Taken(date_time, offset)


def _matching(pattern: re.Pattern[str], value: object) -> str | None:
    text = value.strip("\0 ") if isinstance(value, str) else ""
    return text if pattern.fullmatch(text) else None
