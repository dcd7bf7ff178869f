"""Convert 16-bit samples to a colour space, in floating-point numbers."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import ImageCms

from tfstyle.images.colour_management import Space
from tfstyle.images.rgb_space import SRGB, RgbSpace
from tfstyle.images.wide_samples import WideSamples

_BAND = 128
"""Rows that are converted at once."""
_CMS_NAMES = {"L": "gray", "RGB": "rgb", "CMYK": "cmyk", "LAB": "lab"}
_EXACT = imagecodecs.CMS.FLAGS.NOOPTIMIZE
"""Without it, littleCMS replaces what it computes by a table of 33 steps in each channel."""
_BLACK, _WHITE = 16 * 256, 235 * 256
"""16-bit samples of a narrow range."""


def to_space(samples: WideSamples, declared: tuple[Space, ...], target: RgbSpace) -> NDArray[np.uint16]:
    """The colours [H, W, 3] of `samples` in the space `target`, from 0 to 65535.

    The first of the `declared` spaces that is usable for the colour model applies; without one, samples are taken as
    sRGB. Grey stays grey. Colours that `target` does not have are clipped.
    """
    model, colours = samples.model, samples.colours
    if model == "RGB" and declared and _is_grey(colours):
        model, colours = "L", colours[..., :1]
    for space in declared:
        converted = _from(space, model, colours, target)
        if converted is not None:
            return converted
    if model == "LAB":
        lab = _transformed(model, colours, _lab_profile(), target)
        if lab is not None:
            return lab
    rgb = _inks_as_rgb(colours) if model == "CMYK" else colours
    assumed = _from(SRGB, "L" if model == "L" else "RGB", rgb, target)
    if assumed is None:
        raise OSError(f"its {model} colours cannot be converted")
    return assumed


def _from(space: Space, model: str, colours: NDArray[np.uint16], target: RgbSpace) -> NDArray[np.uint16] | None:
    """The colours converted from one declared space; None if it is damaged or for another colour model."""
    if isinstance(space, bytes):
        return _transformed(model, colours, space, target)
    if model not in ("L", "RGB"):
        return None
    if space.narrow_range:
        colours = _full_range(colours)
    if space.curve == target.curve and (model == "L" or space.same_primaries(target)):
        return np.repeat(colours, 3, axis=2) if model == "L" else np.ascontiguousarray(colours)
    profile = space.icc_profile(grey=model == "L")
    return None if profile is None else _transformed(model, colours, profile, target)


def _transformed(
    model: str, colours: NDArray[np.uint16], profile: bytes, target: RgbSpace
) -> NDArray[np.uint16] | None:
    if model == "L":
        # All levels there are, in place of all pixels.
        levels = np.arange(65536, dtype=np.uint16)[None, :, None]
        table = _by_profile("L", levels, profile, target)
        if table is None:
            # Many grey files have an RGB profile, kept from the original.
            table = _by_profile("RGB", np.repeat(levels, 3, axis=2), profile, target)
        # Green for all three, because rounding tints some greys.
        return None if table is None else np.repeat(table[0, :, 1][colours], 3, axis=2)
    return _by_profile(model, colours, profile, target)


def _by_profile(model: str, colours: NDArray[np.uint16], profile: bytes, target: RgbSpace) -> NDArray[np.uint16] | None:
    converted = np.empty((*colours.shape[:2], 3), np.uint16)
    for top, bottom in pairwise([*range(0, len(colours), _BAND), len(colours)]):
        band = np.ascontiguousarray(colours[top:bottom] if model != "L" else colours[top:bottom, :, 0])
        try:
            shown = imagecodecs.cms_transform(
                band,
                profile,
                _profile_of(target),
                colorspace=_CMS_NAMES[model],
                outcolorspace="rgb",
                outdtype="f4",
                flags=_EXACT,
            )
        except (imagecodecs.CmsError, ValueError):
            return None
        converted[top:bottom] = np.rint(np.clip(shown, 0, 1) * np.float32(65535))
    return converted


@cache
def _profile_of(target: RgbSpace) -> bytes:
    profile = target.icc_profile()
    assert profile is not None
    return profile


@cache
def _lab_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def _is_grey(colours: NDArray[np.uint16]) -> bool:
    return all(np.array_equal(colours[..., 0], colours[..., channel]) for channel in (1, 2))


def _full_range(colours: NDArray[np.uint16]) -> NDArray[np.uint16]:
    table = np.rint((np.arange(65536) - _BLACK) * (65535 / (_WHITE - _BLACK))).clip(0, 65535).astype(np.uint16)
    full: NDArray[np.uint16] = table[colours]
    return full


def _inks_as_rgb(colours: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Each ink and black absorb light one after the other, as in Pillow; for files without a profile."""
    rgb = np.empty((*colours.shape[:2], 3), np.uint16)
    for top in range(0, len(colours), _BAND):
        passed = 1 - colours[top : top + _BAND].astype(np.float32) / 65535
        rgb[top : top + _BAND] = np.rint(passed[..., :3] * passed[..., 3:] * 65535)
    return rgb
