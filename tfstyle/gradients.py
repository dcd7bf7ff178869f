"""Gradients that are equal to the bit whenever they are computed again."""

from __future__ import annotations

from typing import Any

from tfstyle.tensorflow_backend import tf


def gradient(total: tf.Tensor, by: Any, by_total: tf.Tensor | None = None) -> Any:
    """The gradient of the scalar `total` with respect to `by`, a tensor or a structure of tensors; 0 where it has none.

    With `by_total`, `total` may have any shape, and `by_total` is the gradient with respect to it.

    To be called while a function is traced. What several operations contribute to one tensor is added two at a time. A
    sum of more is begun, in TensorFlow, with whichever summand's memory is free first, so its rounding would depend on
    how threads happen to run.
    """
    found = tf.gradients(
        total,
        tf.nest.flatten(by),
        by_total,
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
        aggregation_method=tf.AggregationMethod.EXPERIMENTAL_TREE,
    )
    return tf.nest.pack_sequence_as(by, found)
