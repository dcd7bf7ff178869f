"""The space that the engine computes in: RGB standardised by ImageNet's mean and deviation.

The reference implementation optimises in this space; learning rates and the weights of the
total variation and gamut terms belong to it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
DARKEST = (0 - MEAN) / STD
"""Standardised black, by channel: the lower edge of what a picture can show."""
BRIGHTEST = (1 - MEAN) / STD
"""Standardised white, by channel: the upper edge of what a picture can show."""


def standardise(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """[H, W, 3] uint8 sRGB to [1, H, W, 3] float32 standardised RGB."""
    return ((pixels.astype(np.float32) / np.float32(255) - MEAN) / STD)[None].astype(np.float32)


def to_pixels(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    """[1, H, W, 3] float32 standardised RGB to [H, W, 3] uint8 sRGB: clipped, then rounded."""
    shown: NDArray[np.float32] = np.clip(image[0] * STD + MEAN, 0, 1)
    return np.rint(shown * 255).astype(np.uint8)
