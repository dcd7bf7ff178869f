"""The interface of optimizers: `ask` for a point, `tell` its value and gradient, save and restore the state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tfstyle.options import TransferOptions

Vector = NDArray[np.float32] | Any
"""Variables or a gradient, float32 [n]: an array, or where TensorFlow computes with it a tensor, which has no type."""


class Optimizer(Protocol):
    """Minimises a function of float32 variables [n]."""

    @property
    def point(self) -> Vector:
        """The best variables [n] so far."""

    @property
    def finished(self) -> bool:
        """Whether no further evaluation can help."""

    def ask(self) -> Vector:
        """The variables [n] to evaluate next."""

    def tell(self, value: float, gradient: Vector) -> bool:
        """Process the value and gradient [n] at the last result of `ask`. Returns whether it became the `point`."""

    def retarget(self) -> None:
        """Switch to a similar objective: `ask` returns the `point` again, and the curvature information is kept."""

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on, as arrays and numbers.

        The arrays are not copied where that is possible: the next `tell` may change them.
        """

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state`. The following points are bit for bit those of the run that saved it."""


@dataclass(frozen=True)
class OptimizerKind:
    """What the engine needs to know about one kind of optimizer.

    `begin` makes an optimizer that starts at the given variables, with its vectors in NumPy arrays; `begin_on_device`
    one whose vectors are tensors on TensorFlow's device, None if there is none. Either restores the other's state.
    `vectors` counts the float32 vectors [n] that it
    holds. `lighter` gives option overrides with which it holds at most the given number of vectors, or None.
    """

    begin: Callable[[NDArray[np.float32], TransferOptions], Optimizer]
    begin_on_device: Callable[[NDArray[np.float32], TransferOptions], Optimizer] | None
    vectors: Callable[[TransferOptions], int]
    lighter: Callable[[TransferOptions, int], Mapping[str, Any] | None]
