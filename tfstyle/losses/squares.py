"""Sums of squared differences, with a gradient that is one product: TensorFlow's own fills a map with ones first."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfstyle.tensorflow_backend import tf


def squared_sum(
    difference: tf.Tensor, weights: tf.Tensor | None = None, matrix: NDArray[np.float32] | None = None
) -> tf.Tensor:
    """The sum of w d^T M d over the positions of `difference` [..., c], in float32.

    d is the difference at a position, w its entry in `weights` [..., 1] (None: 1), M the symmetric `matrix` [c, c]
    (None: the identity). The weights get no gradient.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def total(difference: tf.Tensor) -> Any:
        measured = difference
        if matrix is not None:
            flat = tf.reshape(difference, [-1, difference.shape[-1]])
            measured = tf.reshape(tf.matmul(flat, tf.constant(matrix)), tf.shape(difference))
        if weights is not None:
            measured = measured * weights

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            return (2 * upstream) * measured

        return _product_sum(measured, difference), gradient

    return total(difference)


def _product_sum(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """The sum of the products of two maps, entry by entry."""
    if first is second:
        return 2 * tf.nn.l2_loss(first)  # which reads the map once, and writes none
    return tf.reduce_sum(first * second)
