"""The picture as a Laplacian pyramid, whose levels are the variables that are optimised.

image = w_0 P_0 + up(w_1 P_1 + up(w_2 P_2 + ...)),  w_k = 2^(-k/2)

`up` is bilinear interpolation to twice the size. The parametrisation preconditions the problem:
one coefficient of a coarse level moves a whole patch, so low frequencies, where the losses are
stiff, move together. With one level the variables are the pixels themselves.

Deviation from the design's w_k x bilinear_upsample(P_k): a level passes through all finer sizes
on its way up, which costs one pass over the pixels in all instead of one a level.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


@dataclass(frozen=True)
class Pyramid:
    """The layout of the variables of a picture of `height` x `width` pixels in at most `levels` levels.

    Halving stops at one pixel a side. The variables are one flat float32 vector [size]: the
    levels from the finest, each [h, w, 3] row by row.
    """

    height: int
    width: int
    levels: int

    @cached_property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(height, width) of each level from the finest; each halves the one before, rounded up."""
        shapes = [(self.height, self.width)]
        while len(shapes) < self.levels and max(shapes[-1]) > 1:
            height, width = shapes[-1]
            shapes.append(((height + 1) // 2, (width + 1) // 2))
        return tuple(shapes)

    @cached_property
    def size(self) -> int:
        """Count of variables: about 4 for each pixel, 3 in the finest level."""
        return sum(height * width * 3 for height, width in self.shapes)

    def variables(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Variables [size] that stand for `image` [1, H, W, 3] exactly: all of it in the finest level."""
        variables = np.zeros(self.size, np.float32)
        variables[: image.size] = image.ravel()
        return variables

    def image(self, variables: tf.Tensor) -> tf.Tensor:
        """The picture [1, H, W, 3] for which `variables` [size] stand. Linear and differentiable."""
        counts = [height * width * 3 for height, width in self.shapes]
        parts = tf.split(variables, counts) if len(counts) > 1 else [variables]
        picture = None
        for level in reversed(range(len(counts))):
            height, width = self.shapes[level]
            detail = tf.reshape(parts[level], [1, height, width, 3]) * 2 ** (-level / 2)
            picture = detail if picture is None else detail + upsample(picture, height, width)
        return picture


def upsample(image: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """`image` [1, h, w, c] bilinearly at twice the size, cut to `height` x `width` (2h or 2h - 1, ...).

    Pixel centres lie at halves and the border repeats, as in `tf.image.resize`; written with
    shifts because XLA compiles those, and their gradient, into one pass over the memory.
    """
    for axis, length in ((1, height), (2, width)):
        first = tf.gather(image, [0], axis=axis)
        last = tf.gather(image, [image.shape[axis] - 1], axis=axis)
        padded = tf.concat([first, image, last], axis)
        count = image.shape[axis]
        before, after = (_span(padded, axis, start, count) for start in (0, 2))
        pairs = tf.stack([0.25 * before + 0.75 * image, 0.75 * image + 0.25 * after], axis + 1)
        shape = [*image.shape]
        shape[axis] = 2 * count
        image = _span(tf.reshape(pairs, shape), axis, 0, length)
    return image


def _span(tensor: tf.Tensor, axis: int, start: int, count: int) -> tf.Tensor:
    index = [slice(None)] * axis + [slice(start, start + count)]
    return tensor[tuple(index)]
