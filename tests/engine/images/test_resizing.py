"""Sizes and resampling, without transparency (see test_transparency.py)."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from image_files import GRADIENT
from tfstyle.borders import Wraps
from tfstyle.errors import InvalidInputError
from tfstyle.images import Picture, fit_longer_side, resize, resize_floats


@pytest.mark.parametrize(
    ("size", "longer", "expected"),
    [
        ((2048, 1365), 450, (450, 300)),
        ((300, 450), 225, (150, 225)),
        ((40, 40), 512, (512, 512)),
        ((512, 17), 512, (512, 17)),
    ],
)
def test_fit_longer_side_keeps_the_aspect_ratio(size: tuple[int, int], longer: int, expected: tuple[int, int]) -> None:
    assert fit_longer_side(size, longer, "content") == expected


def test_too_narrow_pictures_are_rejected() -> None:
    with pytest.raises(InvalidInputError, match="style: would be 512 x 4 pixels"):
        fit_longer_side((2000, 17), 512, "style")


def test_resize_averages_pixels() -> None:
    fine = np.tile(np.array([[0, 200], [200, 0]], np.uint8), (32, 32))
    small = resize(Picture(np.dstack([fine] * 3), np.full_like(fine, 80)), (16, 16))
    assert np.abs(small.pixels.astype(int) - 100).max() <= 2
    assert small.alpha is not None
    assert (small.alpha == 80).all()
    small = resize(Picture(np.zeros((64, 64, 3), np.uint8), fine), (16, 16))
    assert small.alpha is not None
    assert np.abs(small.alpha.astype(int) - 100).max() <= 2


@pytest.mark.parametrize(
    ("field", "named"), [("style", True), ("styles[2]", True), ("content", False), ("styleless", False)]
)
def test_style_fit_is_suggested_only_for_styles(field: str, named: bool) -> None:
    with pytest.raises(InvalidInputError, match="choose a larger size or a less narrow picture") as caught:
        fit_longer_side((2000, 20), 512, field)
    assert ("set the option style_fit to stretch (--style-fit stretch)" in str(caught.value)) == named


@pytest.mark.parametrize("alpha", [None, np.full((30, 40), 255, np.uint8)])
def test_opaque_pictures_are_resized_exactly_as_by_pillow(alpha: np.ndarray | None) -> None:
    expected = np.array(Image.fromarray(GRADIENT).resize((19, 17), Image.Resampling.BILINEAR))
    resized = resize(Picture(GRADIENT, alpha, ("a warning",)), (19, 17))
    np.testing.assert_array_equal(resized.pixels, expected)
    assert (resized.alpha is None) == (alpha is None)
    assert resized.warnings == ("a warning",)


@pytest.mark.parametrize("size", [(48, 64), (20, 24), (96, 16), (32, 48)])
@pytest.mark.parametrize("wraps", [Wraps(True, True), Wraps(down=True), Wraps(across=True)])
def test_floats_that_wrap_are_resized_as_the_middle_one_of_their_copies(size: tuple[int, int], wraps: Wraps) -> None:
    values = np.random.default_rng(1).normal(size=(48, 32, 3)).astype(np.float32)
    down, across = (3 if wrapped else 1 for wrapped in wraps)
    copies = resize_floats(np.tile(values, (down, across, 1)), (size[0] * across, size[1] * down))
    top, left = size[1] * (down // 2), size[0] * (across // 2)
    expected = copies[top : top + size[1], left : left + size[0]]
    np.testing.assert_allclose(resize_floats(values, size, wraps), expected, atol=1e-5)
