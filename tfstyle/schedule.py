"""The schedule of scales: a picture is painted small first, and then larger and larger.

At a single scale, started from the photo, the optimizer only finds strokes of a few pixels, and the result is a photo
in the painting's colours. At a small scale the same network sees the painting's large forms, and the larger scales
refine what is there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

RATIO = 1.6
"""The largest ratio of two neighbouring scales."""
FADING = 0.7
"""Evaluations of a scale, relative to the next coarser one."""
LEAST_SHARE = 0.15
"""Evaluations of a scale, relative to the coarsest, at least."""


class Scale(NamedTuple):
    """`evaluations` at which the longer side of the picture has `size` pixels."""

    size: int
    evaluations: int


def automatic_scales(size: int, coarsest: int, evaluations: int) -> tuple[Scale, ...]:
    """Scales from `coarsest` up to `size` in equal ratios, which share the `evaluations`. Coarser ones get more."""
    count = max(0, math.ceil(math.log(size / coarsest) / math.log(RATIO) - 0.01))
    count = min(count, evaluations - 1)
    sizes = [round(size * (coarsest / size) ** ((count - k) / count)) for k in range(count)] if count else []
    shares = [max(LEAST_SHARE, FADING**k) for k in range(count + 1)]
    return tuple(map(Scale, [*sizes, size], _divide(evaluations, shares)))


def _divide(total: int, shares: Sequence[float]) -> Iterator[int]:
    """`total` in whole parts of at least 1, as nearly in the ratio of `shares` as possible."""
    left, shares_left = total, math.fsum(shares)
    for index, share in enumerate(shares):
        part = min(left - (len(shares) - 1 - index), max(1, round(left * share / shares_left)))
        yield part
        left, shares_left = left - part, shares_left - share
