"""Squared variation: the quadratic form of total variation, which smooths noise without flat patches and hard edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tfstyle.losses.term import ImageTerm
from tfstyle.tensorflow_backend import tf


@dataclass(frozen=True)
class SquaredVariation(ImageTerm):
    """mean (x[i+1, j] - x[i, j])^2 + mean (x[i, j+1] - x[i, j])^2 of the standardised picture x.

    The Dirichlet energy of the picture. Total variation counts a single speck as much as an edge of the same height;
    here large differences between neighbours, as specks have them, weigh most.
    """

    name: ClassVar[str] = "tv"
    halo: ClassVar[int] = 1

    def value(self, rows: tf.Tensor, own: int, size: tuple[int, int]) -> tf.Tensor:
        height, width = size
        down = tf.reduce_sum((rows[:, 1:] - rows[:, :-1]) ** 2) / ((height - 1) * width * 3)
        image = self.own_rows(rows, own)
        across = tf.reduce_sum((image[:, :, 1:] - image[:, :, :-1]) ** 2) / (height * (width - 1) * 3)
        return down + across
