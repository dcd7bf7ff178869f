"""Sizes of maps whose height and width a trace may leave open (`tfstyle.feature_loss`, `tfstyle.picture_loss`)."""

from __future__ import annotations

from typing import Any

from tfstyle.tensorflow_backend import tf


def size_of(features: tf.Tensor) -> tuple[Any, Any]:
    """Height and width of `features` [1, h, w, c]: numbers, or int32 scalars where they are open."""
    _, height, width, _ = features.shape
    if height is None or width is None:
        _, height, width, _ = tf.unstack(tf.shape(features))
    return height, width


def positions(features: tf.Tensor) -> Any:
    """The number of positions of `features` [1, h, w, c]: a number, or a float32 scalar where their size is open."""
    height, width = size_of(features)
    count = height * width
    return tf.cast(count, tf.float32) if tf.is_tensor(count) else count


def open_specification(value: Any) -> tf.TensorSpec:
    """What a trace expects in place of `value`, a tensor or an array: a map [1, h, w, c] may have any size."""
    shape = tf.TensorShape(value.shape)
    return tf.TensorSpec([1, None, None, shape[3]] if shape.rank == 4 else shape, value.dtype)
