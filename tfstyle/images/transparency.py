"""Replace the colours of invisible pixels by a continuation of the visible ones.

A convolution or a resampling filter reads hidden pixels too. Files store arbitrary colours there, so they are replaced
by a smooth continuation of the visible colours: the pull-push algorithm, a normalised convolution over a pyramid.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tfstyle.depth import Samples, rounded

OPAQUE = np.float32(255)
_BAND = 256


def fill_hidden(pixels: Samples, weights: NDArray[Any]) -> Samples:
    """`pixels` [H, W, 3] uint8 or uint16 with new colours wherever `weights` [H, W], on alpha's scale of 0..255, is 0.

    The new colours depend only on the other pixels, in proportion to their weights. At least one weight must be above
    0. All other pixels are unchanged.
    """
    hidden = weights == 0
    if not hidden.any():
        return pixels
    # To limit the memory, the pyramid starts at half size, and the full size is computed in bands of rows.
    smooth = _push(*_pull(pixels, weights))
    filled = pixels.copy()
    for top in range(0, len(pixels), _BAND):
        rows = hidden[top : top + _BAND]
        for channel in range(3):
            enlarged = _enlarge(smooth[..., channel], pixels.shape[1], top, top + len(rows))
            filled[top : top + _BAND, :, channel][rows] = rounded(enlarged[rows], pixels)
    return filled


def _pull(colours: NDArray[Any], weights: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The next level of the pyramid: weighted means of 2 x 2 pixels, and their summed weights up to `OPAQUE`."""
    height, width = weights.shape
    total = np.zeros(((height + 1) // 2, (width + 1) // 2), np.float32)
    mean = np.zeros((*total.shape, 3), np.float32)
    for down, right in product((0, 1), repeat=2):
        part = weights[down::2, right::2].astype(np.float32)
        rows, columns = part.shape
        total[:rows, :columns] += part
        for channel in range(3):
            mean[:rows, :columns, channel] += colours[down::2, right::2, channel] * part
    np.divide(mean, total[..., None], out=mean, where=total[..., None] > 0)
    return mean, np.minimum(total, OPAQUE)


def _push(colours: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """`colours`, completed from coarser levels in the proportion in which `weights` fall short of `OPAQUE`."""
    if weights.size == 1 or (weights == OPAQUE).all():
        return colours
    coarse = _push(*_pull(colours, weights))
    share = weights / OPAQUE
    for channel in range(3):
        enlarged = _enlarge(coarse[..., channel], weights.shape[1], 0, len(weights))
        colours[..., channel] = colours[..., channel] * share + enlarged * (1 - share)
    return colours


def _enlarge(channel: NDArray[np.float32], width: int, top: int, bottom: int) -> NDArray[np.float32]:
    """Rows `top` to `bottom` of the next finer level, `width` pixels wide: bilinear interpolation of `channel`."""
    box = (0, top / 2, width / 2, bottom / 2)
    return np.asarray(Image.fromarray(channel).resize((width, bottom - top), Image.Resampling.BILINEAR, box=box))
