"""A style picture at one scale of a transfer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tfstyle.colour import standardise
from tfstyle.colour_matching import ColourMatch
from tfstyle.images import Picture
from tfstyle.losses.matching import VIEWS


@dataclass(frozen=True)
class Painting:
    """A style picture at one scale: its `share` among the styles, and `weights` [h, w] of its pixels (None: all 1).

    With `match`, it gets other colours.
    """

    picture: Picture
    share: float
    weights: NDArray[np.float32] | None
    match: ColourMatch | None = None

    @cached_property
    def key(self) -> bytes:
        """A digest of the image and the weights."""
        digest = hashlib.sha256()
        for array in (self.image, self.weights):
            if array is not None:
                digest.update(repr(array.shape).encode())
                digest.update(np.ascontiguousarray(array).data)
        return digest.digest()

    @property
    def image(self) -> NDArray[np.float32]:
        """The picture [1, h, w, 3] in standardised RGB."""
        image = standardise(self.picture.pixels)
        return image if self.match is None else self.match(image)

    @property
    def views(self) -> list[tuple[NDArray[np.float32], NDArray[np.float32] | None]]:
        """Image and weights as they are, and turned by 90, 180 and 270 degrees."""
        image, weights = self.image, self.weights
        return [
            (np.rot90(image, turns, (1, 2)), None if weights is None else np.rot90(weights, turns))
            for turns in range(VIEWS)
        ]
