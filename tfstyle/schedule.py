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
LEAST_EVALUATIONS = 5
"""Of a scale. The first only evaluates the enlarged picture, and the next ones have to find the length of a step."""
LEAST_RATIO = 1.2
"""A coarsest scale that is hardly smaller than the result is left out."""


class Scale(NamedTuple):
    """`evaluations` at which the longer side of the picture has `size` pixels."""

    size: int
    evaluations: int


def automatic_scales(size: int, coarsest: int, evaluations: int) -> tuple[Scale, ...]:
    """Scales from `coarsest` up to `size` in equal ratios, which share the `evaluations`. Coarser ones get more.

    There are fewer scales, in larger ratios, where the evaluations do not suffice for all.
    """
    ratio = size / coarsest
    count = math.ceil(math.log(ratio) / math.log(RATIO) - 0.01) if ratio >= LEAST_RATIO else 0
    count = max(0, min(count, evaluations // LEAST_EVALUATIONS - 1))
    sizes = [round(size * (coarsest / size) ** ((count - k) / count)) for k in range(count)] if count else []
    shares = [max(LEAST_SHARE, FADING**k) for k in range(count + 1)]
    return tuple(map(Scale, [*sizes, size], _divide(evaluations, shares)))


def _divide(total: int, shares: Sequence[float]) -> Iterator[int]:
    """`total` in parts near the ratio of `shares`, each of at least `LEAST_EVALUATIONS` if `total` suffices."""
    least = min(LEAST_EVALUATIONS, total // len(shares))
    left, shares_left = total, math.fsum(shares)
    for index, share in enumerate(shares):
        part = min(left - least * (len(shares) - 1 - index), max(least, round(left * share / shares_left)))
        yield part
        left, shares_left = left - part, shares_left - share
