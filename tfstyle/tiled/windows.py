"""Where tiles lie: windows along one side of a map, all of one length, that overlap by what their edges spoil.

At a window's edge inside the map a convolution reads zeros where its neighbour has features. What
is spoiled so is counted here exactly, forward and back again; each window owns only what is
not, and the owned parts cover the map once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Window:
    """Along one side: what is read, `start` to `stop`, and what of it counts, `own_start` to `own_stop`."""

    start: int
    stop: int
    own_start: int
    own_stop: int

    @property
    def read(self) -> slice:
        """What is read of the map."""
        return slice(self.start, self.stop)

    @property
    def owned(self) -> slice:
        """What of the map this window answers for."""
        return slice(self.own_start, self.own_stop)

    @property
    def owned_inside(self) -> slice:
        """The same, counted from the window's start."""
        return slice(self.own_start - self.start, self.own_stop - self.start)

    @property
    def mask(self) -> NDArray[np.float32]:
        """[stop - start]: 1 where owned, else 0."""
        mask = np.zeros(self.stop - self.start, np.float32)
        mask[self.owned_inside] = 1
        return mask

    def halved(self, times: int) -> Window:
        """The same window on the map that is left after so many poolings."""
        return Window(*(value >> times for value in (self.start, self.stop, self.own_start, self.own_stop)))


def windows(length: int, owned: int, margin: int, stride: int) -> list[Window]:
    """As few windows over a side of `length` as own at most `owned` each and overlap by twice `margin`.

    All have one length, so that one compilation serves them, no longer than is needed to share the
    side evenly. They start at multiples of `stride`, the product of the poolings inside; `margin` and
    `owned` are multiples of it too.
    """
    if owned + 2 * margin + length % stride >= length:
        return [Window(0, length, 0, length)]
    count = -(-(length - 2 * margin) // owned)
    owned = -(-(length - 2 * margin) // (count * stride)) * stride
    size = owned + 2 * margin + length % stride
    starts = [*range(0, length - size, owned), length - size]
    edges = [0, *(start + margin for start in starts[1:]), length]
    return [
        Window(start, start + size, edge, next_edge)
        for start, edge, next_edge in zip(starts, edges, edges[1:], strict=False)
    ]


def margin(convolutions: Sequence[int], pooled: bool) -> int:
    """How far from an edge inside the map the input gradient of a segment is spoiled, in its input's pixels.

    `convolutions` counts the 3 x 3 convolutions of each block of the segment, 2 x 2 pooling
    between them and, where `pooled`, after the last. Rounded up to a multiple of the poolings.
    """
    spoiled = 0
    for index, count in enumerate(convolutions):
        spoiled += count
        if pooled or index < len(convolutions) - 1:
            spoiled = (spoiled + 1) // 2
    for index, count in reversed(list(enumerate(convolutions))):
        if pooled or index < len(convolutions) - 1:
            spoiled *= 2
        spoiled += count
    stride = poolings_stride(len(convolutions), pooled)
    return -(-spoiled // stride) * stride


def poolings_stride(blocks: int, pooled: bool) -> int:
    """The product of the poolings inside a segment of so many `blocks`."""
    return int(2 ** (blocks if pooled else blocks - 1))
