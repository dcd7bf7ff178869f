"""Convolutions of 3 x 3 whose surroundings are not zeros, and their gradient."""

from __future__ import annotations

from tfstyle.borders import CIRCULAR, REPLICATE, Borders
from tfstyle.tensorflow_backend import tf


def convolved(features: tf.Tensor, kernel: tf.Tensor, borders: Borders) -> tf.Tensor:
    """`features` [n, h, w, c] convolved with `kernel` [3, 3, c, d], with `borders` around them: [n, h, w, d]."""
    for axis, border in enumerate(borders, 1):
        features = surrounded(features, axis, border)
    return tf.nn.conv2d(features, kernel, 1, "VALID")


def pulled_back(upstream: tf.Tensor, flipped: tf.Tensor, borders: Borders) -> tf.Tensor:
    """The gradient [n, h, w, c] with respect to the features of `convolved`, from `upstream` [n, h, w, d].

    `flipped` [3, 3, d, c] is the kernel turned by 180 degrees, with its channels exchanged. A circular convolution with
    it is the gradient of a circular one. Where the border is replicated, what the copies outside receive goes back
    to the row or column that they are copies of.
    """
    for axis, border in enumerate(borders, 1):
        upstream = _with_zeros(upstream, axis, 2) if border == REPLICATE else surrounded(upstream, axis, border)
    gradient = tf.nn.conv2d(upstream, flipped, 1, "VALID")
    for axis, border in enumerate(borders, 1):
        if border == REPLICATE:
            gradient = _folded(gradient, axis)
    return gradient


def surrounded(features: tf.Tensor, axis: int, border: str) -> tf.Tensor:
    """`features` with one more row (axis 1) or column (axis 2) at both ends."""
    if border not in (CIRCULAR, REPLICATE):
        return _with_zeros(features, axis, 1)
    first, last = _end(features, axis, 0), _end(features, axis, features.shape[axis] - 1)
    before, after = (last, first) if border == CIRCULAR else (first, last)
    return tf.concat([before, features, after], axis)


def _with_zeros(features: tf.Tensor, axis: int, count: int) -> tf.Tensor:
    return tf.pad(features, [(count, count) if each == axis else (0, 0) for each in range(4)])


def _folded(values: tf.Tensor, axis: int) -> tf.Tensor:
    """The adjoint of `surrounded` with a replicated border: the outer rows or columns, added to their neighbours."""
    count = values.shape[axis] - 2
    outer = _end(values, axis, 0), _end(values, axis, count + 1)
    if count == 1:
        return outer[0] + _end(values, axis, 1) + outer[1]
    first, inner, last = tf.split(tf.split(values, [1, count, 1], axis)[1], [1, count - 2, 1], axis)
    return tf.concat([first + outer[0], inner, last + outer[1]], axis)


def _end(values: tf.Tensor, axis: int, index: int) -> tf.Tensor:
    """One row or column, with its axis kept."""
    return values[:, index : index + 1] if axis == 1 else values[:, :, index : index + 1]
