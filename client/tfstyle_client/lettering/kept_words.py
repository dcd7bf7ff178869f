"""A chunk of the sheet's own PNG file that says which words it shows. Needs no Pillow.

The sheet is the content picture of a transfer, which whoever keeps the job keeps too. So its words can be told, and
its letters be cut out, wherever the job is known, and the contract needs no field for them. The delivered letters have
the words in their file too, if it says how they were made, so that they can be made again.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from dataclasses import dataclass
from typing import Any

from tfstyle.errors import InvalidInputError
from tfstyle_client.lettering.recipe import Words, words_of

CHUNK = b"leTt"
"""Its case says: may be ignored, private, may be copied by programs that do not know it (PNG specification, 5.4)."""
_PNG = b"\x89PNG\r\n\x1a\n"
_HEADER = 33
"""Where the first chunk, IHDR, ends."""
_MOST_CHUNKS = 100

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class KeptWords:
    """What a sheet says: its `words`, the size of its letters in pixels, and the `paper` on which they are painted.

    `paper` is None for letters on a painted ground.
    """

    words: Words
    font_size: float
    reach: float
    paper: Colour | None

    def chunk(self, stencil: bytes = b"") -> bytes:
        """The chunk's data: a line of JSON, and in a sheet the letters themselves, as `Stencil.png`."""
        fields = {
            "words": self.words.as_json(),
            "font_size": self.font_size,
            "reach": self.reach,
            "paper": self.paper,
        }
        return json.dumps(fields).encode() + b"\n" + stencil


def with_words(png: bytes, kept: KeptWords) -> bytes:
    """The PNG file with the words, behind its header."""
    data = kept.chunk()
    chunk = struct.pack(">I", len(data)) + CHUNK + data + struct.pack(">I", zlib.crc32(CHUNK + data))
    return png[:_HEADER] + chunk + png[_HEADER:]


def kept_words(png: bytes) -> tuple[KeptWords, bytes] | None:
    """What the beginning of a file says, and the stencil of a sheet; None for other pictures, or a damaged chunk.

    The stencil is cut short where the file is. Delivered letters have none.
    """
    start = len(_PNG)
    if not png.startswith(_PNG):
        return None
    for _ in range(_MOST_CHUNKS):
        if start + 8 > len(png):
            return None
        length, kind = struct.unpack_from(">I4s", png, start)
        if kind == CHUNK:
            line, _, stencil = png[start + 8 : start + 8 + length].partition(b"\n")
            found = _parsed(line)
            return None if found is None else (found, stencil)
        if kind == b"IDAT":
            return None
        start += 12 + length
    return None


def _parsed(line: bytes) -> KeptWords | None:
    try:
        fields = json.loads(line)
        # Half a surrogate pair is valid JSON, and no text that could be sent on.
        json.dumps(fields, ensure_ascii=False).encode()
        paper = fields["paper"]
        if paper is not None:
            red, green, blue = (_level(level) for level in paper)
            paper = red, green, blue
        return KeptWords(words_of(fields["words"]), _length(fields["font_size"]), _length(fields["reach"]), paper)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError, InvalidInputError):
        return None


def _level(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= 255:
        raise ValueError(value)
    return value


def _length(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ValueError(value)
    return float(value)
