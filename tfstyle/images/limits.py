"""What a picture may cost, and the smallest that the networks can read."""

from __future__ import annotations

from dataclasses import dataclass

SMALLEST_SIDE = 16
"""Pixels a side needs for one position to be left in the fifth block of VGG19."""


@dataclass(frozen=True)
class ImageLimits:
    """What a picture may cost: `bytes` encoded, and `pixels` that its header declares."""

    bytes: int = 64 * 2**20
    pixels: int = 100_000_000
