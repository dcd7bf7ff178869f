"""The vectors of L-BFGS and what it computes with them: an interface, and NumPy behind it.

`tfstyle.optimizers.device_history` is the same on a GPU, `compiled_history` in TensorFlow on a processor.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tfstyle.optimizers.optimizer import Vector

Numbers = NDArray[np.float64]
FADING = 0.95
"""Weight of a pair in the diagonal, relative to the next newer one."""
FLOOR = 0.1
"""Share of the mean that is added to both sums of the diagonal, for variables that hardly moved."""
BLOCK = 2**16
"""Number of variables that are processed at once."""


class Turn(NamedTuple):
    """Inner products of a step s and the gradient change y on it: s s, s y and y y."""

    length: float
    curvature: float
    change: float


class Course(NamedTuple):
    """Inner products of a direction d and the gradient g: d g and d d."""

    slope: float
    square: float


class History(Protocol):
    """The latest pairs of a step s and a gradient change y [n], in numbered slots, and the sums of the diagonal.

    Vectors are float32 [n]: arrays, or tensors. Inner products are summed in float32. Slots that are not in use count
    with factors of 0.
    """

    def vector(self, values: Any) -> Vector:
        """An array or a tensor [n] as a vector of this history, not copied where it is one."""

    def array(self, vector: Vector) -> NDArray[np.float32]:
        """A vector as an array, not copied where it is one."""

    def dot(self, one: Vector, other: Vector) -> float:
        """The inner product."""

    def moved(self, point: Vector, length: float, direction: Vector) -> Vector:
        """`point` + `length` * `direction`, a new vector."""

    def turn(self, point: Vector, trial: Vector, before: Vector, gradient: Vector) -> Turn:
        """The products of the step from `point` to `trial`, on which the gradient changes from `before`."""

    def remember(
        self, slot: int, point: Vector, trial: Vector, before: Vector, gradient: Vector, curvature: float
    ) -> tuple[Numbers, Numbers]:
        """Store the pair of that step, whose s y is `curvature`.

        Returns each s times the new y, and each s times the `gradient`.
        """

    def along_steps(self, vector: Vector) -> Numbers:
        """Each s times `vector`."""

    def scaled(self, vector: Vector, factors: Numbers, newest: int, curvature: float) -> tuple[Vector, Numbers]:
        """The middle of the recursion: a new vector and each y times it.

        The vector is (`vector` + the y by their `factors`) times s y / y y of the pair in the slot `newest`.
        """

    def scaled_by_diagonal(
        self, vector: Vector, factors: Numbers, newest: int, curvature: float
    ) -> tuple[Vector, Numbers]:
        """As `scaled`, times the learnt inverse diagonal, which is scaled as a whole by that pair."""

    def direction(self, scaled: Vector, factors: Numbers) -> Vector:
        """-(`scaled` + the s by their `factors`); may overwrite `scaled`."""

    def course(self, direction: Vector, gradient: Vector) -> Course:
        """The products of a direction and the gradient where it begins."""

    def state(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The pairs [2, slots, n] and the sums of the diagonal [2, n], not copied where they are arrays."""

    def restore(self, pairs: NDArray[np.float32], squares: NDArray[np.float32]) -> None:
        """Take over what `state` returned, of any kind of history."""


class HostHistory:
    """A `History` in NumPy arrays, which processors compute with. Memory: 8 n `slots` + 8 n bytes."""

    def __init__(self, slots: int, size: int) -> None:
        # Row i of the first half is a step s, of the second its gradient change y.
        self._pairs = np.zeros((2, slots, size), np.float32)
        self._squares = np.zeros((2, size), np.float32)  # fading sums of s^2 and of y^2, each over s y
        self._used = 0  # slots that have been in use; the others are not read
        # Blocks that fit into the processor's cache, so that no temporary is as large as a whole vector.
        self._blocks = [slice(start, start + BLOCK) for start in range(0, size, BLOCK)]

    def vector(self, values: Any) -> Vector:
        """As in `History`."""
        return np.asarray(values, np.float32)

    def array(self, vector: Vector) -> NDArray[np.float32]:
        """As in `History`."""
        return vector

    def dot(self, one: Vector, other: Vector) -> float:
        """As in `History`."""
        return float(np.dot(one, other))

    def moved(self, point: Vector, length: float, direction: Vector) -> Vector:
        """As in `History`."""
        return point + np.float32(length) * direction

    def turn(self, point: Vector, trial: Vector, before: Vector, gradient: Vector) -> Turn:
        """As in `History`."""
        length = curvature = turned = 0.0
        for part in self._blocks:
            step, change = trial[part] - point[part], gradient[part] - before[part]
            length += self.dot(step, step)
            curvature += self.dot(step, change)
            turned += self.dot(change, change)
        return Turn(length, curvature, turned)

    def remember(
        self, slot: int, point: Vector, trial: Vector, before: Vector, gradient: Vector, curvature: float
    ) -> tuple[Numbers, Numbers]:
        """As in `History`."""
        steps, changes = self._pairs
        step, change = steps[slot], changes[slot]
        self._used = max(self._used, slot + 1)
        np.subtract(trial, point, out=step)
        np.subtract(gradient, before, out=change)
        for squares, newest in zip(self._squares, (step, change), strict=True):
            for part in self._blocks:
                squares[part] *= np.float32(FADING)
                squares[part] += newest[part] * (newest[part] / np.float32(curvature))
        return self._along(steps, change), self._along(steps, gradient)

    def along_steps(self, vector: Vector) -> Numbers:
        """As in `History`."""
        return self._along(self._pairs[0], vector)

    def scaled(self, vector: Vector, factors: Numbers, newest: int, curvature: float) -> tuple[Vector, Numbers]:
        """As in `History`."""
        scaled, change = self._plus_changes(vector, factors), self._pairs[1, newest]
        scaled *= np.float32(curvature / self.dot(change, change))
        return scaled, self._along(self._pairs[1], scaled)

    def scaled_by_diagonal(
        self, vector: Vector, factors: Numbers, newest: int, curvature: float
    ) -> tuple[Vector, Numbers]:
        """As in `History`."""
        scaled, change = self._plus_changes(vector, factors), self._pairs[1, newest]
        moved, changed = self._squares
        floors = [np.float32(FLOOR * squares.mean()) for squares in self._squares]
        newest_scaled = 0.0
        for part in self._blocks:
            inverse = np.sqrt((moved[part] + floors[0]) / (changed[part] + floors[1]))
            scaled[part] *= inverse
            newest_scaled += self.dot(change[part], inverse * change[part])
        scaled *= np.float32(curvature / newest_scaled)
        return scaled, self._along(self._pairs[1], scaled)

    def direction(self, scaled: Vector, factors: Numbers) -> Vector:
        """As in `History`."""
        scaled += self._combined(factors, self._pairs[0])
        np.negative(scaled, out=scaled)
        return scaled

    def course(self, direction: Vector, gradient: Vector) -> Course:
        """As in `History`."""
        return Course(self.dot(direction, gradient), self.dot(direction, direction))

    def _plus_changes(self, vector: Vector, factors: Numbers) -> Vector:
        """`vector` + the y by their `factors`, a new vector."""
        total: Vector = self._combined(factors, self._pairs[1])
        total += vector
        return total

    def _along(self, vectors: Vector, vector: Vector) -> Numbers:
        """Each of the vectors in the slots times `vector`."""
        products = np.zeros(len(vectors))
        products[: self._used] = vectors[: self._used] @ vector
        return products

    def _combined(self, factors: Numbers, vectors: Vector) -> Vector:
        """The sum of the vectors in the slots by their `factors`."""
        combined: Vector = factors[: self._used].astype(np.float32) @ vectors[: self._used]
        return combined

    def state(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """As in `History`."""
        return self._pairs, self._squares

    def restore(self, pairs: NDArray[np.float32], squares: NDArray[np.float32]) -> None:
        """As in `History`."""
        self._pairs, self._squares = np.array(pairs, np.float32), np.array(squares, np.float32)
        # As many as before, because sums of more rows are rounded otherwise. A pair that is stored has a change.
        self._used = 1 + max(np.flatnonzero(self._pairs[1].any(1)).tolist(), default=-1)
