"""The gamut penalty: keeps the picture inside the sRGB gamut while it is optimised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tfstyle.colour import BRIGHTEST, DARKEST
from tfstyle.losses.open_size import size_of
from tfstyle.losses.squares import squared_sum
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

    def value(self, rows: tf.Tensor, own: int | None, size: tuple[Any, Any]) -> tf.Tensor:
        # As rows of all samples, because TensorFlow is slow in repeating vectors of three.
        image = self.own_rows(rows, own)
        _, width = size_of(image)
        image = tf.reshape(image, [-1, 3 * width])
        darkest, brightest = (tf.tile(tf.constant(colour), [width]) for colour in (DARKEST, BRIGHTEST))
        inside = tf.minimum(tf.maximum(image, darkest), brightest)
        # The derivative of the squared distance does not depend on how the nearest colour inside moves.
        return squared_sum(image - tf.stop_gradient(inside)) / (size[0] * size[1] * 3)
