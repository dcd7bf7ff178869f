"""The schedule of scales: a picture is painted small first, and then larger and larger.

At a single scale, started from the photo, the optimizer only finds strokes of a few pixels, and the result is a photo
in the painting's colours. At a small scale the same network sees the painting's large forms, and the larger scales
refine what is there.
"""

from __future__ import annotations

import math
from typing import NamedTuple

RATIO = 1.6
"""The largest ratio of two neighbouring scales, if the evaluations suffice for so many."""
LEAST_EVALUATIONS = 12
"""Of a scale: with fewer, the optimizer does not sharpen the picture that it got enlarged."""
LEAST_RATIO = 1.2
"""A coarsest scale that is hardly smaller than the result is left out."""


class Scale(NamedTuple):
    """`evaluations` at which the longer side of the picture has `size` pixels."""

    size: int
    evaluations: int


def automatic_scales(size: int, coarsest: int, evaluations: int) -> tuple[Scale, ...]:
    """Scales from `coarsest` up to `size` in equal ratios, which divide the `evaluations` equally.

    There are fewer scales, in larger ratios, where the evaluations do not suffice for all.
    """
    ratio = size / coarsest
    count = math.ceil(math.log(ratio) / math.log(RATIO) - 0.01) if ratio >= LEAST_RATIO else 0
    count = max(0, min(count, evaluations // LEAST_EVALUATIONS - 1))
    coarse = [Scale(round(size * ratio ** ((k - count) / count)), evaluations // (count + 1)) for k in range(count)]
    return (*coarse, Scale(size, evaluations - sum(scale.evaluations for scale in coarse)))
