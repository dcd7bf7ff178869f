"""A stage of a transfer: consecutive evaluations on one network at one scale, and what they compute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tfstyle.depth import Samples
from tfstyle.images import Picture
from tfstyle.losses import Loss
from tfstyle.networks.network import Network
from tfstyle.objective import Evaluation, Kept, Objective, Targets
from tfstyle.optimizers import Vector
from tfstyle.pyramid import Pyramid


@dataclass(frozen=True)
class Problem:
    """What the evaluations of a stage compute: the `objective`, with these `targets` and the weights of `loss`.

    `kept` is what stays of the content picture; None for nothing.
    """

    objective: Objective
    targets: Targets
    loss: Loss
    kept: Kept | None = None

    def __call__(self, variables: Vector) -> Evaluation:
        """Evaluate at the pyramid's `variables` [size]."""
        return self.objective(variables, self.targets, self.loss, self.kept)

    def judge(self, variables: NDArray[np.float32]) -> Evaluation:
        """Evaluate at the pyramid's `variables` of a picture in which what stays is already there."""
        kept = self.kept and self.kept.nothing()
        return self.objective(variables, self.targets, self.loss, kept)


@dataclass(frozen=True)
class Stage:
    """A number of consecutive `evaluations` on one network at one scale, whose variables are those of `pyramid`.

    `alpha` is the transparency of the picture at this scale. `image` makes the standardised picture [1, H, W, 3] of the
    pyramid's variables [size]. `problem(start)` computes the targets, which takes about
    as long as an evaluation, and longer for matched terms; `start` is the standardised picture [1, H, W, 3] at which
    the stage begins. It is kept only where `remembers` says that the targets depend on it; elsewhere it may be None.
    `colours` is the photo at this size, if only the lightness is painted.
    """

    network: Network
    pyramid: Pyramid
    evaluations: int
    alpha: Samples | None
    image: Callable[[Vector], NDArray[np.float32]]
    problem: Callable[[NDArray[np.float32] | None], Problem]
    remembers: bool = False
    colours: Picture | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the picture in this stage."""
        return self.pyramid.width, self.pyramid.height

    @property
    def work(self) -> float:
        """Multiplications of one forward pass."""
        return self.network.work * self.pyramid.height * self.pyramid.width
