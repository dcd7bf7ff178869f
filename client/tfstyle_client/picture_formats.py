"""Picture files other than PNG, with Pillow, which is imported when it is first needed."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
"""{ending: Pillow's name of the format}."""
LOSSY = ("JPEG", "WEBP")
QUALITY = 92


def convert(png: bytes, ending: str, quality: int = QUALITY) -> bytes:
    """The picture in the format of `ending`; a PNG stays as it is. JPEG has no transparency: white shows through.

    Raises OSError or ValueError where the format cannot hold the picture.
    """
    kind = FORMATS[ending]
    if kind == "PNG":
        return png
    settings: dict[str, Any] = {"quality": quality} if kind in LOSSY else {"compression": "tiff_deflate"}
    with _opened(png) as picture:
        shown = _on_white(picture) if kind == "JPEG" and picture.has_transparency_data else picture
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


def mean_colour(picture: bytes) -> tuple[int, int, int] | None:
    """The mean colour of what is visible of a picture file, in its own colour space; None where Pillow cannot tell."""
    from PIL import Image, UnidentifiedImageError

    try:
        with _opened(picture) as opened:
            opened.draft("RGB", (64, 64))  # JPEG is decoded at a fraction of its size
            mean = opened.convert("RGBA").resize((1, 1), Image.Resampling.BOX).convert("RGB").tobytes()
            return mean[0], mean[1], mean[2]
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return None


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


def _on_white(picture: Image) -> Image:
    from PIL import Image

    layer = picture.convert("RGBA")
    white = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(white, layer).convert("RGB")
