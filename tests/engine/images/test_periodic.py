"""The periodic component of a picture, by the equations that define it, without Fourier transforms."""

from __future__ import annotations

import numpy as np
import pytest

from tfstyle.borders import NO_WRAPS, Wraps
from tfstyle.images import Picture
from tfstyle.images.periodic import periodic, periodic_picture

RANDOM = np.random.default_rng(4)
BOTH = Wraps(True, True)


def test_of_a_ramp_nothing_is_left_but_its_mean_and_one_step_in_all() -> None:
    """The jump of a ramp of 40 steps is 39; the smooth component goes up by 39 in 40 steps."""
    ramp = np.broadcast_to(np.arange(40, dtype=np.float32)[None, :, None], (24, 40, 3))
    expected = 19.5 + (ramp - 19.5) / 40
    np.testing.assert_allclose(periodic(ramp, Wraps(across=True)), expected, atol=1e-4)
    np.testing.assert_allclose(periodic(ramp, BOTH), expected, atol=1e-4)
    np.testing.assert_allclose(periodic(ramp, Wraps(down=True)), ramp, atol=1e-4)


def test_a_picture_without_jumps_stays_as_it_is() -> None:
    values = RANDOM.normal(size=(12, 20, 3)).astype(np.float32)
    values[:, -1], values[-1] = values[:, 0], values[0]
    np.testing.assert_allclose(periodic(values, BOTH), values, atol=1e-5)


def test_inside_it_has_the_second_differences_of_the_picture_and_across_the_border_the_inner_ones() -> None:
    """Its discrete Laplacian, with wrapped neighbours, is that of the picture with its border replicated."""
    values = RANDOM.normal(size=(10, 14, 3))
    found = periodic(values.astype(np.float32), BOTH)
    laplacian = sum(np.roll(found, step, axis) - found for step in (1, -1) for axis in (0, 1))
    edges = np.pad(values, [(1, 1), (1, 1), (0, 0)], "edge")
    expected = edges[:-2, 1:-1] + edges[2:, 1:-1] + edges[1:-1, :-2] + edges[1:-1, 2:] - 4 * values
    np.testing.assert_allclose(laplacian, expected, atol=1e-4)
    np.testing.assert_allclose(found.mean((0, 1)), values.mean((0, 1)), atol=1e-5)


@pytest.mark.parametrize(("wraps", "axis"), [(Wraps(across=True), 1), (Wraps(down=True), 0)])
def test_the_other_axis_keeps_its_two_borders_apart(wraps: Wraps, axis: int) -> None:
    values = RANDOM.normal(size=(16, 16, 3))
    found = periodic(values.astype(np.float32), wraps)
    moved = found - values
    edges = np.pad(moved, [(0, 0) if index == axis or index == 2 else (1, 1) for index in range(3)], "edge")
    other = 1 - axis
    inner = np.diff(edges, n=2, axis=other) + sum(np.roll(moved, step, axis) - moved for step in (1, -1))
    sources = np.zeros_like(values)
    ends, borders = np.moveaxis(sources, axis, 0), np.moveaxis(values, axis, 0)
    ends[0], ends[-1] = borders[0] - borders[-1], borders[-1] - borders[0]
    np.testing.assert_allclose(inner, sources, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pictures_keep_their_transparency_and_their_range(dtype: type[np.uint8 | np.uint16]) -> None:
    white = np.iinfo(dtype).max
    pixels = RANDOM.integers(0, white, (20, 24, 3), dtype, endpoint=True)
    alpha = RANDOM.integers(0, white, (20, 24), dtype, endpoint=True)
    found = periodic_picture(Picture(pixels, alpha), BOTH)
    assert found.alpha is alpha
    expected = np.clip(periodic(pixels.astype(np.float32), BOTH), 0, white)
    assert found.pixels.dtype == dtype
    assert np.abs(found.pixels - expected).max() <= 0.5
    picture = Picture(pixels)
    assert periodic_picture(picture, NO_WRAPS) is picture
