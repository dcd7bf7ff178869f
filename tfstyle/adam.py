"""Adam (Kingma and Ba 2014, algorithm 1) with a stepwise decaying learning rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]


class Adam:
    """Ask for a point, tell its gradient. beta = (0.9, 0.999), epsilon = 1e-8 as published.

    The learning rate of step t (from 0) is `learning_rate * decay ** (t // decay_every)`.
    """

    def __init__(self, start: Vector, learning_rate: float, decay: float, decay_every: int) -> None:
        self.point = start.copy()
        self._rate, self._decay, self._decay_every = learning_rate, decay, decay_every
        self._mean = np.zeros_like(start)
        self._square = np.zeros_like(start)
        self._steps = 0

    @property
    def trial(self) -> Vector:
        """The variables [n] to evaluate next."""
        return self.point

    @property
    def finished(self) -> bool:
        """Whether no further evaluation can help: never, for Adam."""
        return False

    def tell(self, value: float, gradient: Vector) -> bool:
        """Take the step that `gradient` [n] at `trial` calls for. True: every step is taken."""
        del value
        rate = self._rate * self._decay ** (self._steps // self._decay_every)
        self._steps += 1
        self._mean += 0.1 * (gradient - self._mean)
        self._square += 0.001 * (gradient**2 - self._square)
        corrected = np.sqrt(self._square / np.float32(1 - 0.999**self._steps)) + np.float32(1e-8)
        self.point = self.point - np.float32(rate / (1 - 0.9**self._steps)) * self._mean / corrected
        return True

    def retarget(self) -> None:
        """From now on another function is told of, one like it: the moments and the schedule go on."""

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on, as plain arrays and numbers."""
        return {"point": self.point, "mean": self._mean, "square": self._square, "steps": self._steps}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`; the next points are bit for bit those of the run that it was taken from."""
        self.point = np.array(state["point"], np.float32)
        self._mean = np.array(state["mean"], np.float32)
        self._square = np.array(state["square"], np.float32)
        self._steps = int(state["steps"])
