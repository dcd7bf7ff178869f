"""Where files made of boxes (ISO 14496-12), such as AVIF, have their XMP packet: in an item of the MIME type of RDF.

`iinf` has the items' types, `iloc` their places in the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import SEEK_CUR, BytesIO

from tfstyle.xmp import MOST_BYTES

MIME = b"application/rdf+xml"
MOST_BOXES = 10_000
"""Boxes and items that are looked at."""


def in_boxes(data: memoryview) -> bytes | None:
    """The packet, or None. Of one that is longer than `MOST_BYTES`, one byte more than those is returned.

    Raises `struct.error` where the file ends early.
    """
    meta = _child(data, b"meta")
    if meta is None:
        return None
    infos, places = _child(meta[4:], b"iinf"), _child(meta[4:], b"iloc")
    if infos is None or places is None:
        return None
    item = _rdf_item(infos)
    if item is None:
        return None
    pieces, left = [], MOST_BYTES + 1
    for offset, length in _extents(places, item):
        pieces.append(bytes(data[offset : offset + min(length, left)]))
        left -= len(pieces[-1])
    return b"".join(pieces)


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """(type, contents) of each box."""
    start = 0
    for _ in range(MOST_BOXES):
        if start + 8 > len(data):
            return
        size, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", data, start + 8), 16
        elif size == 0:  # up to the end
            size = len(data) - start
        if size < head:
            return
        yield kind, data[start + head : start + size]
        start += size


def _child(data: memoryview, wanted: bytes) -> memoryview | None:
    return next((contents for kind, contents in _boxes(data) if kind == wanted), None)


def _rdf_item(infos: memoryview) -> int | None:
    """The number of the item with the packet."""
    if not len(infos):
        return None
    for kind, entry in _boxes(infos[6 if infos[0] == 0 else 8 :]):
        if kind != b"infe" or len(entry) < 12 or entry[0] not in (2, 3):
            continue
        layout = ">HH4s" if entry[0] == 2 else ">IH4s"
        number, _, item_type = struct.unpack_from(layout, entry, 4)
        # The item's name and its MIME type end with a zero each.
        texts = bytes(entry[4 + struct.calcsize(layout) :][:200]).split(b"\0")
        if item_type == b"mime" and MIME in texts[1:2]:
            return int(number)
    return None


def _extents(places: memoryview, wanted: int) -> list[tuple[int, int]]:
    """(offset in the file, length) of each part of an item; nothing where they are counted from elsewhere."""
    reader = BytesIO(places)

    def number(size: int) -> int:
        part = reader.read(size)
        if len(part) < size:
            raise struct.error
        return int.from_bytes(part, "big")

    version = number(4) >> 24
    sizes = number(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    for _ in range(min(number(2 if version < 2 else 4), MOST_BOXES)):
        item = number(2 if version < 2 else 4)
        from_file = version == 0 or number(2) & 15 == 0
        number(2)  # the file is this one
        base, parts = number(base_size), number(2)
        index = index_size if version else 0
        if item != wanted:
            reader.seek(parts * (index + offset_size + length_size), SEEK_CUR)
        elif from_file:
            extents = []
            for _ in range(parts):
                number(index)
                extents.append((base + number(offset_size), number(length_size)))
            return extents
    return []
