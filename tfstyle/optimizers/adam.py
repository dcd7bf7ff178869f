"""Adam (Kingma and Ba 2014, algorithm 1) with a stepwise decaying learning rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfstyle.optimizers.optimizer import OptimizerKind, Vector


class Adam:
    """An `Optimizer` that accepts every step. beta = (0.9, 0.999), epsilon = 1e-8 as published.

    The learning rate of step t (from 0) is `learning_rate * decay ** (t // decay_every)`.
    """

    def __init__(self, start: Vector, learning_rate: float, decay: float, decay_every: int) -> None:
        self.point = start.copy()
        self._rate, self._decay, self._decay_every = learning_rate, decay, decay_every
        self._mean = np.zeros_like(start)
        self._square = np.zeros_like(start)
        self._steps = 0

    def ask(self) -> Vector:
        """As in `Optimizer`: the `point` itself."""
        return self.point

    @property
    def finished(self) -> bool:
        """As in `Optimizer`: never, for Adam."""
        return False

    def tell(self, value: float, gradient: Vector) -> bool:
        """As in `Optimizer`. True: every step is accepted."""
        del value
        rate = self._rate * self._decay ** (self._steps // self._decay_every)
        self._steps += 1
        self._mean += 0.1 * (gradient - self._mean)
        self._square += 0.001 * (gradient**2 - self._square)
        corrected = np.sqrt(self._square / np.float32(1 - 0.999**self._steps)) + np.float32(1e-8)
        self.point = self.point - np.float32(rate / (1 - 0.9**self._steps)) * self._mean / corrected
        return True

    def retarget(self) -> None:
        """As in `Optimizer`: moments and schedule are kept."""

    def state(self) -> dict[str, Any]:
        """As in `Optimizer`."""
        return {"point": self.point, "mean": self._mean, "square": self._square, "steps": self._steps}

    def restore(self, state: Mapping[str, Any]) -> None:
        """As in `Optimizer`."""
        self.point = np.array(state["point"], np.float32)
        self._mean = np.array(state["mean"], np.float32)
        self._square = np.array(state["square"], np.float32)
        self._steps = int(state["steps"])


KIND = OptimizerKind(
    begin=lambda start, options: Adam(
        start, options.learning_rate, options.learning_rate_decay, options.learning_rate_decay_every
    ),
    begin_on_device=None,
    vectors=lambda options: 5,  # point, mean, square, the gradient, and the next point
    lighter=lambda options, vectors: None,
)
