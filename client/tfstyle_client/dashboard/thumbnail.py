"""A program of its own: `python -I thumbnail.py SIDE PIXELS < PICTURE` writes a line of JSON and a WebP file.

It decodes pictures of strangers, so it limits its own memory and time first. The thumbnail is upright and in sRGB, its
longer side at most SIDE pixels. A picture of more than PIXELS pixels is refused by its header.
"""

from __future__ import annotations

import io
import json
import os
import resource
import sys
from contextlib import suppress

from PIL import Image, ImageCms, ImageFile, ImageOps

MEMORY = 3 * 2**30
CPU_SECONDS = 8
NICE = 10
"""Jobs on the same machine come first."""
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "MPO")
QUALITY = 86
ORIENTATION, TURNED = 0x0112, (5, 6, 7, 8)
"""The EXIF tag, and its values for pictures that lie on their side."""


def main(side: int, pixels: int) -> None:
    """Read the picture from standard input, and write to standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    os.nice(NICE)
    Image.MAX_IMAGE_PIXELS = None  # the limit is ours, and is checked below
    ImageFile.LOAD_TRUNCATED_IMAGES = True  # the server decides whether it takes one
    with Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=FORMATS) as picture:
        width, height = picture.size
        if width * height > pixels:
            _write({"error": f"has {width} x {height} pixels; at most {pixels:,} are accepted"})
            return
        kind = "JPEG" if picture.format == "MPO" else picture.format
        if picture.getexif().get(ORIENTATION) in TURNED:
            width, height = height, width
        # Decodes a JPEG at a smaller scale; what remains is done by `thumbnail`.
        picture.draft("RGB", (2 * side, 2 * side))
        shown = _in_srgb(_in_eight_bits(ImageOps.exif_transpose(picture)))
    shown.thumbnail((side, side), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    shown.save(file, "WEBP", quality=QUALITY)
    _write({"width": width, "height": height, "format": kind})
    sys.stdout.buffer.write(file.getvalue())


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        return picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return picture


def _in_srgb(picture: Image.Image) -> Image.Image:
    """The picture as RGB or RGBA. A colour profile that cannot be read is ignored, as browsers do."""
    profile = picture.info.get("icc_profile")
    if profile and picture.mode in ("RGB", "L", "CMYK"):
        with suppress(ImageCms.PyCMSError, OSError):
            source, target = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
            picture = ImageCms.profileToProfile(picture, source, target, outputMode="RGB") or picture
    has_alpha = "A" in picture.getbands() or "transparency" in picture.info
    return picture.convert("RGBA" if has_alpha else "RGB")


def _write(facts: dict[str, object]) -> None:
    sys.stdout.buffer.write(json.dumps(facts).encode() + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
