"""Convert the colours that a file declares to sRGB."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageChops, ImageCms

from tfstyle.images.rgb_space import RgbSpace

Space = bytes | RgbSpace
"""An ICC profile or an RGB space in numbers."""
_FULL_RANGE = [max(0, min(255, round((sample - 16) * 255 / 219))) for sample in range(256)]


def to_srgb(image: Image.Image, declared: tuple[Space, ...] = ()) -> Image.Image:
    """`image`, of mode L, RGB, CMYK or LAB, as RGB in sRGB.

    The first of the `declared` spaces that is usable for its mode applies; without one, samples are taken as sRGB.
    Grey stays grey.
    """
    if declared and image.mode == "RGB" and _is_grey(image):
        image = image.getchannel("R")  # some formats store grey as RGB, possibly with a grey profile
    grey = image.mode == "L"
    for space in declared:
        if isinstance(space, bytes):
            converted = _converted(image, space)
        elif grey or image.mode == "RGB":
            converted = _from_rgb_space(image, space, grey)
        else:
            converted = None
        if converted is not None:
            return converted
    if image.mode == "LAB":
        converted = _transformed(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
        if converted is not None:
            return converted
    return image.convert("RGB")


def _is_grey(image: Image.Image) -> bool:
    red, green, blue = image.split()
    return all(ImageChops.difference(red, other).getbbox() is None for other in (green, blue))


def _from_rgb_space(image: Image.Image, space: RgbSpace, grey: bool) -> Image.Image | None:
    if space.narrow_range:
        image = image.point(_FULL_RANGE * len(image.getbands()))
    if space.is_srgb(grey):
        return image.convert("RGB")
    profile = space.icc_profile(grey)
    return None if profile is None else _converted(image, profile)


def _converted(image: Image.Image, profile: bytes) -> Image.Image | None:
    """`image` converted by an ICC profile; None if the profile is damaged or for another colour model."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except (ImageCms.PyCMSError, OSError):
        return None
    return _grey_transformed(image, source) if image.mode == "L" else _transformed(image, source)


def _grey_transformed(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image | None:
    """Convert grey through a table of its 256 levels, in full precision: littleCMS' fast path is 9 levels off."""
    levels: Image.Image = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    if source.profile.xcolor_space.strip() == "RGB":
        levels = levels.convert("RGB")  # many grey files have an RGB profile, kept from the original
    table = _transformed(levels, source, ImageCms.Flags.NOOPTIMIZE)
    # Use one channel for all three, because rounding tints some greys.
    return None if table is None else image.point(list(table.getchannel("G").tobytes())).convert("RGB")


def _transformed(
    image: Image.Image, source: ImageCms.ImageCmsProfile, flags: ImageCms.Flags = ImageCms.Flags.NONE
) -> Image.Image | None:
    try:
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode="RGB", flags=flags)
    except (ImageCms.PyCMSError, OSError):
        return None
