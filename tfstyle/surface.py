"""Total variation and gamut penalty of a picture too large for what a compiled function holds beside it.

The same numbers as `tfstyle.losses.TotalVariation` and `GamutPenalty`, in bands of rows: beside picture and gradient
it takes the memory of some bands, where XLA takes that of a dozen pictures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tfstyle.colour import BRIGHTEST, DARKEST

BAND_PIXELS = 2**19


def add_surface(
    image: NDArray[np.float32], gradient: NDArray[np.float32], tv_weight: float, gamut_weight: float
) -> tuple[float, float]:
    """Total variation and gamut penalty of `image` [1, H, W, 3], before their weights.

    The gradient of their weighted sum is added to `gradient` [1, H, W, 3] in place.
    """
    picture, by = image[0], gradient[0]
    height, width, channels = picture.shape
    down_share = 0.5 / max(1, (height - 1) * width * channels)
    across_share = 0.5 / max(1, height * (width - 1) * channels)
    share = 1 / picture.size
    tv = gamut = 0.0
    band = max(1, BAND_PIXELS // width)
    for start in range(0, height, band):
        own = slice(start, min(start + band, height))
        rows = picture[own]
        down = np.diff(picture[start : own.stop + 1], axis=0)
        across = np.diff(rows, axis=1)
        above = np.maximum(rows - BRIGHTEST, 0)
        below = np.maximum(DARKEST - rows, 0)
        tv += down_share * _total(np.abs(down)) + across_share * _total(np.abs(across))
        gamut += share * (_total(above * above) + _total(below * below))

        slope = np.sign(down) * np.float32(tv_weight * down_share)
        by[start : start + len(slope)] -= slope
        by[start + 1 : start + 1 + len(slope)] += slope
        slope = np.sign(across) * np.float32(tv_weight * across_share)
        by[own, :-1] -= slope
        by[own, 1:] += slope
        by[own] += np.float32(gamut_weight * 2 * share) * (above - below)
    return tv, gamut


def _total(values: NDArray[np.float32]) -> float:
    return float(values.sum(dtype=np.float64))
