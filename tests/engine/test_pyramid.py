"""The pyramid: linearity, exact representation, and interpolation as in TensorFlow."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tfstyle.borders import NO_WRAPS, Wraps
from tfstyle.pyramid import Pyramid, _adjoint, _image, _shared, doubling, upsample, wrapped_doubling

RANDOM = np.random.default_rng(2)


@pytest.mark.parametrize("shape", [(4, 6), (1, 5), (8, 1), (7, 3), (530, 3), (2, 700)])
def test_upsample_is_bilinear_interpolation(shape: tuple[int, int]) -> None:
    image = RANDOM.normal(size=(1, *shape, 3)).astype(np.float32)
    double = tf.image.resize(image, (2 * shape[0], 2 * shape[1]), "bilinear")
    for height, width in ((2 * shape[0], 2 * shape[1]), (2 * shape[0] - 1, 2 * shape[1] - 1)):
        matrices = doubling(shape[0], height), doubling(shape[1], width)
        rows = upsample(tf.constant(image[0].transpose(0, 2, 1)), *map(tf.constant, matrices))
        np.testing.assert_allclose(tf.transpose(rows, [0, 2, 1]), double[0, :height, :width], atol=1e-5)


def test_shapes_halve_rounding_up_and_stop_at_one_pixel() -> None:
    assert Pyramid(37, 50, 4, 1.0).shapes == ((37, 50), (19, 25), (10, 13), (5, 7))
    assert Pyramid(3, 2, 9, 1.0).shapes == ((3, 2), (2, 1), (1, 1))
    assert Pyramid(37, 50, 2, 1.0).size == 3 * (37 * 50 + 19 * 25)


@pytest.mark.parametrize("levels", [1, 2, 7])
def test_variables_represent_the_picture_exactly(levels: int) -> None:
    image = RANDOM.normal(size=(1, 21, 34, 3)).astype(np.float32)
    pyramid = Pyramid(21, 34, levels, 1.0)
    np.testing.assert_array_equal(pyramid.image(tf.constant(pyramid.variables(image))), image)


@pytest.mark.parametrize("decay", [0.0, 0.5, 1.0])
def test_levels_are_weighted_by_powers_of_the_decay(decay: float) -> None:
    pyramid = Pyramid(16, 16, 3, decay)
    for level in range(3):
        variables = np.zeros(pyramid.size, np.float32)
        start = sum(3 * h * w for h, w in pyramid.shapes[:level])
        h, w = pyramid.shapes[level]
        variables[start : start + 3 * h * w] = 1
        # A constant level stays constant when it is upsampled.
        np.testing.assert_allclose(pyramid.image(tf.constant(variables)), 2.0 ** (-decay * level), rtol=1e-6)


@pytest.mark.parametrize("levels", [1, 4, 9])
@pytest.mark.parametrize(
    ("shape", "wraps"),
    [
        ((13, 18), NO_WRAPS),
        ((5, 1), NO_WRAPS),
        ((1100, 3), NO_WRAPS),
        ((2, 2301), NO_WRAPS),
        ((32, 48), Wraps(True, True)),
        ((4, 2), Wraps(True, True)),
        ((2304, 3), Wraps(down=True)),
        ((3, 1088), Wraps(across=True)),
    ],
)
def test_the_adjoint_is_one(shape: tuple[int, int], wraps: Wraps, levels: int) -> None:
    """The picture is linear in its variables, so <image(v), w> = <v, adjoint(w)>, for each level by itself too."""
    pyramid = Pyramid(*shape, levels, 1.0, wraps)
    weights = RANDOM.normal(size=(1, *shape, 3)).astype(np.float32)
    found = pyramid.adjoint(tf.constant(weights)).numpy().astype(float)
    assert found.shape == (pyramid.size,)
    start = 0
    for height, width in pyramid.shapes:
        variables = np.zeros(pyramid.size, np.float32)
        own = slice(start, start := start + 3 * height * width)
        variables[own] = RANDOM.normal(size=3 * height * width)
        picture = pyramid.image(tf.constant(variables)).numpy().astype(float)
        size = np.linalg.norm(picture) * np.linalg.norm(weights)
        assert abs((picture * weights).sum() - variables[own] @ found[own]) < 1e-6 * size


def test_automatic_differentiation_finds_the_adjoint() -> None:
    pyramid = Pyramid(13, 18, 4, 1.0)
    variables = tf.constant(RANDOM.normal(size=pyramid.size).astype(np.float32))
    weights = RANDOM.normal(size=(1, 13, 18, 3)).astype(np.float32)
    with tf.GradientTape() as tape:
        tape.watch(variables)
        product = tf.reduce_sum(pyramid.image(variables) * weights)
    np.testing.assert_allclose(tape.gradient(product, variables), pyramid.adjoint(tf.constant(weights)), atol=1e-5)


def test_one_trace_serves_all_sizes_up_to_a_band() -> None:
    decay = 0.375  # of this test alone

    def counts() -> list[int]:
        return [_shared(each, decay, NO_WRAPS).experimental_get_tracing_count() for each in (_image, _adjoint)]

    for size in ((20, 30), (21, 35), (64, 48), (1024, 17)):
        pyramid = Pyramid(*size, 3, decay)
        pyramid.adjoint(pyramid.image(tf.zeros([pyramid.size])))
    assert counts() == [1, 1]
    pyramid = Pyramid(1025, 17, 3, decay)
    pyramid.adjoint(pyramid.image(tf.zeros([pyramid.size])))
    assert counts() == [1, 1]
    for function in pyramid._functions.values():
        assert all(spec.shape.is_fully_defined() for spec in function.inputs[:3]), "it has a trace of its own"


@pytest.mark.parametrize("shape", [(4, 6), (1, 5), (530, 2), (2, 700)])
@pytest.mark.parametrize("wraps", [Wraps(True, True), Wraps(True, False), Wraps(False, True)])
def test_upsample_of_a_picture_that_wraps_is_the_middle_of_that_of_its_copies(
    shape: tuple[int, int], wraps: Wraps
) -> None:
    image = RANDOM.normal(size=(1, *shape, 3)).astype(np.float32)
    copies = np.tile(image, (1, 3 if wraps.down else 1, 3 if wraps.across else 1, 1))
    _, height, width, _ = copies.shape
    double = tf.image.resize(copies, (2 * height, 2 * width), "bilinear")[0]
    top, left = (2 * length if wrapped else 0 for length, wrapped in zip(shape, wraps, strict=True))
    expected = double[top : top + 2 * shape[0], left : left + 2 * shape[1]]
    matrices = [
        wrapped_doubling(length) if wrapped else doubling(length, 2 * length)
        for length, wrapped in zip(shape, wraps, strict=True)
    ]
    rows = upsample(tf.constant(image[0].transpose(0, 2, 1)), *map(tf.constant, matrices), wraps)
    np.testing.assert_allclose(tf.transpose(rows, [0, 2, 1]), expected, atol=1e-5)


def test_levels_end_before_a_side_that_wraps_would_be_rounded() -> None:
    assert Pyramid(48, 50, 9, 1.0, Wraps(down=True)).shapes == ((48, 50), (24, 25), (12, 13), (6, 7), (3, 4))
    assert Pyramid(48, 50, 9, 1.0, Wraps(across=True)).shapes == ((48, 50), (24, 25))
    assert Pyramid(64, 32, 4, 1.0, Wraps(True, True)).shapes == ((64, 32), (32, 16), (16, 8), (8, 4))
    assert Pyramid(4, 2, 9, 1.0, Wraps(True, True)).shapes == ((4, 2), (2, 1))


def test_rolling_the_variables_rolls_a_picture_that_wraps() -> None:
    pyramid = Pyramid(32, 48, 4, 1.0, Wraps(True, True))
    variables = RANDOM.normal(size=pyramid.size).astype(np.float32)
    image = pyramid.image(tf.constant(variables)).numpy()
    rolled, start = [], 0
    for level, (height, width) in enumerate(pyramid.shapes):
        own = variables[start : start + 3 * height * width]
        shape, axes = ((height, 3, width), (0, 2)) if level else ((height, width, 3), (0, 1))
        rolled.append(np.roll(own.reshape(shape), (16 >> level, 24 >> level), axes).ravel())
        start += own.size
    np.testing.assert_allclose(
        pyramid.image(tf.constant(np.concatenate(rolled))), np.roll(image, (16, 24), (1, 2)), atol=1e-5
    )
