"""Declared colour spaces are converted to sRGB. Expected values are computed from the definitions of the spaces."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms

from conftest import png
from image_files import (
    BT2020_TO_SRGB,
    GRADIENT,
    P3_TO_SRGB,
    PATCHES,
    chrm,
    chunk,
    converted,
    gama,
    iccp,
    linear_profile,
    profile_with_red_and_blue_exchanged,
    raw_png,
    saved,
    srgb_to_light,
    with_chunks,
)
from tfstyle.errors import InvalidInputError
from tfstyle.images import decode
from tfstyle.images.colour_management import to_srgb
from tfstyle.images.samples import separate

ALPHA = np.linspace(1, 255, 32 * 32).reshape(32, 32).astype(np.uint8)
GREY = np.linspace(0, 255, 32 * 32).reshape(32, 32).astype(np.uint8)
LINEAR = converted(PATCHES, lambda samples: samples / 255)
SWAPPED = profile_with_red_and_blue_exchanged()
SRGB_CHUNK = chunk(b"sRGB", b"\0")
SRGB_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
P3_PRIMARIES = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)


def cicp(primaries: int, transfer: int, matrix: int = 0, full_range: int = 1) -> bytes:
    return chunk(b"cICP", bytes((primaries, transfer, matrix, full_range)))


def assert_close(pixels: np.ndarray, expected: np.ndarray, most: float = 2) -> None:
    assert np.abs(pixels.astype(float) - expected).max() <= most


def palette(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels).convert("P", palette=Image.Palette.ADAPTIVE)


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (Image.fromarray(PATCHES), "PNG"),
        (Image.fromarray(PATCHES), "TIFF"),
        (Image.fromarray(PATCHES), "WEBP"),
        (Image.fromarray(PATCHES), "AVIF"),
        (Image.fromarray(np.dstack([PATCHES, ALPHA])), "PNG"),
        (Image.fromarray(np.dstack([PATCHES, ALPHA])), "TIFF"),
        (Image.fromarray(np.dstack([PATCHES, ALPHA])), "WEBP"),
        (palette(PATCHES), "PNG"),
        (palette(PATCHES), "TIFF"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.mode,
)
@pytest.mark.parametrize("profile", ["linear", "swapped"])
def test_profiles_are_applied_in_every_mode_and_format(image: Image.Image, kind: str, profile: str) -> None:
    options = (
        {"lossless": True} if kind == "WEBP" else {"quality": 100, "subsampling": "4:4:4"} if kind == "AVIF" else {}
    )
    data = saved(image, kind, icc_profile=linear_profile(b"RGB ") if profile == "linear" else SWAPPED, **options)
    picture = decode(data, "content")
    assert_close(picture.pixels, LINEAR if profile == "linear" else PATCHES[..., ::-1], 6 if kind == "AVIF" else 2)
    if image.mode == "RGBA":
        np.testing.assert_array_equal(picture.alpha, ALPHA)  # never colour-converted
    else:
        assert picture.alpha is None


def test_palette_with_a_profile_keeps_its_transparency() -> None:
    image = palette(PATCHES)
    data = saved(image, "PNG", icc_profile=linear_profile(b"RGB "), transparency=bytes((50, 100, 150, 200)))
    picture = decode(data, "content")
    assert_close(picture.pixels, LINEAR)
    np.testing.assert_array_equal(picture.alpha, np.array([50, 100, 150, 200])[np.array(image)])


def test_palette_with_an_alpha_channel_is_converted() -> None:
    image = palette(PATCHES)
    image.putalpha(Image.fromarray(ALPHA))
    assert image.mode == "PA"
    colours, alpha = separate(image)
    assert_close(np.array(to_srgb(colours, (linear_profile(b"RGB "),))), LINEAR)
    np.testing.assert_array_equal(alpha, ALPHA)


@pytest.mark.parametrize("mode", ["L", "LA", "I;16", "LA16"])
@pytest.mark.parametrize("space", [b"GRAY", b"RGB "])
def test_grey_with_a_profile_stays_grey(mode: str, space: bytes) -> None:
    expected = converted(GREY, lambda samples: samples / 255)
    profile = linear_profile(space)
    if mode == "LA16":
        data = raw_png(np.dstack([GREY, ALPHA]).astype(int) * 257, 16, 4, iccp(profile))
    elif mode == "LA":
        data = saved(Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(ALPHA)]), "PNG", icc_profile=profile)
    else:
        data = saved(Image.fromarray(GREY if mode == "L" else GREY.astype(np.uint16) * 257), "PNG", icc_profile=profile)
    picture = decode(data, "content")
    assert picture.grey
    assert picture.full_scale == (65535 if "16" in mode else 255)
    assert_close(
        picture.pixels[..., 1] * (255 / picture.full_scale), expected, 2 if picture.full_scale == 255 else 0.02
    )
    assert (picture.alpha is None) == ("A" not in mode)


def test_mid_grey_of_linear_light_is_188() -> None:
    grey = np.full((20, 20, 4), (128, 128, 128, 255), np.uint8)
    picture = decode(saved(Image.fromarray(grey), "PNG", icc_profile=linear_profile(b"RGB ")), "content")
    assert_close(picture.pixels, np.full(3, 188), 1)


@pytest.mark.parametrize("profile", [b"no profile", linear_profile(b"GRAY")], ids=["damaged", "wrong colour model"])
def test_unusable_profile_is_ignored(profile: bytes) -> None:
    np.testing.assert_array_equal(decode(png(GRADIENT), "content").pixels, GRADIENT)
    np.testing.assert_array_equal(
        decode(saved(Image.fromarray(GRADIENT), "PNG", icc_profile=profile), "content").pixels, GRADIENT
    )


def test_rgb_profile_is_ignored_for_cmyk() -> None:
    cmyk = Image.fromarray(GRADIENT).convert("CMYK")
    picture = decode(saved(cmyk, "TIFF", icc_profile=SWAPPED), "content")
    np.testing.assert_array_equal(picture.pixels, np.array(cmyk.convert("RGB")))


@pytest.mark.parametrize(
    ("chunks", "to_light", "matrix"),
    [
        ([gama(1.0)], lambda samples: samples / 255, None),
        ([gama(0.7)], lambda samples: (samples / 255) ** (1 / 0.7), None),
        ([gama(0.5), chrm(*P3_PRIMARIES)], lambda samples: (samples / 255) ** 2, P3_TO_SRGB),
        ([cicp(12, 13)], srgb_to_light, P3_TO_SRGB),
        ([cicp(1, 8)], lambda samples: samples / 255, None),
        ([cicp(1, 4)], lambda samples: (samples / 255) ** 2.2, None),
        (
            [cicp(9, 14)],
            lambda samples: np.where(
                samples / 255 < 0.081, samples / 255 / 4.5, ((samples / 255 + 0.099) / 1.099) ** (1 / 0.45)
            ),
            BT2020_TO_SRGB,
        ),
        (
            [cicp(1, 1)],
            lambda samples: np.where(
                samples / 255 < 0.081, samples / 255 / 4.5, ((samples / 255 + 0.099) / 1.099) ** (1 / 0.45)
            ),
            None,
        ),
        ([cicp(1, 13, full_range=0)], lambda samples: srgb_to_light(np.clip((samples - 16) * 255 / 219, 0, 255)), None),
    ],
    ids=[
        "linear",
        "gamma 1/0.7",
        "gamma 2 and P3",
        "P3",
        "cICP linear",
        "gamma 2.2",
        "BT.2020",
        "BT.709",
        "narrow range",
    ],
)
@pytest.mark.parametrize("alpha", [False, True])
def test_png_colour_chunks_are_applied(
    chunks: list[bytes], to_light: Callable[[np.ndarray], np.ndarray], matrix: np.ndarray | None, alpha: bool
) -> None:
    data = with_chunks(png(np.dstack([PATCHES, ALPHA]) if alpha else PATCHES), *chunks)
    assert_close(decode(data, "content").pixels, converted(PATCHES, to_light, matrix), 2)
    data = with_chunks(png(GREY), *chunks)
    picture = decode(data, "content")
    assert picture.grey
    assert_close(picture.pixels[..., 0], converted(GREY, to_light), 2)


def test_gamma_1_maps_128_to_about_188() -> None:
    grey = np.full((20, 20, 3), 128, np.uint8)
    assert_close(decode(with_chunks(png(grey), gama(1.0)), "content").pixels, np.full(3, 188), 1)


@pytest.mark.parametrize(
    "chunks",
    [
        [SRGB_CHUNK],
        [cicp(1, 13)],
        [gama(0.45455)],
        [gama(0.45455), chrm(*SRGB_PRIMARIES)],
        [gama(0.45)],
        [gama(0)],
        [chrm(*P3_PRIMARIES)],
        [gama(1.0), chrm(*[0.0] * 8)],
        [gama(1.0), chrm(*[0.3] * 8)],
        [cicp(1, 8, matrix=1)],
        [cicp(2, 2)],
        [cicp(200, 200)],
    ],
    ids=str,
)
def test_chunks_that_declare_srgb_or_nothing_usable_change_nothing(chunks: list[bytes]) -> None:
    np.testing.assert_array_equal(decode(with_chunks(png(PATCHES), *chunks), "content").pixels, PATCHES)


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([cicp(1, 8), iccp(SWAPPED), SRGB_CHUNK, gama(0.7)], LINEAR),
        ([gama(0.7), SRGB_CHUNK, iccp(SWAPPED), cicp(1, 8)], LINEAR),
        ([cicp(1, 13), iccp(SWAPPED)], PATCHES),
        ([iccp(SWAPPED), SRGB_CHUNK, gama(1.0)], PATCHES[..., ::-1]),
        ([gama(1.0), SRGB_CHUNK, iccp(SWAPPED)], PATCHES[..., ::-1]),
        ([SRGB_CHUNK, gama(1.0)], PATCHES),
        ([gama(1.0), SRGB_CHUNK], PATCHES),
        # A chunk that cannot be used is skipped in favour of the next.
        ([cicp(200, 200), iccp(SWAPPED)], PATCHES[..., ::-1]),
        ([iccp(b"no profile"), gama(1.0)], LINEAR),
    ],
)
def test_colour_chunks_follow_the_precedence_of_the_specification(chunks: list[bytes], expected: np.ndarray) -> None:
    assert_close(decode(with_chunks(png(PATCHES), *chunks), "content").pixels, expected)


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_rejected_with_its_name(transfer: int, name: str) -> None:
    says = rf"content: is HDR \({name}\); convert it to SDR"
    with pytest.raises(InvalidInputError, match=says):
        decode(with_chunks(png(PATCHES), cicp(9, transfer)), "content")
    with pytest.raises(InvalidInputError, match=says):
        decode(avif_with_code_points(9, transfer), "content")


def avif_with_code_points(primaries: int, transfer: int) -> bytes:
    data = bytearray(saved(Image.fromarray(PATCHES), "AVIF", quality=100, subsampling="4:4:4"))
    place = data.index(b"colrnclx") + 8
    data[place : place + 4] = struct.pack(">HH", primaries, transfer)
    return bytes(data)


@pytest.mark.parametrize(
    ("primaries", "transfer", "expected"),
    [(12, 13, converted(PATCHES, srgb_to_light, P3_TO_SRGB)), (1, 8, LINEAR), (2, 2, PATCHES), (1, 13, PATCHES)],
)
def test_avif_code_points_are_applied(primaries: int, transfer: int, expected: np.ndarray) -> None:
    assert_close(decode(avif_with_code_points(primaries, transfer), "content").pixels, expected, 6)


def test_avif_profile_takes_precedence_over_code_points() -> None:
    image = Image.fromarray(PATCHES)
    data = saved(image, "AVIF", icc_profile=SWAPPED, quality=100, subsampling="4:4:4")
    assert_close(decode(data, "content").pixels, PATCHES[..., ::-1], 6)


def test_srgb_profile_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = saved(Image.fromarray(PATCHES), "PNG", icc_profile=profile)
    np.testing.assert_array_equal(decode(data, "content").pixels, PATCHES)
