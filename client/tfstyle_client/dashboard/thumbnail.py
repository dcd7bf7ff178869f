"""A program of its own: `python -I thumbnail.py SIDE PIXELS < PICTURE` writes a line of JSON and a WebP file.

It decodes pictures of strangers, so it limits its own memory and time first. The thumbnail is upright and in sRGB, its
longer side at most SIDE pixels. A picture of more than PIXELS pixels is refused by its header. HEIC files need
pillow-heif, and TIFF files of more than 8 bits the engine, without which Pillow shows the usual ones.
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
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "HEIF", "MPO")
NAMES = {"MPO": "JPEG", "HEIF": "HEIC"}
"""Formats that people know by another name than Pillow."""
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis")
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
    data = sys.stdin.buffer.read()
    if data[4:8] == b"ftyp" and not _reads_heic() and data[8:12] in HEIC_BRANDS:
        _write({"error": "is HEIC; install its reader beside the page (pip install 'tfstyle[heic]'), or use JPEG"})
        return
    with _of_the_engine(data, pixels) or Image.open(io.BytesIO(data), formats=FORMATS) as picture:
        width, height = picture.size
        if width * height > pixels:
            _write({"error": f"has {width} x {height} pixels; at most {pixels:,} are accepted"})
            return
        kind = NAMES.get(str(picture.format), picture.format)
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


def _reads_heic() -> bool:
    """Let Pillow read HEIC files. Whether it does."""
    try:
        import pillow_heif
    except ImportError:
        return False
    # The main picture itself, and no more threads than one, since each reserves memory.
    pillow_heif.register_heif_opener(thumbnails=False, decode_threads=1)
    return True


def _of_the_engine(data: bytes, pixels: int) -> Image.Image | None:
    """A TIFF of more than 8 bits, of which Pillow misreads some kinds; None for others, and without the engine."""
    if not data.startswith((b"II", b"MM")):
        return None
    with suppress(Exception):  # of the import, or of many types where the file is damaged: then Pillow has a try
        import numpy as np

        from tfstyle.images import ImageLimits, decode
        from tfstyle.images.tiff import first_directory
        from tfstyle.images.wide_tiff import is_wide

        if is_wide(first_directory(data)):
            found = decode(data, "image", ImageLimits(len(data), pixels)).in_depth(8)
            picture = Image.fromarray(found.pixels if found.alpha is None else np.dstack([found.pixels, found.alpha]))
            picture.format = "TIFF"
            return picture
    return None


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        return picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return picture


def _in_srgb(picture: Image.Image) -> Image.Image:
    """The picture as RGB or RGBA. A colour profile that cannot be read is ignored, as browsers do."""
    profile = picture.info.get("icc_profile")
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    if mode == "RGBA" or picture.mode not in ("RGB", "L", "CMYK", "LAB"):
        picture = picture.convert(mode)
    if profile or picture.mode == "LAB":
        with suppress(ImageCms.PyCMSError, OSError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile) if profile else ImageCms.createProfile("LAB"))
            target = ImageCms.createProfile("sRGB")
            picture = ImageCms.profileToProfile(picture, source, target, outputMode=mode) or picture
    return picture.convert(mode)


def _write(facts: dict[str, object]) -> None:
    sys.stdout.buffer.write(json.dumps(facts).encode() + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
