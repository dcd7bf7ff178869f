"""What every optimizer is: asked for a point, told its value and gradient; saved and restored between any two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tfstyle.options import TransferOptions

Vector = NDArray[np.float32]


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
        """Take in the value and gradient [n] at the variables last asked for. True where they become the `point`."""

    def retarget(self) -> None:
        """Switch to a similar function: ask for the `point` again, and keep what is known of the curvature."""

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on, as arrays and numbers.

        The arrays are not copied: the next `tell` may change them.
        """

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state`; the following points are bit for bit those of the run that it was taken from."""


@dataclass(frozen=True)
class OptimizerKind:
    """An optimizer as the engine knows it by name.

    `begin` makes one that starts at the given variables. `vectors` counts the float32 vectors [n] that it holds.
    `lighter` gives overrides of the options under which it holds at most so many vectors, or None if none do.
    """

    begin: Callable[[Vector, TransferOptions], Optimizer]
    vectors: Callable[[TransferOptions], int]
    lighter: Callable[[TransferOptions, int], Mapping[str, Any] | None]
