"""Sums over differences of neighbouring pixels, and their gradients, compared with NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tfstyle.losses.differences import absolute_differences, squared_differences

IMAGE = np.random.default_rng(0).integers(-3, 4, (1, 6, 7, 3)).astype(np.float32)  # so that neighbours are equal, too

CASES = [
    pytest.param(absolute_differences, np.abs, np.sign, id="absolute"),
    pytest.param(squared_differences, np.square, lambda x: 2 * x, id="squared"),
]


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize(("total", "function", "derivative"), CASES)
def test_sum_and_gradient(
    total: Callable[..., Any], function: Callable[..., Any], derivative: Callable[..., Any], axis: int
) -> None:
    image = tf.constant(IMAGE)
    with tf.GradientTape() as tape:
        tape.watch(image)
        value = 0.7 * total(image, axis)
    differences = np.diff(IMAGE.astype(float), axis=axis)
    assert (differences == 0).any()
    assert float(value) == pytest.approx(0.7 * function(differences).sum(), rel=1e-6)
    expected = np.zeros(IMAGE.shape)
    before, after = [slice(None)] * 4, [slice(None)] * 4
    before[axis], after[axis] = slice(None, -1), slice(1, None)
    expected[tuple(after)] += derivative(differences)
    expected[tuple(before)] -= derivative(differences)
    np.testing.assert_allclose(tape.gradient(value, image), 0.7 * expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("total", [absolute_differences, squared_differences])
def test_a_single_row_has_no_differences(total: Callable[..., Any]) -> None:
    image = tf.constant(IMAGE[:, :1])
    with tf.GradientTape() as tape:
        tape.watch(image)
        value = total(image, 1)
    assert float(value) == 0
    assert not np.any(tape.gradient(value, image))
