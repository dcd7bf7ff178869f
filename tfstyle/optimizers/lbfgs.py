"""L-BFGS (Nocedal 1980; Nocedal and Wright 2006, algorithm 7.4) with Armijo backtracking.

Both loops of the recursion work on coefficients, using stored inner products of the steps S and gradient changes Y. An
iteration then reads the history two and a half times, as matrix-vector products: S times the newest change and the
gradient, Y for the end of the first loop and the beginning of the second, and S for the end of the second.

The initial Hessian is diagonal, h_i = sqrt(sum y_i^2 / sum s_i^2) over the latest pairs, scaled as a whole by the
newest pair as usual. Variables differ in stiffness (flat sky and texture, one pyramid level and the next), and the
diagonal learns these differences. It saves a third of the evaluations at the published weights and a fifth at the
default ones (docs/performance.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfstyle.optimizers.optimizer import OptimizerKind, Vector
from tfstyle.options import TransferOptions

ARMIJO = 1e-4
SHRINK = (0.1, 0.5)
"""Bounds of the factor by which a refused step is shortened."""
GROWTH = 4.0
"""A trial step is at most this many times as long as the last accepted one. Where the function is nearly linear, the
quasi-Newton step is unbounded and would be refused repeatedly."""
SCALED_FROM = 5
"""Pairs needed before the diagonal is used; with fewer it would be mostly noise."""
FADING = 0.95
"""Weight of a pair in the diagonal, relative to the next newer one."""
FLOOR = 0.1
"""Share of the mean that is added to both sums of the diagonal, for variables that hardly moved."""
BLOCK = 2**16
"""Number of variables that are processed at once."""
MOST_REFUSALS = 12
"""Refused steps in a row after which the history is dropped; without a history the search ends."""


class LBFGS:
    """An `Optimizer` that stores `history_size` pairs of steps and gradient changes.

    Variables and gradients are float32 [n], inner products float64. Memory: 8 n `history_size` bytes for the pairs and
    8 n for the diagonal. The first step has unit length; later ones try the full quasi-Newton step, or `GROWTH` times
    the previous step if that is shorter. A step is accepted if it lowers the value by at least `ARMIJO` times the
    decrease that the slope predicts. Otherwise it is shortened to the minimum of the cubic through both values and
    slopes, within `SHRINK`.
    """

    def __init__(self, start: Vector, history_size: int) -> None:
        self.point = start.copy()
        self.finished = False
        self._trial = self.point
        self._value = math.inf
        self._gradient = np.zeros_like(start)
        self._direction = np.zeros_like(start)
        self._length = 0.0
        self._reach = 1 / GROWTH  # norm of the last accepted step
        self._refusals = 0
        # Row i of the first half is a step s, of the second its gradient change y.
        self._pairs = np.zeros((2, history_size, start.size), np.float32)
        self._sy = np.zeros((history_size, history_size))  # s_i y_j, for j no older than i
        self._squares = np.zeros((2, start.size), np.float32)  # fading sums of s^2 and of y^2
        self._order: list[int] = []  # slots in use, oldest first

    def ask(self) -> Vector:
        """As in `Optimizer`."""
        return self._trial

    def tell(self, value: float, gradient: Vector) -> bool:
        """As in `Optimizer`."""
        if self._trial is self.point:
            self._move(value, gradient)
            return True
        slope = _dot(self._gradient, self._direction)
        if value <= self._value + ARMIJO * self._length * slope:
            self._remember(gradient)
            self.point = self._trial
            self._move(value, gradient)
            return True
        self._shorten(value, slope, _dot(gradient, self._direction))
        return False

    def retarget(self) -> None:
        """As in `Optimizer`."""
        self._trial, self._value, self.finished = self.point, math.inf, False

    def _move(self, value: float, gradient: Vector) -> None:
        self._value, self._gradient, self._refusals = value, gradient, 0
        self._direction = self._quasi_newton()
        if _dot(self._direction, gradient) >= 0:
            self._order = []  # not a descent direction because of rounding: drop the history
            self._direction = -gradient
        self._start_search()

    def _start_search(self) -> None:
        norm = math.sqrt(_dot(self._direction, self._direction))
        if norm == 0 or not math.isfinite(norm):
            self.finished = True
            return
        longest = GROWTH * self._reach / norm
        self._length = min(1.0, longest) if self._order else longest
        self._trial = self.point + np.float32(self._length) * self._direction

    def _shorten(self, value: float, slope: float, slope_there: float) -> None:
        self._refusals += 1
        if self._refusals > MOST_REFUSALS:
            if not self._order:
                self.finished = True
                return
            self._reach = self._length * math.sqrt(_dot(self._direction, self._direction)) / GROWTH
            self._order, self._refusals, self._direction = [], 0, -self._gradient
            self._start_search()
            return
        self._length *= _cubic_minimum(self._value, slope * self._length, value, slope_there * self._length)
        self._trial = self.point + np.float32(self._length) * self._direction

    def _remember(self, gradient: Vector) -> None:
        """Store the pair of the step from `point` to `_trial`; a full history drops its oldest pair."""
        length = curvature = turn = 0.0
        for part in self._blocks:
            step, change = self._trial[part] - self.point[part], gradient[part] - self._gradient[part]
            length += _dot(step, step)
            curvature += _dot(step, change)
            turn += _dot(change, change)
        self._reach = math.sqrt(length)
        if curvature <= 1e-10 * math.sqrt(length * turn):
            return  # the Hessian estimate must stay positive definite
        steps, changes = self._pairs
        slot = len(self._order) if len(self._order) < len(steps) else self._order.pop(0)
        step, change = steps[slot], changes[slot]
        np.subtract(self._trial, self.point, out=step)
        np.subtract(gradient, self._gradient, out=change)
        self._order.append(slot)
        self._sy[:, slot] = steps @ change
        for squares, newest in zip(self._squares, (step, change), strict=True):
            for part in self._blocks:
                squares[part] *= np.float32(FADING)
                squares[part] += newest[part] * (newest[part] / np.float32(curvature))

    def _quasi_newton(self) -> Vector:
        if not self._order:
            return -self._gradient
        steps, changes = self._pairs
        along_s = (steps @ self._gradient).astype(float)
        on_y = np.zeros(len(steps))
        for i in reversed(self._order):
            on_y[i] = -(along_s[i] + self._sy[i] @ on_y) / self._sy[i, i]
        direction: Vector = on_y.astype(np.float32) @ changes
        direction += self._gradient
        self._scale(direction)
        along_y = (changes @ direction).astype(float)
        on_s = np.zeros(len(steps))
        for i in self._order:
            on_s[i] = -on_y[i] - (along_y[i] + self._sy[:, i] @ on_s) / self._sy[i, i]
        direction += on_s.astype(np.float32) @ steps
        np.negative(direction, out=direction)
        return direction

    def _scale(self, vector: Vector) -> None:
        """Multiply `vector` [n] by the inverse of the initial Hessian, in place."""
        newest = self._order[-1]
        change = self._pairs[1, newest]
        curvature = self._sy[newest, newest]
        if len(self._order) < min(SCALED_FROM, len(self._sy)):
            vector *= np.float32(curvature / _dot(change, change))
            return
        moved, changed = self._squares
        floors = [np.float32(FLOOR * squares.mean()) for squares in self._squares]
        newest_scaled = 0.0
        for part in self._blocks:
            inverse = np.sqrt((moved[part] + floors[0]) / (changed[part] + floors[1]))
            vector[part] *= inverse
            newest_scaled += _dot(change[part], inverse * change[part])
        vector *= np.float32(curvature / newest_scaled)

    @property
    def _blocks(self) -> list[slice]:
        """The variables in blocks that fit into the processor's cache; no temporary is as large as a whole vector."""
        return [slice(start, start + BLOCK) for start in range(0, self.point.size, BLOCK)]

    def state(self) -> dict[str, Any]:
        """As in `Optimizer`."""
        return {
            "point": self.point,
            "trial": self._trial,
            "value": self._value,
            "gradient": self._gradient,
            "direction": self._direction,
            "length": self._length,
            "reach": self._reach,
            "refusals": self._refusals,
            "finished": self.finished,
            "pairs": self._pairs,
            "sy": self._sy,
            "squares": self._squares,
            "order": np.array(self._order, np.int64),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """As in `Optimizer`."""
        fresh = not math.isfinite(state["value"])
        self.point = np.array(state["point"], np.float32)
        self._trial = self.point if fresh else np.array(state["trial"], np.float32)
        self._value, self._length = float(state["value"]), float(state["length"])
        self._reach = float(state["reach"])
        self._gradient = np.array(state["gradient"], np.float32)
        self._direction = np.array(state["direction"], np.float32)
        self._refusals, self.finished = int(state["refusals"]), bool(state["finished"])
        self._pairs = np.array(state["pairs"], np.float32)
        self._sy, self._squares = np.array(state["sy"], float), np.array(state["squares"], np.float32)
        self._order = [int(slot) for slot in state["order"]]


def _dot(a: Vector, b: Vector) -> float:
    return float(np.dot(a, b))


def _cubic_minimum(value: float, slope: float, value_there: float, slope_there: float) -> float:
    """The minimum on [0, 1] of the cubic with these values and slopes at 0 and 1, limited to `SHRINK`."""
    shortest, longest = SHRINK
    bend = slope + slope_there - 3 * (value_there - value)
    root = bend * bend - slope * slope_there
    if not math.isfinite(root):
        return shortest
    span = slope_there - slope + 2 * math.sqrt(max(root, 0.0))
    if root < 0 or span == 0:
        return longest
    return min(max(1 - (slope_there + math.sqrt(root) - bend) / span, shortest), longest)


def _lighter(options: TransferOptions, vectors: int) -> dict[str, Any] | None:
    history_size = (vectors - _OTHER_VECTORS) // 2
    return {"history_size": history_size} if history_size >= 1 else None


_OTHER_VECTORS = 6
"""Vectors in addition to the pairs: point, trial, gradient, direction, and the two of the diagonal."""

KIND = OptimizerKind(
    begin=lambda start, options: LBFGS(start, options.history_size),
    vectors=lambda options: 2 * options.history_size + _OTHER_VECTORS,
    lighter=_lighter,
)
