"""What is special about TIFF: several pages, raw camera data with the same signature, EXIF data inside the file."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from itertools import islice

from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from tfstyle.images.formats import UnsupportedError

_SUBFILE_TYPE, _WIDTH, _LENGTH, _DNG_VERSION = 254, 256, 257, 50706
_REDUCED, _MASK = 1, 4
_MOST_PAGES = 1000
"""Maximum number of pages that are counted."""
_FIRST_ENTRIES = 4
"""The entries of a directory are sorted by tag, and almost none is below that of the subfile's type."""


def first_directory(data: bytes) -> ImageFileDirectory_v2:
    """The tags of the first page of the file `data`. Raises many types where they are damaged,
    and `UnsupportedError` for a kind that Pillow cannot read.
    """
    if _is_big(data) and data.startswith(b"MM"):
        raise UnsupportedError("is a BigTIFF with the most significant byte first; save it as TIFF or PNG")
    directory = ImageFileDirectory_v2(data[: 16 if _is_big(data) else 8])
    file = io.BytesIO(data)
    file.seek(directory.next)
    directory.load(file)
    return directory


def declared_size(directory: ImageFileDirectory_v2) -> tuple[int, int]:
    """(width, height) in pixels of the page of a directory. Raises KeyError or ValueError without one."""
    return int(directory[_WIDTH]), int(directory[_LENGTH])


def exif_of(data: bytes, directory: ImageFileDirectory_v2) -> Image.Exif:
    """The EXIF data of the page of a directory, which are a part of the file."""
    exif = Image.Exif()
    exif.endian = "<" if data.startswith(b"II") else ">"
    exif.bigtiff = _is_big(data)
    exif.load_from_fp(io.BytesIO(data), directory.offset)
    return exif


def check_single_photo(directory: ImageFileDirectory_v2, data: bytes) -> None:
    """Raise `UnsupportedError` unless the file `data`, with this first directory, is one page with developed colours.

    Smaller copies of the first page and masks do not count as pages.
    """
    if _DNG_VERSION in directory:
        raise UnsupportedError("is raw camera data (DNG); develop it and send a TIFF or JPEG")
    if directory.get(_SUBFILE_TYPE, 0) & _REDUCED:
        raise UnsupportedError("begins with a thumbnail, as raw camera data does; develop it and send a TIFF or JPEG")
    whole = (1 for kind in _subfile_types(data) if not kind & (_REDUCED | _MASK))
    pages = sum(islice(whole, _MOST_PAGES + 1))
    if pages > 1:
        number = f"more than {_MOST_PAGES:,}" if pages > _MOST_PAGES else f"{pages:,}"
        raise UnsupportedError(f"has {number} pages; send one page")


def _subfile_types(data: bytes) -> Iterator[int]:
    """The subfile type of each page. The chain of pages ends where it is damaged, or leads back."""
    order = "<" if data.startswith(b"II") else ">"
    count, entry, place, first = ("Q", "HHQI4x", "Q", 8) if _is_big(data) else ("H", "HHII", "I", 4)
    count, entry, place = (f"{order}{layout}" for layout in (count, entry, place))
    seen: set[int] = set()
    try:
        (offset,) = struct.unpack_from(place, data, first)
        while offset and offset not in seen:
            seen.add(offset)
            (entries,) = struct.unpack_from(count, data, offset)
            table = offset + struct.calcsize(count)
            kind = 0
            for number in range(min(entries, _FIRST_ENTRIES)):
                tag, _, _, value = struct.unpack_from(entry, data, table + number * struct.calcsize(entry))
                kind = value if tag == _SUBFILE_TYPE else kind
            yield kind
            (offset,) = struct.unpack_from(place, data, table + entries * struct.calcsize(entry))
    except struct.error:
        return


def _is_big(data: bytes) -> bool:
    return data[2:4] in (b"+\0", b"\0+")
