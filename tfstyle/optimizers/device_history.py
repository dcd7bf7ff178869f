"""The vectors of L-BFGS as tensors, so that they stay in the memory of a GPU.

Nothing is overwritten: a step is new tensors, and the oldest ones are freed. An inner product is a product and a sum,
not a product of matrices, because GPUs may round these to TF32. What is computed from several vectors is computed one
after the other, so that at most two temporaries exist.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfstyle.optimizers.history import FADING, FLOOR, Course, Numbers, Turn
from tfstyle.optimizers.optimizer import Vector
from tfstyle.tensorflow_backend import tf


class DeviceHistory:
    """A `History` of tensors on the device that TensorFlow computes on. Memory: as `HostHistory`."""

    def __init__(self, slots: int, size: int) -> None:
        unused = tf.zeros([size])  # one tensor in all slots, so they take no memory until they are used
        self._steps, self._changes = [unused] * slots, [unused] * slots
        self._moved = self._changed = unused  # fading sums of s^2 and of y^2, each over s y
        self._functions = _functions(slots)

    def vector(self, values: Any) -> Vector:
        """As in `History`."""
        return tf.convert_to_tensor(values, tf.float32)

    def array(self, vector: Vector) -> NDArray[np.float32]:
        """As in `History`."""
        return np.asarray(vector)

    def dot(self, one: Vector, other: Vector) -> float:
        """As in `History`."""
        return float(_dot(one, other))

    def moved(self, point: Vector, length: float, direction: Vector) -> Vector:
        """As in `History`."""
        return point + length * direction

    def turn(self, point: Vector, trial: Vector, before: Vector, gradient: Vector) -> Turn:
        """As in `History`."""
        step, change = trial - point, gradient - before
        # In one tensor, since each that is read makes the processor wait for the device.
        products = tf.stack([_dot(step, step), _dot(step, change), _dot(change, change)])
        return Turn(*products.numpy().tolist())

    def remember(
        self, slot: int, point: Vector, trial: Vector, before: Vector, gradient: Vector, curvature: float
    ) -> tuple[Numbers, Numbers]:
        """As in `History`."""
        self._steps[slot] = self._changes[slot] = None  # the oldest ones are freed first
        self._steps[slot] = step = trial - point
        self._changes[slot] = change = gradient - before
        self._moved = FADING * self._moved + step * (step / curvature)
        self._changed = FADING * self._changed + change * (change / curvature)
        return self.along_steps(change), self.along_steps(gradient)

    def along_steps(self, vector: Vector) -> Numbers:
        """As in `History`."""
        return np.asarray(self._functions.along(self._steps, vector), float)

    def scaled(self, vector: Vector, factors: Numbers, newest: int, curvature: float) -> tuple[Vector, Numbers]:
        """As in `History`."""
        change = self._changes[newest]
        scaled = self._sum_with(vector, self._changes, factors) * (curvature / _dot(change, change))
        return scaled, np.asarray(self._functions.along(self._changes, scaled), float)

    def scaled_by_diagonal(
        self, vector: Vector, factors: Numbers, newest: int, curvature: float
    ) -> tuple[Vector, Numbers]:
        """As in `History`."""
        change = self._changes[newest]
        floors = [FLOOR * tf.reduce_mean(squares) for squares in (self._moved, self._changed)]
        inverse = tf.sqrt((self._moved + floors[0]) / (self._changed + floors[1]))
        scaled = self._sum_with(vector, self._changes, factors) * inverse
        scaled = scaled * (curvature / _dot(change, inverse * change))
        return scaled, np.asarray(self._functions.along(self._changes, scaled), float)

    def direction(self, scaled: Vector, factors: Numbers) -> Vector:
        """As in `History`."""
        return -self._sum_with(scaled, self._steps, factors)

    def course(self, direction: Vector, gradient: Vector) -> Course:
        """As in `History`."""
        return Course(*tf.stack([_dot(direction, gradient), _dot(direction, direction)]).numpy().tolist())

    def _sum_with(self, vector: Vector, vectors: list[tf.Tensor], factors: Numbers) -> Vector:
        """`vector` + the sum of `vectors` by their `factors`."""
        return self._functions.sum_with(vector, vectors, tf.constant(factors, tf.float32))

    def state(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """As in `History`. Copies the vectors from the device, one at a time."""
        size = int(self._moved.shape[0])
        pairs = np.empty((2, len(self._steps), size), np.float32)
        for rows, vectors in zip(pairs, (self._steps, self._changes), strict=True):
            for row, vector in zip(rows, vectors, strict=True):
                row[:] = vector.numpy()
        return pairs, np.stack([self._moved.numpy(), self._changed.numpy()])

    def restore(self, pairs: NDArray[np.float32], squares: NDArray[np.float32]) -> None:
        """As in `History`."""
        self._steps, self._changes = ([_copied(row) for row in rows] for rows in pairs)
        self._moved, self._changed = map(_copied, squares)
        self._functions = _functions(len(self._steps))


def _copied(row: NDArray[np.float32]) -> tf.Tensor:
    """A tensor that has no memory in common with an array, which may be overwritten."""
    return tf.constant(np.array(row, np.float32))


def _dot(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(one * other)


class _Functions:
    """What is computed from `slots` vectors at once, traced for all sizes of them."""

    def __init__(self, slots: int) -> None:
        vector, factors = tf.TensorSpec([None], tf.float32), tf.TensorSpec([slots], tf.float32)
        self.along = tf.function(_along, autograph=False, input_signature=[[vector] * slots, vector])
        self.sum_with = tf.function(_sum_with, autograph=False, input_signature=[vector, [vector] * slots, factors])


@cache
def _functions(slots: int) -> _Functions:
    return _Functions(slots)


def _along(vectors: list[tf.Tensor], vector: tf.Tensor) -> tf.Tensor:
    """The inner product of each of `vectors` with `vector`."""
    found: list[tf.Tensor] = []
    for each in vectors:
        with tf.control_dependencies(found[-1:]):
            found.append(_dot(each, vector))
    return tf.stack(found)


def _sum_with(vector: tf.Tensor, vectors: list[tf.Tensor], factors: tf.Tensor) -> tf.Tensor:
    """`vector` + the sum of `vectors` by their `factors`."""
    total = vector
    for each, factor in zip(vectors, tf.unstack(factors), strict=True):
        with tf.control_dependencies([total]):
            total = total + factor * each
    return total
