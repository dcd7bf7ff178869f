"""The gamut penalty: keeps the picture inside the sRGB gamut while it is optimised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tfstyle.colour import BRIGHTEST, DARKEST
from tfstyle.losses.term import ImageTerm
from tfstyle.tensorflow_backend import tf


@dataclass(frozen=True)
class GamutPenalty(ImageTerm):
    """mean(max(0, x - white)^2 + max(0, black - x)^2) of the standardised picture x.

    Without this penalty the optimizer leaves the gamut, and clipping to 8 bits undoes its work: the picture that the
    published method delivers has three times the loss that the method reports (docs/performance.md).
    """

    name: ClassVar[str] = "gamut"
    halo: ClassVar[int] = 0

    def value(self, rows: tf.Tensor, own: int, size: tuple[int, int]) -> tf.Tensor:
        image = self.own_rows(rows, own)
        inside = tf.clip_by_value(image, DARKEST, BRIGHTEST)
        # The derivative of the squared distance does not depend on how the nearest colour inside moves.
        return tf.reduce_sum((image - tf.stop_gradient(inside)) ** 2) / (size[0] * size[1] * 3)
