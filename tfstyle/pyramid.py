"""The picture as a Laplacian pyramid whose levels are the variables that are optimised.

image = w_0 P_0 + up(w_1 P_1 + up(w_2 P_2 + ...)),  w_k = 2^(-decay k)

`up` is bilinear interpolation to twice the size. The parametrisation preconditions the problem: one coefficient of a
coarse level moves a whole patch, so low frequencies, where the losses are stiff, move together. With one level the
variables are the pixels themselves.

Compared to 1/2, the default `decay` of 1 saves a third of the evaluations at the default style weight, and costs some
at the published weight (docs/performance.md). A level passes through all finer sizes on its way up, which costs one
pass over the pixels in total instead of one per level.

All levels but the finest are stored as [h, 3, w], colour planes side by side: interpolation along either side is then
one matrix product without a transposition.

A picture that wraps is interpolated across its borders too. That needs even sides, so the levels end before such a side
would have to be rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfstyle.borders import NO_WRAPS, Wraps
from tfstyle.tensorflow_backend import tf

BAND = 1024
"""Rows or columns that one matrix product interpolates."""
Doublings = Sequence[tuple[tf.Tensor, tf.Tensor]]
"""The matrices, along the height and the width, that double each level but the finest."""


@dataclass(frozen=True)
class Pyramid:
    """The layout of the variables of a picture of `height` x `width` pixels in at most `levels` levels.

    Halving stops at one pixel per side, and at an odd side along which the picture `wraps`. The variables are one flat
    float32 vector [size]: the levels in order from the finest, which is [h, w, 3]; the others are [h, 3, w].
    """

    height: int
    width: int
    levels: int
    decay: float
    wraps: Wraps = NO_WRAPS

    @cached_property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(height, width) of each level from the finest; each halves the one before, rounded up."""
        shapes = [(self.height, self.width)]
        while len(shapes) < self.levels and max(shapes[-1]) > 1:
            height, width = shapes[-1]
            if (self.wraps.down and height % 2) or (self.wraps.across and width % 2):
                break
            shapes.append(((height + 1) // 2, (width + 1) // 2))
        return tuple(shapes)

    @cached_property
    def size(self) -> int:
        """Number of variables: about 4 per pixel, 3 of them in the finest level."""
        return sum(height * width * 3 for height, width in self.shapes)

    def variables(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Variables [size] that represent `image` [1, H, W, 3] exactly, all in the finest level."""
        variables = np.zeros(self.size, np.float32)
        variables[: image.size] = image.ravel()
        return variables

    def image(self, variables: tf.Tensor) -> tf.Tensor:
        """The picture [1, H, W, 3] that `variables` [size] represent. Linear and differentiable."""
        if len(self.shapes) == 1:
            return tf.reshape(variables, [1, self.height, self.width, 3])
        return self._function(_image, variables)(variables, self._doublings)

    def adjoint(self, by_image: tf.Tensor) -> tf.Tensor:
        """The gradient [size] by the variables, on which the picture depends linearly, from that by it [1, H, W, 3]."""
        if len(self.shapes) == 1:
            return tf.reshape(by_image, [-1])
        return self._function(_adjoint, by_image)(by_image, self._doublings)

    def _function(self, function: Callable[..., tf.Tensor], values: tf.Tensor) -> Any:
        """`function` in a trace that serves all sizes, or where sides are longer than `BAND`, this one."""
        if function not in self._functions:
            is_open = max(self.shapes[0]) <= BAND
            specifications = tf.nest.map_structure(
                lambda each: _specification(each, is_open), (values, self._doublings)
            )
            traced = (_shared if is_open else _traced)(function, self.decay, self.wraps)
            self._functions[function] = traced.get_concrete_function(*specifications)
        return self._functions[function]

    @cached_property
    def _functions(self) -> dict[Callable[..., tf.Tensor], Any]:
        return {}

    @cached_property
    def _doublings(self) -> list[tuple[tf.Tensor, tf.Tensor]]:
        # Created outside any trace, so that traced functions take them as arguments and do not hold copies of them.
        with tf.init_scope():
            return [
                (
                    tf.constant(wrapped_doubling(h) if self.wraps.down else doubling(h, height)),
                    tf.constant(wrapped_doubling(w) if self.wraps.across else doubling(w, width)),
                )
                for (height, width), (h, w) in pairwise(self.shapes)
            ]


def _traced(function: Callable[..., tf.Tensor], decay: float, wraps: Wraps) -> Any:
    return tf.function(lambda values, doublings: function(values, doublings, decay, wraps), autograph=False)


_shared = cache(_traced)
"""For traces that serve all sizes. Those for one size are made anew, and go with their pyramid."""


def _specification(value: tf.Tensor, is_open: bool) -> tf.TensorSpec:
    """With `is_open`, that of a tensor of any size: of variables [size], a picture [1, H, W, 3] or a matrix."""
    open_shapes = {1: [None], 2: [None, None], 4: [1, None, None, 3]}
    return tf.TensorSpec(open_shapes[value.shape.rank] if is_open else value.shape, value.dtype)


def _image(variables: tf.Tensor, doublings: Doublings, decay: float, wraps: Wraps) -> tf.Tensor:
    """The picture [1, H, W, 3] of the `variables` [size] of a pyramid with these `doublings`."""
    (height, width), *shapes = _shapes(doublings, wraps)
    finest, *coarser = tf.split(variables, [3 * h * w for h, w in ((height, width), *shapes)], num=len(shapes) + 1)
    rows = None
    for level in reversed(range(1, len(shapes) + 1)):
        h, w = shapes[level - 1]
        detail = tf.reshape(coarser[level - 1], [h, 3, w]) * 2.0 ** (-decay * level)
        rows = detail if rows is None else detail + upsample(rows, *doublings[level], wraps)
    above = upsample(rows, *doublings[0], wraps)
    return tf.reshape(finest, [1, height, width, 3]) + tf.transpose(above, [0, 2, 1])[None]


def _adjoint(by_image: tf.Tensor, doublings: Doublings, decay: float, wraps: Wraps) -> tf.Tensor:
    """The adjoint of `_image`."""
    levels = [tf.reshape(by_image, [-1])]
    rows = tf.transpose(by_image[0], [0, 2, 1])
    for level, (down, across) in enumerate(doublings, 1):
        rows = gathered(rows, down, across, wraps)
        levels.append(tf.reshape(rows, [-1]) * 2.0 ** (-decay * level))
    return tf.concat(levels, 0)


def _shapes(doublings: Doublings, wraps: Wraps) -> list[tuple[Any, Any]]:
    """(height, width) of all levels from the finest, as numbers where they are known in a trace."""
    (height, _), (width, _) = map(_sides, doublings[0])
    coarser = [(_sides(down)[1], _sides(across)[1]) for down, across in doublings]
    return [(height, width), *((h - 2 * wraps.down, w - 2 * wraps.across) for h, w in coarser)]


def _sides(values: tf.Tensor) -> list[Any]:
    """The length of each side of `values`: a number where it is known, elsewhere a tensor."""
    known, found = values.shape.as_list(), tf.shape(values)
    return [found[axis] if side is None else side for axis, side in enumerate(known)]


def upsample(rows: tf.Tensor, down: tf.Tensor, across: tf.Tensor, wraps: Wraps = NO_WRAPS) -> tf.Tensor:
    """`rows` [h, c, w] interpolated to [H, c, W] by the matrices `down` [H, h] and `across` [W, w].

    Where the picture `wraps`, they are those of `wrapped_doubling`.
    """
    if wraps.down:
        rows = tf.concat([rows[-1:], rows, rows[:1]], 0)
    if wraps.across:
        rows = tf.concat([rows[..., -1:], rows, rows[..., :1]], 2)
    h, c, w = _sides(rows)
    height, width = _sides(down)[0], _sides(across)[0]
    taller = _banded(down, tf.reshape(rows, [h, c * w]), 0)
    return tf.reshape(_banded(across, tf.reshape(taller, [height * c, w]), 1), [height, c, width])


def _banded(matrix: tf.Tensor, values: tf.Tensor, axis: int) -> tf.Tensor:
    """`matrix` times `values` along `axis`, in blocks that cover only the band of non-zero entries.

    The cost of a doubling is therefore proportional to its length, not to the square of it.
    """
    length, count = matrix.shape
    if length is None or length <= BAND:
        return tf.matmul(matrix, values) if axis == 0 else tf.matmul(values, matrix, transpose_b=True)
    parts = []
    skipped = (2 * count - length) // 2  # 2 with values from the other side at both ends, else 0
    for start in range(0, length, BAND):
        stop = min(start + BAND, length)
        first, last = max(0, (start + skipped) // 2 - 1), min(count, (stop + skipped + 1) // 2 + 1)
        block = matrix[start:stop, first:last]
        if axis == 0:
            parts.append(tf.matmul(block, values[first:last]))
        else:
            parts.append(tf.matmul(values[:, first:last], block, transpose_b=True))
    return tf.concat(parts, axis) if len(parts) > 1 else parts[0]


def gathered(rows: tf.Tensor, down: tf.Tensor, across: tf.Tensor, wraps: Wraps = NO_WRAPS) -> tf.Tensor:
    """The adjoint of `upsample`: from `rows` [H, c, W] to [h, c, w]."""
    height, c, width = _sides(rows)
    h, w = _sides(down)[1], _sides(across)[1]
    narrower = _banded_adjoint(across, tf.reshape(rows, [height * c, width]), 1)
    rows = tf.reshape(_banded_adjoint(down, tf.reshape(narrower, [height, c * w]), 0), [h, c, w])
    if wraps.down:
        rows = _folded(rows, 0)
    return _folded(rows, 2) if wraps.across else rows


def _folded(rows: tf.Tensor, axis: int) -> tf.Tensor:
    """`rows` without the values that `upsample` adds at both ends, which are added to those that they repeat."""
    before, own, after = tf.split(rows, [1, _sides(rows)[axis] - 2, 1], axis)
    others = tf.zeros_like(tf.split(own, [_sides(own)[axis] - 1, 1], axis)[0])
    return own + tf.concat([others, before], axis) + tf.concat([after, others], axis)


def _banded_adjoint(matrix: tf.Tensor, values: tf.Tensor, axis: int) -> tf.Tensor:
    """The transposed `matrix` times `values` along `axis`, in blocks as `_banded`."""
    length, count = matrix.shape
    if length is None or length <= BAND:
        return tf.matmul(matrix, values, transpose_a=True) if axis == 0 else tf.matmul(values, matrix)
    parts = []
    skipped = (2 * count - length) // 2
    for start in range(0, count, BAND // 2):
        stop = min(start + BAND // 2, count)
        first, last = max(0, 2 * start - 1 - skipped), min(length, 2 * stop + 1 - skipped)
        block = matrix[first:last, start:stop]
        if axis == 0:
            parts.append(tf.matmul(block, values[first:last], transpose_a=True))
        else:
            parts.append(tf.matmul(values[:, first:last], block))
    return tf.concat(parts, axis)


def doubling(count: int, length: int) -> NDArray[np.float32]:
    """The matrix [length, count] that interpolates `count` values linearly to twice as many, cut to the first `length`.

    Pixel centres lie at half-integers and the border is replicated, as in `tf.image.resize`.
    """
    matrix = np.zeros((2 * count, count), np.float32)
    own = np.arange(count)
    for rows, neighbour in ((2 * own, own - 1), (2 * own + 1, own + 1)):
        matrix[rows, own] += 0.75
        matrix[rows, np.clip(neighbour, 0, count - 1)] += 0.25
    return matrix[:length]


def wrapped_doubling(count: int) -> NDArray[np.float32]:
    """The matrix [2 count, count + 2] that interpolates `count` values, whose ends meet, to twice as many.

    It is applied to the values with the last one before them and the first one after them.
    """
    return doubling(count + 2, 2 * count + 4)[2:-2]
