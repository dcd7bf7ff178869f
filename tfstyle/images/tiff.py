"""Special cases of TIFF: several pages, raw camera data with the same signature, grey samples of unusual ranges."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from tfstyle.images.formats import UnsupportedError

_SUBFILE_TYPE, _BITS_PER_SAMPLE, _PHOTOMETRIC, _DNG_VERSION = 254, 258, 262, 50706
_REDUCED, _MASK = 1, 4
_WHITE_IS_ZERO = 0
_MOST_PAGES = 1000
"""Maximum number of pages that are counted: the time that Pillow needs grows with their square."""


def check_single_photo(image: TiffImageFile, data: bytes) -> None:
    """Raise `UnsupportedError` unless the file `data`, opened as `image`, is one page with developed colours.

    Smaller copies of the first page and masks do not count as pages.
    """
    if _DNG_VERSION in image.tag_v2:
        raise UnsupportedError("is raw camera data (DNG); develop it and send a TIFF or JPEG")
    if image.tag_v2.get(_SUBFILE_TYPE, 0) & _REDUCED:
        raise UnsupportedError("begins with a thumbnail, as raw camera data does; develop it and send a TIFF or JPEG")
    pages = _pages(data) if image.is_animated else 1
    if pages > 1:
        number = f"more than {_MOST_PAGES:,}" if pages > _MOST_PAGES else f"{pages:,}"
        raise UnsupportedError(f"has {number} pages; send one page")


def _pages(data: bytes) -> int:
    # On a separate object, because seeking to other pages changes the metadata of the first.
    with Image.open(io.BytesIO(data), formats=("TIFF",)) as image:
        pages = 0
        try:
            while pages <= _MOST_PAGES:
                if not image.getexif().get(_SUBFILE_TYPE, 0) & (_REDUCED | _MASK):
                    pages += 1
                image.seek(image.tell() + 1)
        except EOFError:
            pass
        return pages


def whole_range(image: TiffImageFile) -> Image.Image:
    """`image` with 16-bit grey from 0 (black) to 65535 (white). Pillow neither scales 12-bit samples nor inverts."""
    if not image.mode.startswith("I;16"):
        return image
    bits = image.tag_v2.get(_BITS_PER_SAMPLE, (16,))[0]
    samples = np.asarray(image).astype(np.uint16) << (16 - bits)
    if image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        samples = 65535 - samples
    upright = Image.fromarray(samples)
    upright.info = image.info
    return upright
