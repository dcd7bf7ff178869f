"""The engine's working colour space: RGB standardised by ImageNet's mean and standard deviation.

The reference implementation optimises in this space; learning rates and the weights of total variation and gamut
penalty refer to it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tfstyle.depth import Samples, full_scale

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Weights of red, green and blue in the lightness of a picture (ITU-R BT.709)."""
DARKEST = (0 - MEAN) / STD
"""Black in standardised RGB, by channel: the lower limit of the gamut."""
BRIGHTEST = (1 - MEAN) / STD
"""White in standardised RGB, by channel: the upper limit of the gamut."""


def standardise(pixels: Samples) -> NDArray[np.float32]:
    """[H, W, 3] uint8 or uint16 RGB to [1, H, W, 3] float32 standardised RGB."""
    return ((pixels.astype(np.float32) / np.float32(full_scale(pixels)) - MEAN) / STD)[None].astype(np.float32)


def to_pixels(image: NDArray[np.float32], depth: int = 8) -> Samples:
    """[1, H, W, 3] float32 standardised RGB to [H, W, 3] uint8 or uint16 of `depth` bits: clipped, then rounded."""
    shown: NDArray[np.float32] = np.clip(image[0] * STD + MEAN, 0, 1)
    return np.rint(shown * 255).astype(np.uint8) if depth == 8 else np.rint(shown * 65535).astype(np.uint16)
