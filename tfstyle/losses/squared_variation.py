"""Squared variation: the quadratic form of total variation, which smooths noise without flat patches and hard edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tfstyle.borders import NO_WRAPS, Wraps
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

    def value(self, rows: tf.Tensor, own: int, size: tuple[int, int]) -> tf.Tensor:
        height, width = size
        image = closed(self.own_rows(rows, own), 2, self.wraps.across)
        rows = closed_below(rows, own, self.wraps.down)
        down = _squared_differences(rows, 1) / ((height - 1 + self.wraps.down) * width * 3)
        across = _squared_differences(image, 2) / (height * (width - 1 + self.wraps.across) * 3)
        return down + across


def _squared_differences(image: tf.Tensor, axis: int) -> tf.Tensor:
    """The sum of the squared differences between neighbours of `image` [1, h, w, 3] along `axis`."""
    others = image.shape[axis] - 1

    # TensorFlow's gradient of a slice is slow: it fills a map of zeros, four times here.
    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def total(image: tf.Tensor) -> Any:
        differences = tf.split(image, [1, others], axis)[1] - tf.split(image, [others, 1], axis)[0]

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            edges = [(int(each == axis), int(each == axis)) for each in range(4)]
            padded = tf.pad(differences, edges)
            return 2 * upstream * (tf.split(padded, [-1, 1], axis)[0] - tf.split(padded, [1, -1], axis)[1])

        return 2 * tf.nn.l2_loss(differences), gradient

    return total(image)
