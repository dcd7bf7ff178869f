"""Total variation: the roughness of the picture itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tfstyle.borders import NO_WRAPS, Wraps
from tfstyle.losses.differences import absolute_differences
from tfstyle.losses.term import ImageTerm
from tfstyle.losses.wrapped import closed, closed_below
from tfstyle.tensorflow_backend import tf


@dataclass(frozen=True)
class TotalVariation(ImageTerm):
    """0.5 (mean|x[i+1, j] - x[i, j]| + mean|x[i, j+1] - x[i, j]|) of the standardised picture x.

    The anisotropic form of Rudin, Osher and Fatemi 1992, as in the published reference implementation. Its derivative
    is taken as 0 where two neighbours are equal. Where the picture `wraps`, its two ends are neighbours as well.
    """

    wraps: Wraps = NO_WRAPS
    name: ClassVar[str] = "tv"
    halo: ClassVar[int] = 1

    def value(self, rows: tf.Tensor, own: int | None, size: tuple[Any, Any]) -> tf.Tensor:
        height, width = size
        image = closed(self.own_rows(rows, own), 2, self.wraps.across)
        rows = closed_below(rows, own, self.wraps.down)
        down = absolute_differences(rows, 1) / ((height - 1 + self.wraps.down) * width * 3)
        across = absolute_differences(image, 2) / (height * (width - 1 + self.wraps.across) * 3)
        return 0.5 * (down + across)
