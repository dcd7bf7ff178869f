"""The pyramid's picture and its adjoint in bands of rows, without TensorFlow, for pictures that need much memory.

The results are those of `tfstyle.pyramid.Pyramid.image` and its gradient. In addition to the picture and the variables,
this takes the memory of some bands and of the coarse levels, a third of the picture. TensorFlow's allocator never
returns memory, so no array as large as the picture may be passed to it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tfstyle.borders import Wraps
from tfstyle.pyramid import Pyramid

BAND_VALUES = 2**21
Map = NDArray[np.float32]


def image(pyramid: Pyramid, variables: Map) -> Map:
    """The picture [1, H, W, 3] that `variables` [size] represent."""
    finest, *coarser = _levels(pyramid, variables)
    picture = finest.copy()
    if coarser:
        rows = coarser[-1] * np.float32(_weight(pyramid, len(coarser)))
        for level in reversed(range(1, len(coarser))):
            below = coarser[level - 1] * np.float32(_weight(pyramid, level))
            _add_doubled(rows, below, pyramid.wraps)
            rows = below
        _add_doubled(rows, picture.transpose(0, 2, 1), pyramid.wraps)
    return picture[None]


def adjoint(pyramid: Pyramid, by_image: Map) -> Map:
    """The gradient [size] with respect to the variables, from that with respect to the picture [1, H, W, 3]."""
    gradient = np.empty(pyramid.size, np.float32)
    finest, *coarser = _levels(pyramid, gradient)
    finest[:] = by_image[0]
    above = finest.transpose(0, 2, 1)
    for own in coarser:
        _halve(above, own, pyramid.wraps)
        above = own
    for level, own in enumerate(coarser, 1):
        own *= np.float32(_weight(pyramid, level))
    return gradient


def _weight(pyramid: Pyramid, level: int) -> float:
    return float(2.0 ** (-pyramid.decay * level))


def _levels(pyramid: Pyramid, variables: Map) -> list[Map]:
    """Views of the levels from the finest, [h, w, 3]; the others are [h, 3, w]."""
    views, start = [], 0
    for level, (height, width) in enumerate(pyramid.shapes):
        stop = start + height * width * 3
        views.append(variables[start:stop].reshape((height, 3, width) if level else (height, width, 3)))
        start = stop
    return views


def _add_doubled(coarse: Map, fine: Map, wraps: Wraps) -> None:
    """Add `coarse` [h, 3, w], interpolated to twice its size, to `fine` [H, 3, W] in place."""
    for start, stop in _bands(coarse):
        wanted = np.arange(start - 1, stop + 1)
        rows = coarse[wanted % len(coarse) if wraps.down else np.clip(wanted, 0, len(coarse) - 1)]
        wide = _doubled_across(rows, wraps.across)[..., : fine.shape[2]]
        own = fine[2 * start : 2 * stop]
        for parity, neighbour in ((0, wide[:-2]), (1, wide[2:])):
            part = own[parity::2]
            part += (np.float32(0.75) * wide[1:-1] + np.float32(0.25) * neighbour)[: len(part)]


def _halve(fine: Map, coarse: Map, wraps: Wraps) -> None:
    """Apply the adjoint of `_add_doubled` to `fine` [H, 3, W] and write the result to `coarse` [h, 3, w]."""
    height = len(fine)
    for start, stop in _bands(coarse):
        # Rows 2 start - 1 to 2 stop of `fine`, with zeros beyond its borders, or with its other side.
        first, last = 2 * start - 1, 2 * stop + 1
        rows = np.zeros((last - first, *fine.shape[1:]), np.float32)
        inside = slice(max(first, 0), min(last, height))
        rows[inside.start - first : inside.stop - first] = fine[inside]
        if wraps.down:
            rows[: inside.start - first] = fine[first:][: inside.start - first]
            rows[inside.stop - first :] = fine[: last - inside.stop]
        own = _gathered(rows)
        # Elsewhere the border is replicated, so a border row is its own outer neighbour.
        if start == 0 and not wraps.down:
            own[0] += np.float32(0.25) * fine[0]
        if stop == len(coarse) and height == 2 * stop and not wraps.down:
            own[-1] += np.float32(0.25) * fine[-1]
        coarse[start:stop] = _halved_across(own, coarse.shape[2], wraps.across)


def _doubled_across(rows: Map, wraps: bool) -> Map:
    """[h, 3, w] to [h, 3, 2 w]."""
    wide = np.empty((*rows.shape[:2], 2 * rows.shape[2]), np.float32)
    padded = np.pad(rows, ((0, 0), (0, 0), (1, 1)), "wrap" if wraps else "edge")
    near = np.float32(0.75) * rows
    wide[..., 0::2] = near + np.float32(0.25) * padded[..., :-2]
    wide[..., 1::2] = near + np.float32(0.25) * padded[..., 2:]
    return wide


def _halved_across(rows: Map, count: int, wraps: bool) -> Map:
    """The adjoint of `_doubled_across`, cut to the width of `rows`: [h, 3, W] to [h, 3, `count`]."""
    width = rows.shape[2]
    padded = np.pad(rows, ((0, 0), (0, 0), (1, 2 * count - width + 1)), "wrap" if wraps else "constant")
    narrow = _gathered(padded.transpose(2, 0, 1)).transpose(1, 2, 0)
    if wraps:
        return narrow
    narrow[..., 0] += np.float32(0.25) * rows[..., 0]
    if width == 2 * count:
        narrow[..., -1] += np.float32(0.25) * rows[..., -1]
    return narrow


def _gathered(values: Map) -> Map:
    """The adjoint of one doubling along the first axis, [2 n + 2, ...] to [n, ...]."""
    return np.float32(0.75) * (values[1:-1:2] + values[2::2]) + np.float32(0.25) * (values[:-2:2] + values[3::2])


def _bands(coarse: Map) -> Iterator[tuple[int, int]]:
    count = max(1, BAND_VALUES // (4 * coarse[0].size))
    for start in range(0, len(coarse), count):
        yield start, min(start + count, len(coarse))
