"""Pictures in Display P3: colours that sRGB lacks survive, all others look the same, and files say what they are."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from conftest import png
from image_files import GRADIENT, PATCHES, SRGB_TO_P3, converted, light_to_srgb, saved, srgb_to_light
from tfstyle.images import Picture, decode, encode_png, encode_webp
from tfstyle.images.rgb_space import DISPLAY_P3

PROFILE = DISPLAY_P3.icc_profile(name="Display P3")
SATURATED = np.repeat(
    np.repeat(np.array([[[255, 0, 0], [0, 255, 0]], [[250, 10, 20], [90, 90, 90]]], np.uint8), 16, 0), 16, 1
)
"""Four fields, three of them outside sRGB where the space is Display P3."""


def in_srgb(file: bytes) -> np.ndarray:
    """What another program shows: littleCMS, by the profile in the file."""
    with Image.open(io.BytesIO(file)) as opened:
        source = ImageCms.ImageCmsProfile(io.BytesIO(opened.info["icc_profile"]))
        target = ImageCms.createProfile("sRGB")
        shown = ImageCms.profileToProfile(opened.convert("RGB"), source, target, flags=ImageCms.Flags.NOOPTIMIZE)
    return np.asarray(shown).astype(int)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_saturated_colours_survive(kind: str) -> None:
    data = saved(
        Image.fromarray(SATURATED),
        kind,
        icc_profile=PROFILE,
        **({"quality": 100, "subsampling": 0} if kind == "JPEG" else {}),
    )
    picture = decode(data, "content", colour_space="display-p3")
    assert picture.colour_space == "display-p3"
    assert np.abs(picture.pixels / 257 - SATURATED).max() < (4 if kind == "JPEG" else 0.1)
    narrow = decode(data, "content")
    assert narrow.colour_space == "srgb"
    assert np.abs(narrow.pixels[:16, :16].astype(int) - (255, 0, 0)).max() < 4, "clipped: no longer that red"
    assert np.abs(narrow.pixels[:16, :16].astype(int) - narrow.pixels[16:, :16]).max() < 12


def test_srgb_pictures_have_the_same_colours_by_other_numbers() -> None:
    picture = decode(png(PATCHES), "content", colour_space="display-p3")
    expected = converted(PATCHES, srgb_to_light, SRGB_TO_P3)
    assert np.abs(picture.pixels / 257 - expected).max() < 0.1
    assert np.abs(in_srgb(encode_png(picture.in_depth(8))) - PATCHES).max() <= 1
    again = decode(encode_png(picture), "content")
    assert np.abs(again.pixels / 257 - PATCHES).max() < 0.1, "to sRGB and back in 16 bits"


def test_grey_is_the_same_in_both_spaces() -> None:
    grey = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, 2)
    for data in (png(grey), png(grey[..., 0]), saved(Image.fromarray(grey), "PNG", icc_profile=PROFILE)):
        picture = decode(data, "content", colour_space="display-p3")
        assert picture.grey
        assert np.abs(picture.pixels / 257 - grey).max() < 0.02


def test_alpha_is_kept() -> None:
    alpha = np.linspace(1, 255, 1200).reshape(30, 40).astype(np.uint8)
    picture = decode(png(np.dstack([GRADIENT, alpha])), "content", colour_space="display-p3")
    np.testing.assert_array_equal(picture.alpha, alpha.astype(int) * 257)


@pytest.mark.parametrize("depth", [8, 16])
def test_png_carries_profile_and_code_points(depth: int) -> None:
    made = encode_png(Picture(SATURATED, colour_space="display-p3").in_depth(depth))
    assert made[made.index(b"cICP") + 4 :][:4] == bytes((12, 13, 0, 1))
    with Image.open(io.BytesIO(made)) as opened:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(opened.info["icc_profile"]))
    assert ImageCms.getProfileDescription(profile).strip() == "Display P3"
    # SMPTE EG 432-1: the primaries are those of P3, as chromaticities under D65.
    matrix = np.array([xyz for xyz, _ in (profile.profile.red_colorant, profile.profile.green_colorant)])
    adapted = np.linalg.inv(np.array(profile.profile.chromatic_adaptation[0])) @ matrix.T
    np.testing.assert_allclose((adapted / adapted.sum(0))[:2].T, [(0.680, 0.320), (0.265, 0.690)], atol=5e-4)
    np.testing.assert_array_equal(decode(made, "content", colour_space="display-p3").in_depth(8).pixels, SATURATED)
    if depth == 8:
        assert b"iCCP" not in encode_png(Picture(SATURATED))


def test_previews_show_the_right_colours() -> None:
    light = srgb_to_light(PATCHES) @ SRGB_TO_P3.T
    picture = Picture(np.rint(light_to_srgb(light)).astype(np.uint8), colour_space="display-p3")
    assert np.abs(in_srgb(encode_webp(picture)) - PATCHES)[4:12, 4:12].max() < 8
