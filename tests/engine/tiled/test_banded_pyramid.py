"""The pyramid in bands of rows gives the same results as the whole pyramid."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tfstyle.borders import NO_WRAPS, Wraps
from tfstyle.pyramid import Pyramid
from tfstyle.tiled import banded_pyramid

RANDOM = np.random.default_rng(3)
SIZES = [(37, 50, 7), (38, 51, 3), (64, 64, 7), (5, 1, 4), (1, 9, 2), (3, 2, 9), (21, 34, 1)]
WRAPPED = [
    (size, Wraps(*wraps))
    for size in [(48, 32, 7), (16, 80, 3)]
    for wraps in [(True, True), (True, False), (False, True)]
]


@pytest.fixture(params=[16, 2**21])
def band(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(banded_pyramid, "BAND_VALUES", request.param)


@pytest.mark.usefixtures("band")
@pytest.mark.parametrize(("size", "wraps"), [*((size, NO_WRAPS) for size in SIZES), *WRAPPED])
def test_image_and_adjoint_match_the_whole_pyramid(size: tuple[int, int, int], wraps: Wraps) -> None:
    pyramid = Pyramid(*size, 0.75, wraps)
    variables = RANDOM.normal(size=pyramid.size).astype(np.float32)
    by_image = RANDOM.normal(size=(1, *size[:2], 3)).astype(np.float32)
    with tf.GradientTape() as tape:
        held = tf.Variable(variables)
        image = pyramid.image(held)
        total = tf.reduce_sum(image * by_image)
    np.testing.assert_allclose(banded_pyramid.image(pyramid, variables), image, atol=2e-6)
    np.testing.assert_allclose(banded_pyramid.adjoint(pyramid, by_image), tape.gradient(total, held), atol=2e-6)


def test_arguments_are_not_modified() -> None:
    pyramid = Pyramid(20, 30, 4, 1.0)
    variables, by_image = np.ones(pyramid.size, np.float32), np.ones((1, 20, 30, 3), np.float32)
    banded_pyramid.image(pyramid, variables)
    banded_pyramid.adjoint(pyramid, by_image)
    assert (variables == 1).all()
    assert (by_image == 1).all()
