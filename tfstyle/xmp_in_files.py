"""Where picture files have their XMP packet, as part 3 of the XMP specification says: PNG, JPEG, WebP, AVIF and TIFF.

No pixel is decoded, and no more is read than the packet. `MOST_PARTS` and `tfstyle.xmp.MOST_BYTES` bound the work.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from tfstyle.xmp import MOST_BYTES, PacketError
from tfstyle.xmp_in_boxes import in_boxes

PNG_KEYWORD = b"XML:com.adobe.xmp"
JPEG_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
TIFF_TAG = 700
MOST_PARTS = 100_000
"""Chunks, segments or entries of a file that are looked at. A PNG of 512 MB in chunks of 8 KiB has 65,000."""
_PNG = b"\x89PNG\r\n\x1a\n"


def find_packet(data: bytes) -> bytes | None:
    """The XMP packet of a PNG, JPEG, WebP, AVIF or TIFF file; None where there is none, or in a file of another kind.

    Of a packet that is longer than `MOST_BYTES`, one byte more than those is returned. Raises `PacketError` where a
    compressed packet is damaged.
    """
    view = memoryview(data)
    try:
        if data.startswith(_PNG):
            return _in_png(view)
        if data.startswith(b"\xff\xd8\xff"):
            return _in_jpeg(view)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _in_webp(view)
        if data[:4] in (b"II*\0", b"MM\0*"):
            return _in_tiff(view)
        if data[4:8] == b"ftyp":
            return in_boxes(view)
    except struct.error:  # the file ends early
        return None
    return None


def _bounded(view: memoryview) -> bytes:
    return bytes(view[: MOST_BYTES + 1])


def _in_png(data: memoryview) -> bytes | None:
    for kind, start, length in _png_chunks(data):
        if kind == b"iTXt" and bytes(data[start : start + len(PNG_KEYWORD) + 1]) == PNG_KEYWORD + b"\0":
            return _international_text(data[start + len(PNG_KEYWORD) + 1 : start + length])
    return None


def _png_chunks(data: memoryview) -> Iterator[tuple[bytes, int, int]]:
    """(type, where the chunk's data begins, their length) of each chunk."""
    start = len(_PNG)
    for _ in range(MOST_PARTS):
        if start + 8 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, start)
        yield kind, start + 8, length
        start += 12 + length


def _international_text(rest: memoryview) -> bytes | None:
    """The text of an iTXt chunk, from what follows its keyword."""
    if len(rest) < 2:
        return None
    compressed = rest[0] == 1
    # Two names, of the language and of the keyword in it, end with a zero each.
    names = bytes(rest[2 : 2 + 200]).split(b"\0", 2)
    if len(names) < 3:
        return None
    text = rest[2 + len(names[0]) + 1 + len(names[1]) + 1 :]
    if not compressed:
        return _bounded(text)
    try:
        return zlib.decompressobj().decompress(text, MOST_BYTES + 1)
    except zlib.error:
        raise PacketError("has damaged XMP metadata: they cannot be decompressed") from None


def _in_jpeg(data: memoryview) -> bytes | None:
    start = 2
    for _ in range(MOST_PARTS):
        mark, kind, length = struct.unpack_from(">BBH", data, start)
        if mark != 0xFF or kind in (0xD9, 0xDA):  # the end, or the pixels
            return None
        if kind == 0xE1 and bytes(data[start + 4 : start + 4 + len(JPEG_HEADER)]) == JPEG_HEADER:
            return _bounded(data[start + 4 + len(JPEG_HEADER) : start + 2 + length])
        start += 2 + length
    return None


def _in_webp(data: memoryview) -> bytes | None:
    start = 12
    for _ in range(MOST_PARTS):
        kind, length = struct.unpack_from("<4sI", data, start)
        if kind == b"XMP ":
            return _bounded(data[start + 8 : start + 8 + length])
        start += 8 + length + length % 2
    return None


def _in_tiff(data: memoryview) -> bytes | None:
    order = "<" if bytes(data[:2]) == b"II" else ">"
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    (entries,) = struct.unpack_from(f"{order}H", data, start)
    for entry in range(entries):
        tag, kind, count, place = struct.unpack_from(f"{order}HHII", data, start + 2 + 12 * entry)
        if tag == TIFF_TAG and kind in (1, 7):  # bytes, or bytes of no declared kind
            return _bounded(data[place : place + count])
    return None
