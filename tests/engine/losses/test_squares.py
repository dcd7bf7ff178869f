"""Sums of squared differences, against NumPy and finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from tfstyle.losses.squares import squared_sum
from tfstyle.tensorflow_backend import tf

RANDOM = np.random.default_rng(5)
DIFFERENCE = RANDOM.normal(size=(1, 3, 4, 5)).astype(np.float32)
HALF = RANDOM.normal(size=(5, 5)).astype(np.float32)


@pytest.mark.parametrize("matrix", [None, HALF @ HALF.T])
@pytest.mark.parametrize("weights", [None, RANDOM.random((1, 3, 4, 1)).astype(np.float32)])
def test_value_and_gradient(weights: np.ndarray | None, matrix: np.ndarray | None) -> None:
    def expected(difference: np.ndarray) -> float:
        own = np.ones((1, 3, 4, 1)) if weights is None else weights.astype(np.float64)
        return float(
            np.einsum("bhwx,bhwc,cd,bhwd->", own, difference, np.eye(5) if matrix is None else matrix, difference)
        )

    exact = DIFFERENCE.astype(np.float64)
    with tf.GradientTape() as tape:
        variable = tf.constant(DIFFERENCE)
        tape.watch(variable)
        total = 3 * squared_sum(variable, None if weights is None else tf.constant(weights), matrix)
    assert float(total) == pytest.approx(3 * expected(exact), rel=1e-5)
    gradient = tape.gradient(total, variable).numpy()
    for place in [(0, 0, 0, 0), (0, 2, 1, 3), (0, 1, 3, 4)]:
        step = np.zeros_like(exact)
        step[place] = 1e-4
        slope = 3 * (expected(exact + step) - expected(exact - step)) / 2e-4
        assert gradient[place] == pytest.approx(slope, rel=1e-4, abs=1e-5)
