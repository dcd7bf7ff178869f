"""From the colours that a file declares to sRGB."""

from __future__ import annotations

import io
from collections.abc import Iterable

from PIL import Image, ImageCms

from tfstyle.images.rgb_space import RgbSpace

Space = bytes | RgbSpace
"""An ICC profile or an RGB space in numbers."""
_FULL_RANGE = [max(0, min(255, round((sample - 16) * 255 / 219))) for sample in range(256)]


def to_srgb(image: Image.Image, declared: Iterable[Space] = ()) -> Image.Image:
    """`image`, of mode L, RGB, CMYK or LAB, as RGB in sRGB.

    The first of the `declared` spaces that can be used for its mode counts; without one, samples are taken as sRGB.
    Grey stays grey.
    """
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


def _from_rgb_space(image: Image.Image, space: RgbSpace, grey: bool) -> Image.Image | None:
    if space.narrow_range:
        image = image.point(_FULL_RANGE * len(image.getbands()))
    if space.is_srgb(grey):
        return image.convert("RGB")
    profile = space.icc_profile(grey)
    return None if profile is None else _converted(image, profile)


def _converted(image: Image.Image, profile: bytes) -> Image.Image | None:
    """`image` by an ICC profile; None for a profile that is damaged or for another colour model."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except (ImageCms.PyCMSError, OSError):
        return None
    if image.mode == "L" and source.profile.xcolor_space.strip() == "RGB":
        # Many grey files carry the RGB profile of what they were made from. One channel stands for all, because
        # rounding would tint some greys.
        coloured = _transformed(image.convert("RGB"), source)
        return None if coloured is None else coloured.getchannel("G").convert("RGB")
    return _transformed(image, source)


def _transformed(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image | None:
    try:
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return None
