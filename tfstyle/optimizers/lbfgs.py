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
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfstyle.optimizers.device_history import DeviceHistory
from tfstyle.optimizers.history import Course, History, HostHistory, Numbers
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
MOST_REFUSALS = 12
"""Refused steps in a row after which the history is dropped; without a history the search ends."""


class LBFGS:
    """An `Optimizer` that stores `history_size` pairs of steps and gradient changes.

    Variables and gradients are float32 [n]: arrays, or with other histories than `HostHistory` tensors. This class
    computes with numbers alone, in float64; all vectors are the `history`'s. Memory: 8 n `history_size` bytes for the
    pairs and 8 n for the diagonal. The first step has unit length; later ones try the full quasi-Newton step, or
    `GROWTH` times the previous step if that is shorter. A step is accepted if it lowers the value by at least `ARMIJO`
    times the decrease that the slope predicts. Otherwise it is shortened to the minimum of the cubic through both
    values and slopes, within `SHRINK`.
    """

    def __init__(
        self,
        start: NDArray[np.float32],
        history_size: int,
        history: Callable[[int, int], History] = HostHistory,
    ) -> None:
        self._history = history(history_size, start.size)
        self.point = self._history.vector(start.copy())
        self.finished = False
        self._trial = self.point
        self._value = math.inf
        self._gradient = self._history.vector(np.zeros_like(start))
        self._direction = self._gradient
        self._course = Course(0.0, 0.0)
        self._length = 0.0
        self._reach = 1 / GROWTH  # norm of the last accepted step
        self._refusals = 0
        self._sy = np.zeros((history_size, history_size))  # s_i y_j, for j no older than i
        self._order: list[int] = []  # slots in use, oldest first

    def ask(self) -> Vector:
        """As in `Optimizer`."""
        return self._trial

    def tell(self, value: float, gradient: Vector) -> bool:
        """As in `Optimizer`."""
        gradient = self._history.vector(gradient)
        if self._trial is self.point:
            self._move(value, gradient, None)
            return True
        if value <= self._value + ARMIJO * self._length * self._course.slope:
            along_s = self._remember(gradient)
            self.point = self._trial
            self._move(value, gradient, along_s)
            return True
        self._shorten(value, self._history.dot(gradient, self._direction))
        return False

    def retarget(self) -> None:
        """As in `Optimizer`."""
        self._trial, self._value, self.finished = self.point, math.inf, False

    def _move(self, value: float, gradient: Vector, along_s: Numbers | None) -> None:
        """Search from the new point; `along_s` is each s times the `gradient`, if it has been computed."""
        self._value, self._gradient, self._refusals = value, gradient, 0
        self._head_for(self._quasi_newton(along_s))
        if self._course.slope >= 0:
            self._order = []  # not a descent direction because of rounding: drop the history
            self._head_for(-gradient)
        self._start_search()

    def _head_for(self, direction: Vector) -> None:
        self._direction, self._course = direction, self._history.course(direction, self._gradient)

    def _start_search(self) -> None:
        norm = self._norm()
        if norm == 0 or not math.isfinite(norm):
            self.finished = True
            return
        longest = GROWTH * self._reach / norm
        self._length = min(1.0, longest) if self._order else longest
        self._trial = self._history.moved(self.point, self._length, self._direction)

    def _norm(self) -> float:
        """The length of the direction."""
        return math.sqrt(self._course.square)

    def _shorten(self, value: float, slope_there: float) -> None:
        self._refusals += 1
        if self._refusals > MOST_REFUSALS:
            if not self._order:
                self.finished = True
                return
            self._reach = self._length * self._norm() / GROWTH
            self._order, self._refusals = [], 0
            self._head_for(-self._gradient)
            self._start_search()
            return
        slope = self._course.slope
        self._length *= _cubic_minimum(self._value, slope * self._length, value, slope_there * self._length)
        self._trial = self._history.moved(self.point, self._length, self._direction)

    def _remember(self, gradient: Vector) -> Numbers | None:
        """Store the pair of the step from `point` to `_trial`; a full history drops its oldest pair.

        Returns each s times the `gradient`, or None if no pair was stored.
        """
        step = self.point, self._trial, self._gradient, gradient
        turn = self._history.turn(*step)
        self._reach = math.sqrt(turn.length)
        if turn.change == 0 or turn.curvature <= 1e-10 * math.sqrt(turn.length * turn.change):
            return None  # the Hessian estimate must stay positive definite, and y y must not have underflowed
        slot = len(self._order) if len(self._order) < len(self._sy) else self._order.pop(0)
        self._order.append(slot)
        self._sy[:, slot], along_s = self._history.remember(slot, *step, turn.curvature)
        return along_s

    def _quasi_newton(self, along_s: Numbers | None) -> Vector:
        if not self._order:
            return -self._gradient
        history, newest = self._history, self._order[-1]
        if along_s is None:
            along_s = history.along_steps(self._gradient)
        on_y = np.zeros(len(self._sy))
        for i in reversed(self._order):
            on_y[i] = -(along_s[i] + self._sy[i] @ on_y) / self._sy[i, i]
        is_learnt = len(self._order) >= min(SCALED_FROM, len(self._sy))
        scale = history.scaled_by_diagonal if is_learnt else history.scaled
        scaled, along_y = scale(self._gradient, on_y, newest, float(self._sy[newest, newest]))
        on_s = np.zeros(len(self._sy))
        for i in self._order:
            on_s[i] = -on_y[i] - (along_y[i] + self._sy[:, i] @ on_s) / self._sy[i, i]
        return history.direction(scaled, on_s)

    def state(self) -> dict[str, Any]:
        """As in `Optimizer`."""
        array = self._history.array
        pairs, squares = self._history.state()
        return {
            "point": array(self.point),
            "trial": array(self._trial),
            "value": self._value,
            "gradient": array(self._gradient),
            "direction": array(self._direction),
            "length": self._length,
            "reach": self._reach,
            "refusals": self._refusals,
            "finished": self.finished,
            "pairs": pairs,
            "sy": self._sy,
            "squares": squares,
            "order": np.array(self._order, np.int64),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """As in `Optimizer`, from a state of any kind of history."""
        fresh = not math.isfinite(state["value"])
        point, trial, gradient, direction = (
            self._history.vector(np.array(state[name], np.float32))
            for name in ("point", "trial", "gradient", "direction")
        )
        self.point, self._trial = point, point if fresh else trial
        self._value, self._length = float(state["value"]), float(state["length"])
        self._reach = float(state["reach"])
        self._gradient = gradient
        self._head_for(direction)
        self._refusals, self.finished = int(state["refusals"]), bool(state["finished"])
        self._history.restore(state["pairs"], state["squares"])
        self._sy = np.array(state["sy"], float)
        self._order = [int(slot) for slot in state["order"]]


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
    begin_on_device=lambda start, options: LBFGS(start, options.history_size, DeviceHistory),
    vectors=lambda options: 2 * options.history_size + _OTHER_VECTORS,
    lighter=_lighter,
)
