"""The limits on pictures: maximum file size and pixel count, and the smallest side that the networks can process."""

from __future__ import annotations

from dataclasses import dataclass

SMALLEST_SIDE = 16
"""Minimum pixels per side: one position must be left in the fifth block of VGG19."""


@dataclass(frozen=True)
class ImageLimits:
    """Maximum `bytes` of the encoded file, and maximum `pixels` that its header may declare."""

    bytes: int = 64 * 2**20
    pixels: int = 100_000_000
