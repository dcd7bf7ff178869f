"""Squared variation: the quadratic form of total variation, which smooths noise without flat patches and hard edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tfstyle.borders import NO_WRAPS, Wraps
from tfstyle.losses.differences import squared_differences
from tfstyle.losses.term import ImageTerm
from tfstyle.losses.wrapped import closed, closed_below
from tfstyle.tensorflow_backend import tf


@dataclass(frozen=True)
class SquaredVariation(ImageTerm):
    """mean (x[i+1, j] - x[i, j])^2 + mean (x[i, j+1] - x[i, j])^2 of the standardised picture x.

    The Dirichlet energy of the picture. Total variation counts a single speck as much as an edge of the same height;
    here large differences between neighbours, as specks have them, weigh most. Where the picture `wraps`, its two ends
    are neighbours as well.
    """

    wraps: Wraps = NO_WRAPS
    name: ClassVar[str] = "tv"
    halo: ClassVar[int] = 1

    def value(self, rows: tf.Tensor, own: int | None, size: tuple[Any, Any]) -> tf.Tensor:
        height, width = size
        image = closed(self.own_rows(rows, own), 2, self.wraps.across)
        rows = closed_below(rows, own, self.wraps.down)
        down = squared_differences(rows, 1) / ((height - 1 + self.wraps.down) * width * 3)
        across = squared_differences(image, 2) / (height * (width - 1 + self.wraps.across) * 3)
        return down + across
