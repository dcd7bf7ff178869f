"""Pictures in and out: formats, orientation, profiles, alpha, and everything that is no picture."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from conftest import png
from tfstyle.errors import InvalidInputError
from tfstyle.images import ImageLimits, Picture, decode, encode_png, fit_longer_side, resize

GRADIENT = np.dstack([*np.meshgrid(np.arange(0, 240, 6), np.arange(0, 180, 6)), np.full((30, 40), 90)]).astype(np.uint8)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def declared_png(width: int, height: int) -> bytes:
    """A PNG of under 1 KB whose header declares any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(("kind", "tolerance"), [("PNG", 0), ("WEBP", 12), ("JPEG", 12)])
def test_decodes_what_was_encoded(kind: str, tolerance: int) -> None:
    picture = decode(saved(Image.fromarray(GRADIENT), kind, quality=95), "content")
    assert picture.pixels.dtype == np.uint8
    assert picture.alpha is None
    assert np.abs(picture.pixels.astype(int) - GRADIENT).mean() <= tolerance
    assert picture.size == (40, 30)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_the_picture_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    shown = decode(saved(Image.fromarray(GRADIENT), "PNG", exif=exif), "content").pixels
    turned = {
        1: GRADIENT,
        2: GRADIENT[:, ::-1],
        3: GRADIENT[::-1, ::-1],
        4: GRADIENT[::-1],
        5: GRADIENT.transpose(1, 0, 2),
        6: np.rot90(GRADIENT, -1),
        7: GRADIENT[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(GRADIENT),
    }[orientation]
    np.testing.assert_array_equal(shown, turned)


def profile_with_red_and_blue_exchanged() -> bytes:
    """A valid ICC profile under which the first channel is blue: sRGB with two entries of its table swapped."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(data[128:132], "big")
    entries = {bytes(data[start : start + 4]): start for start in range(132, 132 + 12 * count, 12)}
    red, blue = entries[b"rXYZ"], entries[b"bXYZ"]
    data[red + 4 : red + 12], data[blue + 4 : blue + 12] = data[blue + 4 : blue + 12], data[red + 4 : red + 12]
    return bytes(data)


def test_icc_profile_is_converted_to_srgb() -> None:
    data = saved(Image.fromarray(GRADIENT), "PNG", icc_profile=profile_with_red_and_blue_exchanged())
    picture = decode(data, "content")
    assert np.abs(picture.pixels.astype(int) - GRADIENT[..., ::-1]).max() <= 2


def test_damaged_icc_profile_is_ignored() -> None:
    picture = decode(saved(Image.fromarray(GRADIENT), "PNG", icc_profile=b"no profile"), "content")
    np.testing.assert_array_equal(picture.pixels, GRADIENT)


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK", "I;16"])
def test_other_colour_modes_become_rgb(mode: str) -> None:
    if mode == "I;16":
        image = Image.fromarray(GRADIENT[..., 0].astype(np.uint16) * 257)
        expected = np.repeat(GRADIENT[..., :1], 3, 2)
    else:
        image = Image.fromarray(GRADIENT).convert(mode)
        expected = np.array(image.convert("RGB"))
    picture = decode(saved(image, "JPEG" if mode == "CMYK" else "PNG", quality=100), "content")
    assert picture.pixels.shape == (30, 40, 3)
    assert np.abs(picture.pixels.astype(int) - expected).mean() < 4


def test_alpha_is_kept_aside_and_put_back() -> None:
    alpha = np.linspace(0, 255, 1200).reshape(30, 40).astype(np.uint8)
    picture = decode(png(np.dstack([GRADIENT, alpha])), "content")
    np.testing.assert_array_equal(picture.pixels, GRADIENT)
    np.testing.assert_array_equal(picture.alpha, alpha)
    again = decode(encode_png(picture), "content")
    np.testing.assert_array_equal(again.alpha, alpha)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"hello, world", "is not a PNG, JPEG or WebP"),
        (saved(Image.fromarray(GRADIENT), "GIF"), "is not a PNG, JPEG or WebP"),
        (saved(Image.fromarray(GRADIENT), "BMP"), "is not a PNG, JPEG or WebP"),
        (png(GRADIENT)[:-40], "damaged"),
        (saved(Image.fromarray(GRADIENT), "JPEG")[:-200], "damaged"),
        (saved(Image.fromarray(GRADIENT), "WEBP")[:-60], "damaged"),
        (png(GRADIENT)[:20], "damaged"),
        (declared_png(0, 0), "content"),
        (png(GRADIENT[:1, :1]), "is 1 x 1 pixels; each side needs at least 16"),
        (declared_png(30_000, 30_000), "too many pixels"),
        (declared_png(12_000, 12_000), "declares 12000 x 12000 pixels; at most 100,000,000"),
        (declared_png(2_000, 2_000), "damaged"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(data: bytes, says: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        decode(data, "content")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [violation.field for violation in caught.value.violations] == ["content"]


def test_animation_is_refused() -> None:
    frames = [Image.fromarray(GRADIENT), Image.fromarray(GRADIENT[::-1])]
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    with pytest.raises(InvalidInputError, match="style: is an animation of 2 frames"):
        decode(data, "style")


def test_limit_on_bytes() -> None:
    with pytest.raises(InvalidInputError, match="at most 100 are accepted"):
        decode(png(GRADIENT), "content", ImageLimits(bytes=100))


@pytest.mark.parametrize(
    ("size", "longer", "expected"),
    [
        ((2048, 1365), 450, (450, 300)),
        ((300, 450), 225, (150, 225)),
        ((40, 40), 512, (512, 512)),
        ((512, 17), 512, (512, 17)),
    ],
)
def test_longer_side_is_met_and_the_aspect_kept(size: tuple[int, int], longer: int, expected: tuple[int, int]) -> None:
    assert fit_longer_side(size, longer, "content") == expected


def test_too_narrow_a_picture_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="style: would be 512 x 4 pixels"):
        fit_longer_side((2000, 17), 512, "style")


def test_resize_averages_what_it_merges() -> None:
    fine = np.tile(np.array([[0, 200], [200, 0]], np.uint8), (32, 32))
    small = resize(Picture(np.dstack([fine] * 3), fine), (16, 16))
    assert np.abs(small.pixels.astype(int) - 100).max() <= 2
    assert small.alpha is not None
    assert small.alpha.shape == (16, 16)
