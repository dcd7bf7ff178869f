"""Sizes and resampling, without transparency (see test_transparency.py)."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from image_files import GRADIENT
from tfstyle.errors import InvalidInputError
from tfstyle.images import Picture, fit_longer_side, resize


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
