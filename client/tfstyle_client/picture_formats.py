"""Picture files other than PNG, with Pillow, which is imported when it is first needed."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tfstyle.inputs import Size

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
"""{ending: Pillow's name of the format}."""
LOSSY = ("JPEG", "WEBP")
QUALITY = 92
_ORIENTATION = 0x0112
"""The number of the EXIF field."""
_ON_ITS_SIDE = (5, 6, 7, 8)
"""The orientations in which width and height change places."""


def convert(png: bytes, ending: str, quality: int = QUALITY) -> bytes:
    """The picture in the format of `ending`; a PNG stays as it is. JPEG has no transparency: white shows through.

    Raises OSError or ValueError where the format cannot hold the picture.
    """
    kind = FORMATS[ending]
    if kind == "PNG":
        return png
    settings: dict[str, Any] = {"quality": quality} if kind in LOSSY else {"compression": "tiff_deflate"}
    with _opened(png) as picture:
        shown = on_white(picture) if kind == "JPEG" and picture.has_transparency_data else picture
        buffer = io.BytesIO()
        shown.save(buffer, kind, icc_profile=picture.info.get("icc_profile"), **settings)
    return buffer.getvalue()


def has_transparency(picture: bytes) -> bool:
    """Whether the picture file has an alpha channel or a transparent colour."""
    with _opened(picture) as opened:
        return bool(opened.has_transparency_data)


def longer_side(picture: bytes) -> int | None:
    """The longer side of a picture file in pixels; None where Pillow cannot tell."""
    from PIL import UnidentifiedImageError

    try:
        with _opened(picture) as opened:
            return max(opened.size)
    except (UnidentifiedImageError, OSError, ValueError):
        return None


def size_as_shown(picture: bytes) -> Size | None:
    """(width, height) of a picture file, as its EXIF orientation has it shown; None where Pillow cannot tell."""
    from PIL import UnidentifiedImageError

    try:
        with _opened(picture) as opened:
            width, height = opened.size
            # Pillow's size of a TIFF takes the orientation into account.
            turned = opened.format != "TIFF" and opened.getexif().get(_ORIENTATION) in _ON_ITS_SIDE
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):  # SyntaxError: a damaged PNG or EXIF block
        return None
    return (height, width) if turned else (width, height)


@contextmanager
def _opened(picture: bytes) -> Iterator[Image]:
    from PIL import Image

    with warnings.catch_warnings():
        # The pictures are the user's own, whatever their size.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        most, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            with Image.open(io.BytesIO(picture)) as opened:
                yield opened
        finally:
            Image.MAX_IMAGE_PIXELS = most


def on_white(picture: Image) -> Image:
    """The picture in RGB; white shows through where it is transparent."""
    from PIL import Image

    layer = picture.convert("RGBA")
    white = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(white, layer).convert("RGB")
