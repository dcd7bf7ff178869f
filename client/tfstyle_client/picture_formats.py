"""Picture files other than PNG, with Pillow, which is imported when it is first needed."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tfstyle.inputs import LEAST_SHARE, MOST_COLOURS, Size

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".avif": "AVIF",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
"""{ending: Pillow's name of the format}."""
LOSSY = ("JPEG", "WEBP", "AVIF")
DEEP = ("PNG", "TIFF")
"""The formats that hold 16 bits per sample."""
QUALITY = 92
LARGEST_MAP = 1024
"""Pixels of a side of a map of regions that are looked at to count its colours."""
_DEPTH = 24
"""Where a PNG has its bits per sample."""
_ORIENTATION = 0x0112
"""The number of the EXIF field."""
_ON_ITS_SIDE = (5, 6, 7, 8)
"""The orientations in which width and height change places."""


def convert(png: bytes, ending: str, quality: int = QUALITY) -> bytes:
    """The picture in the format of `ending`; a PNG stays as it is.

    Its profile, EXIF data and XMP packet are kept. JPEG has no transparency: white shows through. Formats other than
    PNG and TIFF have 8 bits per sample.
    Raises OSError or ValueError where the format cannot hold the picture.
    """
    kind = FORMATS[ending]
    if kind == "PNG":
        return png
    if kind == "TIFF":
        from tfstyle_client.tiff_writer import tiff_of

        with _opened(png) as first, _opened(png) as second:
            return tiff_of(first, second) if png[_DEPTH] == 16 else tiff_of(first)
    settings: dict[str, Any] = {"quality": quality}
    with _opened(png) as picture:
        settings |= {name: picture.info[name] for name in ("icc_profile", "exif", "xmp") if picture.info.get(name)}
        shown = on_white(picture) if kind == "JPEG" and picture.has_transparency_data else picture
        buffer = io.BytesIO()
        shown.save(buffer, kind, **settings)
    return buffer.getvalue()


def is_writable(kind: str) -> bool:
    """Whether the installed Pillow can write the format of that name; some come without AVIF."""
    from PIL import features

    return kind != "AVIF" or bool(features.check("avif"))


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


def flat_colours(picture: bytes) -> int:
    """The number of flat colours in a map of regions; 0 where it is none, or Pillow cannot read it."""
    from PIL import Image, UnidentifiedImageError

    try:
        with _opened(picture) as opened:
            opened.thumbnail((LARGEST_MAP, LARGEST_MAP), Image.Resampling.NEAREST)
            found = opened.convert("RGB").getcolors(opened.width * opened.height)
            flat = [colour for count, colour in found or () if count >= LEAST_SHARE * opened.width * opened.height]
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return 0
    return len(flat) if len(flat) <= MOST_COLOURS else 0


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


def in_srgb(picture: Image) -> Image:
    """The picture in RGB, or RGBA where it has transparency, and in sRGB if its profile can be read."""
    from PIL import ImageCms

    flat = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    profile = picture.info.get("icc_profile")
    if not profile:
        return flat
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        shown = ImageCms.profileToProfile(flat.convert("RGB"), source, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError):
        return flat
    if shown is None:
        return flat
    if flat.mode == "RGBA":
        shown.putalpha(flat.getchannel("A"))
    return shown
