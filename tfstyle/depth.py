"""Samples of 8 and of 16 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.uint8 | np.uint16]
"""uint8 in 0..255, or uint16 in 0..65535."""
_BAND = 256
"""Rows that are computed at once, so that intermediate results take little memory."""


def depth_of(samples: Samples) -> int:
    """Bits per sample: 8 or 16."""
    return samples.dtype.itemsize * 8


def full_scale(samples: Samples) -> int:
    """The largest sample, which is white, or opaque: 255 or 65535."""
    return int(np.iinfo(samples.dtype).max)


def in_depth(samples: Samples, depth: int) -> Samples:
    """The same samples with `depth` bits, 8 or 16: 257 times as large, or rounded."""
    if depth == depth_of(samples):
        return samples
    if depth == 16:
        return widen(samples)
    # As many rows at once as keeps the wider intermediate results small.
    reduced = np.empty(samples.shape, np.uint8)
    for top in range(0, len(samples), _BAND):
        reduced[top : top + _BAND] = (samples[top : top + _BAND].astype(np.uint32) + 128) // 257
    return reduced


def widen(samples: Samples) -> NDArray[np.uint16]:
    """8-bit samples with 16 bits: 257 times as large."""
    return samples.astype(np.uint16) * np.uint16(257)


def rounded(values: NDArray[Any], like: Samples) -> Samples:
    """Real `values` on the scale of `like`, clipped to it and rounded."""
    samples: Samples = np.rint(values).clip(0, full_scale(like)).astype(like.dtype)
    return samples
