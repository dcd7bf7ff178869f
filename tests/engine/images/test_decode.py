"""Decoding in all formats: orientation, modes, limits, damaged files."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from conftest import png
from image_files import GRADIENT, chunk, saved
from tfstyle.errors import InvalidInputError
from tfstyle.images import ImageLimits, decode, encode_png


def declared_png(width: int, height: int) -> bytes:
    """A PNG of under 1 KB whose header declares the given size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(("kind", "tolerance"), [("PNG", 0), ("WEBP", 12), ("JPEG", 12)])
def test_decode_restores_an_encoded_picture(kind: str, tolerance: int) -> None:
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


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK", "I;16"])
def test_other_colour_modes_become_rgb(mode: str) -> None:
    if mode == "I;16":
        image = Image.fromarray(GRADIENT[..., 0].astype(np.uint16) * 257)
        expected = np.repeat(GRADIENT[..., :1].astype(int), 3, 2) * 257
    else:
        image = Image.fromarray(GRADIENT).convert(mode)
        expected = np.array(image.convert("RGB"))
    picture = decode(saved(image, "JPEG" if mode == "CMYK" else "PNG", quality=100), "content")
    assert picture.pixels.shape == (30, 40, 3)
    assert np.abs(picture.pixels.astype(int) - expected).mean() < 4


def test_alpha_survives_decoding_and_encoding() -> None:
    alpha = np.linspace(0, 255, 1200).reshape(30, 40).astype(np.uint8)
    picture = decode(png(np.dstack([GRADIENT, alpha])), "content")
    np.testing.assert_array_equal(picture.pixels[alpha > 0], GRADIENT[alpha > 0])
    np.testing.assert_array_equal(picture.alpha, alpha)
    again = decode(encode_png(picture), "content")
    np.testing.assert_array_equal(again.alpha, alpha)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty; send a PNG, JPEG, WebP, AVIF, TIFF, BMP or GIF picture"),
        (b"hello, world", "is not a PNG, JPEG, WebP, AVIF, TIFF, BMP or GIF picture"),
        (png(GRADIENT)[:-40], "damaged"),
        (saved(Image.fromarray(GRADIENT), "JPEG")[:-200], "damaged"),
        (saved(Image.fromarray(GRADIENT), "WEBP")[:-60], "damaged"),
        (png(GRADIENT)[:20], "damaged"),
        (declared_png(0, 0), "content"),
        (png(GRADIENT[:1, :1]), "is 1 x 1 pixels; each side needs at least 16"),
        (declared_png(30_000, 30_000), "too many pixels"),
        (declared_png(12_000, 12_000), "declares 12000 x 12000 pixels; at most 100,000,000"),
        (declared_png(2_000, 2_000), "damaged"),
        (b"\xff\xd8\xff\xe0", "is JPEG, but its header is damaged"),
    ],
)
def test_unusable_files_are_rejected_with_a_one_line_message(data: bytes, says: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        decode(data, "content")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [violation.field for violation in caught.value.violations] == ["content"]


def test_file_size_is_limited() -> None:
    with pytest.raises(InvalidInputError, match="at most 100 are accepted"):
        decode(png(GRADIENT), "content", ImageLimits(bytes=100))


@pytest.mark.parametrize("kind", ["TIFF", "BMP", "WEBP", "GIF", "AVIF"])
def test_declared_size_is_checked_in_every_format(kind: str) -> None:
    data = saved(Image.fromarray(GRADIENT), kind)
    with pytest.raises(InvalidInputError, match="declares 40 x 30 pixels; at most 1,000"):
        decode(data, "content", ImageLimits(pixels=1000))


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"icc_profile": b"any"}], ids=["VP8", "VP8L", "VP8X"])
def test_webp_size_is_checked_before_the_canvas_is_allocated(
    options: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = saved(Image.fromarray(GRADIENT), "WEBP", **options)
    monkeypatch.setattr(Image, "open", None)
    with pytest.raises(InvalidInputError, match="declares 40 x 30 pixels; at most 1,000"):
        decode(data, "content", ImageLimits(pixels=1000))


def test_16_bit_samples_are_kept() -> None:
    wide = np.linspace(0, 65535, 40).astype(np.uint16)[None].repeat(30, 0)
    picture = decode(png(wide), "content")
    assert picture.pixels.dtype == np.uint16
    np.testing.assert_array_equal(picture.pixels[0, :, 1], wide[0])
