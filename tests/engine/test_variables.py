"""Grey variables: a third of the pyramid's variables, for the same picture, with a consistent gradient."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tfstyle.colour import standardise, to_pixels
from tfstyle.pyramid import Pyramid
from tfstyle.variables import ColourVariables, GreyVariables

RANDOM = np.random.default_rng(0)


def image(pyramid: Pyramid, variables: np.ndarray) -> np.ndarray:
    return pyramid.image(tf.constant(variables)).numpy()


@pytest.mark.parametrize("levels", [1, 4])
def test_grey_variables_always_give_a_grey_picture(levels: int) -> None:
    pyramid = Pyramid(19, 26, levels, 1.0)
    grey = GreyVariables(pyramid)
    pixels = np.repeat(RANDOM.integers(0, 256, (19, 26, 1)), 3, axis=2).astype(np.uint8)
    start = grey.start(standardise(pixels))
    assert start.size * 3 == pyramid.size
    np.testing.assert_array_equal(to_pixels(image(pyramid, grey.expand(start))), pixels)
    moved = to_pixels(image(pyramid, grey.expand(start + RANDOM.normal(0, 0.3, start.size).astype(np.float32))))
    assert np.ptp(moved.astype(int), axis=2).max() <= 1, "grey up to rounding"
    assert np.abs(moved.astype(int) - pixels).max() > 20


@pytest.mark.parametrize("levels", [1, 4])
def test_gradient_is_the_adjoint_of_expand(levels: int) -> None:
    pyramid = Pyramid(19, 26, levels, 1.0)
    grey = GreyVariables(pyramid)
    start, step = (RANDOM.normal(size=pyramid.size // 3).astype(np.float32) for _ in range(2))
    by_pyramid = RANDOM.normal(size=pyramid.size).astype(np.float32)
    moved = grey.expand(start + step).astype(float) - grey.expand(start)
    assert moved @ by_pyramid == pytest.approx(float(step @ grey.gradient(by_pyramid)), rel=1e-4)


def test_colour_variables_are_those_of_the_pyramid() -> None:
    pyramid = Pyramid(19, 26, 4, 1.0)
    colour = ColourVariables(pyramid)
    picture = RANDOM.normal(size=(1, 19, 26, 3)).astype(np.float32)
    start = colour.start(picture)
    np.testing.assert_allclose(image(pyramid, colour.expand(start)), picture, atol=1e-6)
    assert colour.gradient(start) is start
