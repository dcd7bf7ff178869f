"""The layout of tiles: windows of equal length along one side of a map, which overlap by a margin.

At a window's edge inside the map, a convolution does not read the features of the neighbouring window, so positions
near the edge are wrong. The margin covers these positions, forward and backward. Each window owns only correct
positions, and the owned parts cover the map exactly once. Where the map wraps, the first and the last window reach
beyond it, and read its other side there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Window:
    """A range along one side: `start` to `stop` is read, and `own_start` to `own_stop` is owned.

    `start` is below 0, or `stop` above the length of the side, where the window reads the other side of the map.
    """

    start: int
    stop: int
    own_start: int
    own_stop: int

    @property
    def owned(self) -> slice:
        """The part of the map that this window owns."""
        return slice(self.own_start, self.own_stop)

    @property
    def owned_inside(self) -> slice:
        """The owned part, counted from the start of the window."""
        return slice(self.own_start - self.start, self.own_stop - self.start)

    @property
    def mask(self) -> NDArray[np.float32]:
        """[stop - start]: 1 where owned, else 0."""
        mask = np.zeros(self.stop - self.start, np.float32)
        mask[self.owned_inside] = 1
        return mask

    def halved(self, times: int) -> Window:
        """The same window on the map after `times` poolings."""
        return Window(*(value >> times for value in (self.start, self.stop, self.own_start, self.own_stop)))


def read(whole: NDArray[np.float32], rows: Window, columns: Window) -> NDArray[np.float32]:
    """The part of the map `whole` [1, h, w, ...] that two windows read; a copy where they reach beyond it."""
    for axis, window in enumerate((rows, columns), 1):
        if window.start < 0 or window.stop > whole.shape[axis]:
            whole = np.take(whole, range(window.start, window.stop), axis, mode="wrap")
        elif axis == 1:
            whole = whole[:, window.start : window.stop]
        else:
            whole = whole[:, :, window.start : window.stop]
    return whole


def windows(length: int, owned: int, margin: int, stride: int, *, wraps: bool = False) -> list[Window]:
    """The fewest windows over a side of `length` that own at most `owned` positions each and overlap by twice `margin`.

    All windows have the same length, so that they share one trace. The length is no greater than needed to divide
    the side evenly. They start at multiples of `stride`, the product of the poolings inside; `margin` and `owned` are
    multiples of it too. A side that `wraps` has a length that is a multiple of `stride`.
    """
    if owned + 2 * margin + length % stride >= length:
        return [Window(0, length, 0, length)]
    # The outer margins lie inside a map that ends, and outside one that wraps.
    inner = length if wraps else length - 2 * margin
    count = -(-inner // owned)
    owned = -(-inner // (count * stride)) * stride
    if wraps:
        edges = [*range(0, length - owned, owned), length - owned, length]
        return [Window(edge - margin, edge + owned + margin, edge, end) for edge, end in pairwise(edges)]
    size = owned + 2 * margin + length % stride
    starts = [*range(0, length - size, owned), length - size]
    edges = [0, *(start + margin for start in starts[1:]), length]
    return [
        Window(start, start + size, edge, next_edge)
        for start, edge, next_edge in zip(starts, edges, edges[1:], strict=False)
    ]


def margin(convolutions: Sequence[int], pooled: bool) -> int:
    """The distance from an inner edge up to which the input gradient of a segment is wrong, in pixels of its input.

    `convolutions` counts the 3 x 3 convolutions of each block of the segment; a 2 x 2 pooling follows each block
    except the last, and the last too if `pooled`. Rounded up to a multiple of the product of the poolings.
    """
    wrong = 0
    for index, count in enumerate(convolutions):
        wrong += count
        if pooled or index < len(convolutions) - 1:
            wrong = (wrong + 1) // 2
    for index, count in reversed(list(enumerate(convolutions))):
        if pooled or index < len(convolutions) - 1:
            wrong *= 2
        wrong += count
    stride = poolings_stride(len(convolutions), pooled)
    return -(-wrong // stride) * stride


def poolings_stride(blocks: int, pooled: bool) -> int:
    """The product of the poolings inside a segment of `blocks` blocks."""
    return int(2 ** (blocks if pooled else blocks - 1))
