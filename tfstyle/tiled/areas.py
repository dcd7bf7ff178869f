"""The division of a picture into areas, which several parties compute at the same time.

Windows of a segment exchange maps of features between two segments. Areas do not: each is seen through one window of
the picture, wide enough that the deepest features that the area owns depend on nothing outside it. What a loss asks of
features that an area does not own is another area's business, so the areas' statistics and gradients add up. Nothing
but pixels, statistics and gradients moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tfstyle.borders import CIRCULAR, ZERO, Borders
from tfstyle.feature_loss import feature_layers
from tfstyle.networks.network import Network
from tfstyle.networks.topology import block_of
from tfstyle.objective import Terms
from tfstyle.tiled.windows import Window, poolings_stride, read, windows

Map = NDArray[np.float32]


@dataclass(frozen=True)
class Area:
    """What one party computes: the owned parts of two windows of a picture, `rows` and `columns`.

    `borders` lie around the window. Those inside the picture do not matter, as nothing owned depends on them.
    """

    rows: Window
    columns: Window
    borders: Borders

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the window."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    @property
    def pixels(self) -> int:
        """The pixels that are read, those beyond the owned ones included."""
        height, width = self.size
        return height * width

    def read(self, whole: Map, block: int = 1) -> Map:
        """The part of `whole` [1, h, w, c], a map of features of `block`, in the window."""
        return read(whole, *(side.halved(block - 1) for side in (self.rows, self.columns)))

    def owned(self, block: int) -> Map:
        """[1, h, w, 1]: 1 at the positions of `block` in the window that the area owns, else 0."""
        rows, columns = (side.halved(block - 1).mask for side in (self.rows, self.columns))
        return rows[None, :, None, None] * columns[None, None, :, None]

    def add(self, part: Map, whole: Map) -> None:
        """Add `part`, a map in the window, to `whole` [1, H, W, c] in place."""
        height, width = whole.shape[1:3]
        rows, columns = self.rows, self.columns
        if rows.start >= 0 and columns.start >= 0 and rows.stop <= height and columns.stop <= width:
            whole[:, rows.start : rows.stop, columns.start : columns.stop] += part
        else:
            down, across = np.arange(rows.start, rows.stop) % height, np.arange(columns.start, columns.stop) % width
            whole[0, down[:, None], across] += part[0]


def divide(size: tuple[int, int], most: int, reach: int, stride: int, borders: Borders) -> list[Area]:
    """The division of a picture of `size` (height, width) into at most `most` areas whose windows are smallest.

    All windows have the same size. `reach` is how far owned features see beyond their area, in pixels, and `stride` the
    product of the poolings in between, as of `seen`. `borders` lie around the picture.
    """
    divisions = (_grid(size, (rows, most // rows), reach, stride, borders) for rows in range(1, most + 1))
    return min(divisions, key=lambda areas: (areas[0].pixels, len(areas)))


def _grid(size: tuple[int, int], counts: tuple[int, int], reach: int, stride: int, borders: Borders) -> list[Area]:
    sides, around = [], []
    for length, count, border in zip(size, counts, borders, strict=True):
        wraps = border == CIRCULAR
        owned = -(-max(1, length if wraps else length - 2 * reach) // (count * stride)) * stride
        parts = [Window(0, length, 0, length)] if count == 1 else windows(length, owned, reach, stride, wraps=wraps)
        sides.append(parts)
        around.append(ZERO if wraps and len(parts) > 1 else border)
    return [Area(rows, columns, Borders(*around)) for rows, columns in product(*sides)]


def seen(network: Network, terms: Terms) -> tuple[int, int]:
    """(reach, stride) of the layers of `terms` in a network: how far their features see, in pixels; see `divide`."""
    names = list(network.layers)
    names = names[: max(names.index(layer) for layer in feature_layers(terms)) + 1]
    blocks = range(1, block_of(names[-1]) + 1)
    convolutions = [sum(block_of(name) == block for name in names) for block in blocks]
    stride = poolings_stride(len(convolutions), pooled=False)
    return _wrong(convolutions) * stride, stride


def _wrong(convolutions: Sequence[int]) -> int:
    """The positions of the last block that an edge affects, of blocks with so many 3 x 3 convolutions."""
    wrong = 0
    for count in convolutions[:-1]:
        wrong = (wrong + count + 1) // 2
    return wrong + convolutions[-1]
