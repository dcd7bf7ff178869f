"""Invisible pixels have no influence on visible ones."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from conftest import png
from image_files import GRADIENT, chunk, raw_png, saved
from tfstyle.errors import InvalidInputError
from tfstyle.images import Picture, decode, resize
from tfstyle.images.transparency import fill_hidden

RED = (230, 60, 40)
DOWN, RIGHT = np.mgrid[:96, :96]
DISC = np.clip((40 - np.hypot(DOWN - 47.5, RIGHT - 47.5)) * 255, 0, 255).astype(np.uint8)
"""The alpha channel of a disc; the surroundings are invisible."""


def disc(hidden: tuple[int, int, int]) -> np.ndarray:
    """RGBA: the disc in red, with the colour `hidden` where alpha is 0."""
    return np.dstack([np.where(DISC[..., None] > 0, RED, hidden).astype(np.uint8), DISC])


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_hidden_colours_do_not_affect_the_picture(kind: str) -> None:
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    green, black = (
        decode(saved(Image.fromarray(disc(hidden)), kind, **options), "style") for hidden in ((0, 255, 0), (0, 0, 0))
    )
    np.testing.assert_array_equal(green.pixels, black.pixels)
    np.testing.assert_array_equal(green.alpha, black.alpha)
    np.testing.assert_array_equal(resize(green, (41, 33)).pixels, resize(black, (41, 33)).pixels)


def test_resizing_leaves_no_colour_fringe_at_edges() -> None:
    """Every visible pixel of the file is red, so every weighted mean of them is red too."""
    for size in ((64, 64), (31, 50), (200, 130)):
        picture = resize(decode(png(disc((0, 255, 0))), "content"), size)
        assert picture.alpha is not None
        assert (picture.alpha % 255 > 0).sum() > 0
        np.testing.assert_array_equal(np.unique(picture.pixels.reshape(-1, 3), axis=0), [RED])


def test_resizing_weights_colours_by_alpha() -> None:
    """Two pixels become one: (200 * 30 + 100 * 90) / 120 = 125, and alpha (30 + 90) / 2 = 60."""
    pixels = np.tile(np.array([[[200] * 3, [100] * 3]], np.uint8), (32, 16, 1))
    alpha = np.tile(np.array([[30, 90]], np.uint8), (32, 16))
    # When halving, Pillow's bilinear filter reads 4 columns with the weights 1, 3, 3, 1.
    resized = resize(Picture(pixels, alpha), (16, 32))
    assert resized.alpha is not None
    assert (resized.alpha[:, 1:-1] == 60).all()
    assert (resized.pixels[:, 1:-1] == 125).all()


def test_semi_transparent_pixels_keep_their_colours() -> None:
    alpha = np.tile(np.array([1, 128, 255, 0], np.uint8), (30, 10))
    picture = decode(png(np.dstack([GRADIENT, alpha])), "content")
    np.testing.assert_array_equal(picture.pixels[alpha > 0], GRADIENT[alpha > 0])


def test_hidden_pixels_continue_the_visible_colours_smoothly() -> None:
    """The left half is red and the right half blue; hidden pixels between and around them blend the two."""
    pixels = np.full((32, 64, 3), (10, 250, 10), np.uint8)
    pixels[:, :24], pixels[:, 40:] = RED, (20, 40, 200)
    alpha = np.zeros((32, 64), np.uint8)
    alpha[8:24, 8:24], alpha[8:24, 40:56] = 255, 255
    filled = fill_hidden(pixels, alpha)
    np.testing.assert_array_equal(filled[alpha > 0], pixels[alpha > 0])
    assert (filled <= np.maximum(RED, (20, 40, 200))).all()
    assert (filled >= np.minimum(RED, (20, 40, 200))).all()
    assert np.abs(filled[16, 1].astype(int) - RED).max() < 40
    assert np.abs(filled[16, 62].astype(int) - (20, 40, 200)).max() < 40
    middle = filled[16, 24:40, 0].astype(int)
    assert (np.diff(middle) <= 0).all()
    assert np.abs(np.diff(middle)).max() < 60


@pytest.mark.parametrize("shape", [(17, 16), (16, 600), (601, 33)])
def test_a_single_visible_pixel_determines_all_hidden_colours(shape: tuple[int, int]) -> None:
    pixels, alpha = np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.uint8)
    pixels[-1, 5], alpha[-1, 5] = RED, 1
    np.testing.assert_array_equal(np.unique(fill_hidden(pixels, alpha).reshape(-1, 3), axis=0), [RED])


def test_fully_transparent_pictures_are_rejected() -> None:
    data = png(np.dstack([GRADIENT, np.zeros((30, 40), np.uint8)]))
    with pytest.raises(InvalidInputError, match="content: is fully transparent; nothing in it is visible"):
        decode(data, "content")


def test_colour_is_kept_if_the_visible_part_vanishes_when_resizing() -> None:
    pixels, alpha = np.zeros((200, 200, 3), np.uint8), np.zeros((200, 200), np.uint8)
    pixels[100, 100], alpha[100, 100] = RED, 9
    small = resize(Picture(pixels, alpha), (16, 16))
    np.testing.assert_array_equal(np.unique(small.pixels.reshape(-1, 3), axis=0), [RED])


def trns(*values: int) -> bytes:
    return chunk(b"tRNS", b"".join(value.to_bytes(2, "big") for value in values))


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_transparent_grey_value_hides_exactly_that_value(depth: int) -> None:
    """PNG, 11.3.1.1: a pixel is transparent if its sample at full depth equals that of tRNS."""
    samples = np.arange(16 * 20).reshape(16, 20) * (257 if depth == 16 else 1) % 2**depth
    key = int(samples[3, 1])
    picture = decode(raw_png(samples, depth, 0, trns(key)), "content")
    np.testing.assert_array_equal(picture.alpha, np.where(samples == key, 0, picture.full_scale))
    shown = picture.alpha > 0
    expected = samples * (picture.full_scale // (2**depth - 1))
    np.testing.assert_array_equal(picture.pixels[..., 0][shown], expected[shown])


def test_transparent_16_bit_value_does_not_hide_neighbouring_values() -> None:
    grey = np.full((20, 20), 0x4080)
    grey[:, 10:] = 0x4081
    picture = decode(raw_png(grey, 16, 0, trns(0x4081)), "content")
    np.testing.assert_array_equal(picture.alpha, np.where(grey == 0x4081, 0, 65535))
    colours = np.full((20, 20, 3), (0x1020, 0x3040, 0x5060))
    colours[:, 10:] = 0x1020, 0x3041, 0x5060
    picture = decode(raw_png(colours, 16, 2, trns(0x1020, 0x3041, 0x5060)), "content")
    np.testing.assert_array_equal(picture.alpha, np.where(colours[..., 1] == 0x3041, 0, 65535))
    np.testing.assert_array_equal(picture.pixels[0, 0], (0x1020, 0x3040, 0x5060))


def test_palette_transparency_is_kept() -> None:
    palette = Image.fromarray(GRADIENT).quantize(16, dither=Image.Dither.NONE)
    alphas = bytes(range(15, 255, 15))
    picture = decode(saved(palette, "PNG", transparency=alphas), "content")
    np.testing.assert_array_equal(picture.alpha, np.frombuffer(alphas, np.uint8)[np.array(palette)])
    np.testing.assert_array_equal(picture.pixels, np.array(palette.convert("RGB")))


def test_transparent_colour_of_a_gif_is_invisible() -> None:
    palette = Image.fromarray(GRADIENT).quantize(8, dither=Image.Dither.NONE)
    picture = decode(saved(palette, "GIF", transparency=2, optimize=False), "content")
    np.testing.assert_array_equal(picture.alpha, np.where(np.array(palette) == 2, 0, 255))
