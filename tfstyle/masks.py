"""Weights of pixels in the statistics of a picture, and the resulting weights of positions in each layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.images import Picture
from tfstyle.inputs import Size
from tfstyle.networks.topology import block_of

Map = NDArray[np.float32]
COLOURED = 0.15
"""Difference between the channels, as a part of the full scale, that makes a pixel of a mask coloured."""
MASK_TOLERANCE = 0.02
"""Maximum relative difference between the aspect ratios of a mask and its picture."""


def picture_weights(mask: Picture) -> Map:
    """The weights [h, w] that a mask stands for: 1 where it is white, 0 where it is black or transparent."""
    weights: Map = mask.pixels.mean(2, dtype=np.float32) / np.float32(mask.full_scale)
    return weights if mask.visibility is None else weights * mask.visibility


def check_mask(name: str, mask: Picture, picture: Picture, of: str = "its picture") -> None:
    """Raise `InvalidInputError`, naming the mask, if it is not grey, or as `check_aspect_ratio` does."""
    check_aspect_ratio(name, mask.size, picture.size, of)
    spread = mask.pixels.max(2) - mask.pixels.min(2)
    if (spread > COLOURED * mask.full_scale).any():
        why = "is coloured; it must be grey: white where it applies, black where not (maps of flat colours are regions)"
        raise InvalidInputError([Violation(name, why)])


def check_aspect_ratio(name: str, mask: Size, picture: Size, of: str = "its picture") -> None:
    """Raise `InvalidInputError`, naming the mask, if it has another shape than the picture that it belongs to."""
    (width, height), (other_width, other_height) = mask, picture
    if abs(width * other_height / (height * other_width) - 1) > MASK_TOLERANCE:
        why = f"is {width} x {height} pixels; it needs the aspect ratio of {of}, {other_width} x {other_height}"
        raise InvalidInputError([Violation(name, why)])


class BlockWeights:
    """Weights [h, w] of a picture's pixels, averaged to the positions of each block of the network.

    A position's weight is the mean over the pixels that the poolings merge into it, so soft edges stay soft. An odd
    last row or column is dropped, as in the network's poolings.
    """

    def __init__(self, weights: Map) -> None:
        self._by_block = [np.asarray(weights, np.float32)]
        while len(self._by_block) < 5 and min(self._by_block[-1].shape) > 1:
            finer = self._by_block[-1]
            height, width = (side // 2 for side in finer.shape)
            pairs = finer[: 2 * height, : 2 * width].reshape(height, 2, width, 2)
            self._by_block.append(pairs.mean((1, 3)))

    def of(self, block: int) -> Map:
        """The weights [h, w] of the positions of a block, 1 to 5."""
        return self._by_block[block - 1]

    @property
    def empty(self) -> bool:
        """Whether all weights of some block are 0, so that it has no statistics."""
        return any(float(weights.sum()) <= 0 for weights in self._by_block)


def layer_weights(
    weights: BlockWeights | None, layer: str, size: Sequence[int]
) -> tuple[NDArray[np.float32] | None, float]:
    """The weights [1, h, w, 1] of the positions of `layer`, whose map has the `size` (h, w), and their sum.

    Without `weights`: None and h w.
    """
    if weights is None:
        return None, size[0] * size[1]
    here = weights.of(block_of(layer))
    return here[None, :, :, None], float(here.sum(dtype=np.float64))
