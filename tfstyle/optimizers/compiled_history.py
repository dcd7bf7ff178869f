"""The vectors of L-BFGS as tensors on a processor, and what is computed with them compiled by XLA.

Where the vectors are large, a step takes less time than in NumPy (docs/performance.md). What is compiled holds for one
size, and takes 0.6 s, so transfers, whose sizes are mostly new, use NumPy on processors.

The steps s are one variable [blocks, slots, `BLOCK`], and so are the gradient changes y. The products of a block and
a vector are one operation that reads each number once, and added up over the blocks they are as exact as BLAS'. Over
whole vectors XLA's products, and TensorFlow's, add up one number after the other, which loses two digits and more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfstyle.optimizers.history import FADING, FLOOR, Course, Numbers, Turn
from tfstyle.optimizers.optimizer import Vector
from tfstyle.tensorflow_backend import tf

BLOCK = 4096
"""Variables in a block. The last block is filled up with zeros."""


class CompiledHistory:
    """A `History` of tensors on a processor. Memory: 8 n `slots` + 8 n bytes; `state` returns as much again."""

    def __init__(self, slots: int, size: int) -> None:
        self._size = size
        self._pairs = [tf.Variable(tf.zeros([_blocks(size), slots, BLOCK])) for _ in range(2)]  # of s and of y
        self._squares = [tf.Variable(tf.zeros([_blocks(size), BLOCK])) for _ in range(2)]  # fading sums, over s y

    def vector(self, values: Any) -> Vector:
        """As in `History`."""
        return tf.convert_to_tensor(values, tf.float32)

    def array(self, vector: Vector) -> NDArray[np.float32]:
        """As in `History`."""
        return np.asarray(vector)

    def dot(self, one: Vector, other: Vector) -> float:
        """As in `History`."""
        return float(_product(one, other))

    def moved(self, point: Vector, length: float, direction: Vector) -> Vector:
        """As in `History`."""
        return _moved(point, tf.constant(length, tf.float32), direction)

    def turn(self, point: Vector, trial: Vector, before: Vector, gradient: Vector) -> Turn:
        """As in `History`."""
        return Turn(*_turn(point, trial, before, gradient).numpy().tolist())

    def remember(
        self, slot: int, point: Vector, trial: Vector, before: Vector, gradient: Vector, curvature: float
    ) -> tuple[Numbers, Numbers]:
        """As in `History`."""
        step = point, trial, before, gradient, tf.constant(curvature, tf.float32)
        on_change, on_gradient = np.asarray(_remember(*self._pairs, *self._squares, tf.constant(slot), *step), float)
        return on_change, on_gradient

    def along_steps(self, vector: Vector) -> Numbers:
        """As in `History`."""
        return np.asarray(_along(self._pairs[0], vector), float)

    def scaled(self, vector: Vector, factors: Numbers, newest: int, curvature: float) -> tuple[Vector, Numbers]:
        """As in `History`."""
        pair = tf.constant(newest), tf.constant(curvature, tf.float32)
        scaled, along = _scaled(self._pairs[1], vector, tf.constant(factors, tf.float32), *pair)
        return scaled, np.asarray(along, float)

    def scaled_by_diagonal(
        self, vector: Vector, factors: Numbers, newest: int, curvature: float
    ) -> tuple[Vector, Numbers]:
        """As in `History`."""
        pair = tf.constant(newest), tf.constant(curvature, tf.float32)
        history = self._pairs[1], *self._squares
        scaled, along = _scaled_by_diagonal(*history, vector, tf.constant(factors, tf.float32), *pair)
        return scaled, np.asarray(along, float)

    def direction(self, scaled: Vector, factors: Numbers) -> Vector:
        """As in `History`."""
        return _direction(self._pairs[0], scaled, tf.constant(factors, tf.float32))

    def course(self, direction: Vector, gradient: Vector) -> Course:
        """As in `History`."""
        return Course(*_course(direction, gradient).numpy().tolist())

    def state(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """As in `History`. Copies the vectors."""
        pairs = np.empty((2, self._pairs[0].shape[1], self._size), np.float32)
        for rows, variable in zip(pairs, self._pairs, strict=True):
            for row, vector in zip(rows, np.asarray(tf.convert_to_tensor(variable)).swapaxes(0, 1), strict=True):
                row[:] = vector.reshape(-1)[: self._size]
        return pairs, np.stack([np.asarray(each).reshape(-1)[: self._size] for each in self._squares])

    def restore(self, pairs: NDArray[np.float32], squares: NDArray[np.float32]) -> None:
        """As in `History`."""
        self._size = pairs.shape[2]
        self._pairs = [tf.Variable(_in_blocks(rows).swapaxes(0, 1)) for rows in pairs]
        self._squares = [tf.Variable(_in_blocks(sums)) for sums in squares]


def _blocks(size: int) -> int:
    return -(-size // BLOCK)


def _in_blocks(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors [..., n] as [..., blocks, `BLOCK`], copied."""
    *others, size = vectors.shape
    filled = np.zeros((*others, _blocks(size) * BLOCK), np.float32)
    filled[..., :size] = vectors
    return filled.reshape(*others, -1, BLOCK)


def _compiled(function: Callable[..., Any]) -> Any:
    return tf.function(function, autograph=False, jit_compile=True)


def _traced(function: Callable[..., Any]) -> Any:
    """Not compiled: for a single sum, XLA's code is slower than TensorFlow's."""
    return tf.function(function, autograph=False, reduce_retracing=True)


def _square(vector: tf.Tensor) -> tf.Tensor:
    return 2 * tf.nn.l2_loss(vector)  # reads the vector once


def _divided(vector: tf.Tensor) -> tf.Tensor:
    """A vector [n] as [blocks, `BLOCK`]."""
    blocks = _blocks(vector.shape[0])
    return tf.reshape(tf.pad(vector, [[0, blocks * BLOCK - vector.shape[0]]]), [blocks, BLOCK])


def _joined(blocks: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """The inverse of `_divided`, for a vector of as many variables as `like`."""
    return tf.reshape(blocks, [-1])[: like.shape[0]]


def _sum(blocks: tf.Tensor) -> tf.Tensor:
    """The sum of [blocks, `BLOCK`], as products with ones, whose code adds up several numbers at once."""
    return tf.reduce_sum(tf.linalg.matvec(blocks, tf.ones([BLOCK])))


def _times(vectors: tf.Tensor, blocks: tf.Tensor) -> tf.Tensor:
    """The inner product of each of the vectors [blocks, slots, `BLOCK`] with one, [slots]."""
    return tf.reduce_sum(tf.linalg.matvec(vectors, blocks), 0)


def _newest(vectors: tf.Tensor, slot: tf.Tensor) -> tf.Tensor:
    """The vector in a slot, [blocks, `BLOCK`]. Gathered: a slice would be compiled for each slot."""
    return tf.gather(vectors, slot, axis=1)


def _total(vectors: tf.Tensor, factors: tf.Tensor) -> tf.Tensor:
    """The sum of vectors [blocks, slots, `BLOCK`] by their `factors` [slots], [blocks, `BLOCK`]."""
    return tf.linalg.matvec(vectors, tf.broadcast_to(factors, vectors.shape[:2]), transpose_a=True)


@_traced
def _product(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(one * other)


@_traced
def _moved(point: tf.Tensor, length: tf.Tensor, direction: tf.Tensor) -> tf.Tensor:
    return point + length * direction


@_traced
def _turn(point: tf.Tensor, trial: tf.Tensor, before: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
    step, change = trial - point, gradient - before
    return tf.stack([_square(step), tf.reduce_sum(step * change), _square(change)])


@_traced
def _course(direction: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
    return tf.stack([tf.reduce_sum(direction * gradient), _square(direction)])


@_compiled
def _along(vectors: tf.Variable, vector: tf.Tensor) -> tf.Tensor:
    return _times(vectors, _divided(vector))


@_compiled
def _remember(
    steps: tf.Variable,
    changes: tf.Variable,
    moved: tf.Variable,
    changed: tf.Variable,
    slot: tf.Tensor,
    point: tf.Tensor,
    trial: tf.Tensor,
    before: tf.Tensor,
    gradient: tf.Tensor,
    curvature: tf.Tensor,
) -> tf.Tensor:
    step, change = _divided(trial - point), _divided(gradient - before)
    blocks = step.shape[0]
    places = tf.stack([tf.range(blocks), tf.fill([blocks], slot)], 1)
    for vectors, squares, newest in ((steps, moved, step), (changes, changed, change)):
        vectors.assign(tf.tensor_scatter_nd_update(vectors, places, newest))  # compiled, it overwrites the slot only
        squares.assign(FADING * squares + newest * (newest / curvature))
    return tf.stack([_times(steps, change), _times(steps, _divided(gradient))])


@_compiled
def _scaled(
    changes: tf.Variable, vector: tf.Tensor, factors: tf.Tensor, newest: tf.Tensor, curvature: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    change = _newest(changes, newest)
    scaled = (_divided(vector) + _total(changes, factors)) * (curvature / _sum(change * change))
    return _joined(scaled, vector), _times(changes, scaled)


@_compiled
def _scaled_by_diagonal(
    changes: tf.Variable,
    moved: tf.Variable,
    changed: tf.Variable,
    vector: tf.Tensor,
    factors: tf.Tensor,
    newest: tf.Tensor,
    curvature: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    change = _newest(changes, newest)
    floors = [FLOOR / vector.shape[0] * _sum(squares) for squares in (moved, changed)]
    inverse = tf.sqrt((moved + floors[0]) / (changed + floors[1]))
    scaled = (_divided(vector) + _total(changes, factors)) * inverse
    scaled = scaled * (curvature / _sum(change * (inverse * change)))
    return _joined(scaled, vector), _times(changes, scaled)


@_compiled
def _direction(steps: tf.Variable, scaled: tf.Tensor, factors: tf.Tensor) -> tf.Tensor:
    return -(scaled + _joined(_total(steps, factors), scaled))
