"""The input pictures at the size of each scale."""

from __future__ import annotations

import numpy as np
import pytest

from tfstyle.errors import InvalidInputError
from tfstyle.images import Picture, resize
from tfstyle.inputs import Inputs, Style, content_and_style
from tfstyle.options import TransferOptions
from tfstyle.presets import resolve_options
from tfstyle.scaled_inputs import digest, fitting_schedule, scaled_inputs, sizes_of

RANDOM = np.random.default_rng(0)


def picture(width: int, height: int) -> Picture:
    return Picture(RANDOM.integers(0, 256, (height, width, 3), np.uint8))


PHOTO, PAINTING = picture(120, 80), picture(60, 90)
BOTH = content_and_style(PHOTO, PAINTING)


def test_pictures_have_the_size_of_the_scale() -> None:
    scaled = scaled_inputs(BOTH, TransferOptions(style_scale=2.0), 60, grey=False)
    assert scaled.content.size == (60, 40)
    (painting,) = scaled.paintings
    assert painting.picture.size == (80, 120)
    assert (painting.share, painting.weights) == (1.0, None)
    assert painting.image.shape == (1, 120, 80, 3)
    np.testing.assert_array_equal(scaled.content.pixels, resize(PHOTO, (60, 40)).pixels)


def test_stretched_paintings_have_the_size_of_the_photo() -> None:
    scaled = scaled_inputs(BOTH, TransferOptions(style_fit="stretch", style_scale=2.0), 60, grey=False)
    assert scaled.paintings[0].picture.size == (60, 40)


def test_masks_and_transparency_multiply() -> None:
    half = np.zeros((90, 60), np.uint8)
    half[:, 30:] = 255
    mask = Picture(np.full((90, 60, 3), 51, np.uint8))
    inputs = Inputs(PHOTO, (Style(Picture(PAINTING.pixels, half), 3.0, mask), Style(PAINTING)))
    masked, plain = scaled_inputs(inputs, TransferOptions(), 90, grey=False).paintings
    assert masked.weights is not None
    assert masked.weights[:, :25].max() == 0
    np.testing.assert_allclose(masked.weights[:, 35:], 0.2, rtol=1e-3)
    assert plain.weights is None
    assert (masked.share, plain.share) == (0.75, 0.25)


def test_grey_makes_all_channels_equal() -> None:
    scaled = scaled_inputs(BOTH, TransferOptions(), 60, grey=True)
    for each in (scaled.content, scaled.paintings[0].picture):
        assert (each.pixels == each.pixels[..., :1]).all()


def test_no_picture_becomes_too_small_at_an_automatic_scale() -> None:
    narrow = picture(400, 40)
    options = resolve_options("default", {"size": 300})
    assert fitting_schedule(sizes_of(content_and_style(narrow, PAINTING)), options)[0].size == 160
    assert fitting_schedule(sizes_of(content_and_style(PHOTO, narrow)), options)[0].size == 160
    stretched = resolve_options("default", {"size": 300, "style_fit": "stretch"})
    assert fitting_schedule(sizes_of(content_and_style(PHOTO, narrow)), stretched)[0].size == 128
    large_style = resolve_options("default", {"size": 300, "style_scale": 2.0})
    assert fitting_schedule(sizes_of(content_and_style(PHOTO, narrow)), large_style)[0].size == 128


def test_explicit_scales_that_are_too_small_or_too_large_are_rejected() -> None:
    narrow = content_and_style(picture(400, 40), PAINTING)
    options = resolve_options("default", {"size": 300, "scales": ((100, 3),)})
    with pytest.raises(InvalidInputError, match="scales: must have sizes of at least 160 for these pictures"):
        fitting_schedule(sizes_of(narrow), options)
    options = resolve_options("default", {"size": "original", "scales": ((120, 3),)})
    with pytest.raises(InvalidInputError, match=r"scales: must be smaller than the result \(120\)"):
        fitting_schedule(sizes_of(BOTH), options)


def test_digest_depends_on_everything_that_the_result_does() -> None:
    mask = Picture(np.full((90, 60, 3), 255, np.uint8))
    others = [
        content_and_style(PAINTING, PHOTO),
        content_and_style(Picture(PHOTO.pixels, np.full((80, 120), 255, np.uint8)), PAINTING),
        Inputs(PHOTO, (Style(PAINTING, 1.0, mask),)),
        Inputs(PHOTO, (Style(PAINTING, 1.0), Style(PAINTING, 2.0))),
        Inputs(PHOTO, (Style(PAINTING, 2.0), Style(PAINTING, 1.0))),
    ]
    assert len({digest(each) for each in [BOTH, *others]}) == 6
    assert digest(content_and_style(PHOTO, PAINTING)) == digest(BOTH)
