"""The properties of a picture, and encoding it."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from image_files import GRADIENT
from tfstyle.images import Picture, encode_png

GREY = np.repeat(GRADIENT[..., :1], 3, 2)
ALPHA = np.linspace(0, 255, 1200).reshape(30, 40).astype(np.uint8)


def test_visibility_is_alpha_scaled_to_0_to_1() -> None:
    visibility = Picture(GRADIENT, ALPHA).visibility
    assert visibility is not None
    assert visibility.dtype == np.float32
    np.testing.assert_allclose(visibility, ALPHA / 255, rtol=1e-6)


def test_opaque_pictures_have_no_visibility() -> None:
    assert Picture(GRADIENT).visibility is None
    assert Picture(GRADIENT, np.full((30, 40), 255, np.uint8)).visibility is None


def test_a_picture_is_grey_if_its_visible_pixels_have_equal_channels() -> None:
    noisy, tinted = GREY.copy(), GREY.copy()
    noisy[0, 0, 2] += 2
    tinted[0, 0, 2] += 3
    assert Picture(GREY).grey
    assert Picture(noisy).grey, "lossy formats round each channel by itself"
    assert Picture(Picture(noisy).in_grey().pixels).grey
    assert not Picture(tinted).grey
    assert Picture(tinted, ALPHA).grey  # alpha is 0 there
    assert not Picture(tinted, np.maximum(ALPHA, 1)).grey


def test_png_encoding_is_lossless() -> None:
    rgba = np.array(Image.open(io.BytesIO(encode_png(Picture(GRADIENT, ALPHA)))))
    np.testing.assert_array_equal(rgba, np.dstack([GRADIENT, ALPHA]))
    np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(encode_png(Picture(GRADIENT))))), GRADIENT)
