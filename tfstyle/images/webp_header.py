"""The size that a WebP file declares. Pillow reports it only after allocating the whole canvas."""

from __future__ import annotations


def declared_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels from the first chunk of the WebP file `data`; None if the chunk is damaged."""
    chunk, header = data[12:16], data[20:30]
    if len(header) < 10:
        return None
    if chunk == b"VP8X":
        return int.from_bytes(header[4:7], "little") + 1, int.from_bytes(header[7:10], "little") + 1
    if chunk == b"VP8 ":
        return int.from_bytes(header[6:8], "little") & 0x3FFF, int.from_bytes(header[8:10], "little") & 0x3FFF
    if chunk == b"VP8L":
        bits = int.from_bytes(header[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None
