"""The optimizer's variables: those of the pyramid in all three channels, or only their common grey.

A grey photo and a grey painting must give a grey picture. The network does not ensure that: its features mix the
channels, and its gradient would add coloured noise. A grey picture therefore has one variable per pixel instead of
three, so that it stays grey.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tfstyle.colour import MEAN, STD
from tfstyle.optimizers.optimizer import Vector
from tfstyle.pyramid import Pyramid


class Variables(Protocol):
    """A linear map between the optimizer's variables and a pyramid's, both float32 arrays, or both tensors."""

    def start(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """The optimizer's variables that represent the standardised `image` [1, H, W, 3]."""

    def expand(self, variables: Vector) -> Vector:
        """The pyramid's variables [size] from the optimizer's."""

    def gradient(self, by_pyramid: Vector) -> Vector:
        """The gradient with respect to the optimizer's variables, from that with respect to the pyramid's [size]."""


class ColourVariables:
    """The pyramid's variables as they are."""

    def __init__(self, pyramid: Pyramid) -> None:
        self._pyramid = pyramid

    def start(self, image: NDArray[np.float32]) -> Vector:
        """As in `Variables`."""
        return self._pyramid.variables(image)

    def expand(self, variables: Vector) -> Vector:
        """As in `Variables`."""
        return variables

    def gradient(self, by_pyramid: Vector) -> Vector:
        """As in `Variables`."""
        return by_pyramid


DIRECTION = (1 / STD) / np.mean(1 / STD)
"""A step towards white in standardised RGB, about as long as a step in one channel."""
OFFSET = -MEAN / STD
"""Black in standardised RGB: the picture whose grey variables are 0."""


class GreyVariables:
    """A third of the pyramid's variables: one for each position of each level."""

    def __init__(self, pyramid: Pyramid) -> None:
        self._pyramid = pyramid

    def start(self, image: NDArray[np.float32]) -> Vector:
        """As in `Variables`; `image` must be grey."""
        finest = (image[0, :, :, 0] - OFFSET[0]) / DIRECTION[0]
        variables = np.zeros(self._pyramid.size // 3, np.float32)
        variables[: finest.size] = finest.ravel()
        return variables

    def expand(self, variables: Vector) -> Vector:
        """As in `Variables`."""
        expanded = np.empty(self._pyramid.size, np.float32)
        for level, (grey, colours) in enumerate(self._levels(variables, expanded)):
            offset = 0 if level else OFFSET
            colours[...] = grey * DIRECTION + offset
        return expanded

    def gradient(self, by_pyramid: Vector) -> Vector:
        """As in `Variables`."""
        gradient = np.empty(self._pyramid.size // 3, np.float32)
        for grey, colours in self._levels(gradient, by_pyramid):
            np.matmul(colours, DIRECTION[:, None], out=grey)
        return gradient

    def _levels(self, grey: Vector, colours: Vector) -> list[tuple[Vector, Vector]]:
        """Views of each level: [h, w, 1] of the grey variables, and [h, w, 3] of the pyramid's."""
        views, start = [], 0
        for level, (height, width) in enumerate(self._pyramid.shapes):
            count = height * width
            own = colours[3 * start : 3 * (start + count)]
            shaped = own.reshape(height, 3, width).transpose(0, 2, 1) if level else own.reshape(height, width, 3)
            views.append((grey[start : start + count].reshape(height, width, 1), shaped))
            start += count
        return views
