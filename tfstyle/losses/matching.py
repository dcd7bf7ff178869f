"""The nearest neighbours of features under the centred cosine distance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tfstyle.losses.term import FLOAT_BYTES, MatchingCost
from tfstyle.masks import BlockWeights
from tfstyle.networks.topology import block_of
from tfstyle.tensorflow_backend import tf

TINY = 1e-12
"""Keeps the direction of a zero vector finite."""
GROUP = 4096
"""Columns among which one candidate is chosen."""
SUBSPACE = 192
"""Dimensions in which candidates are compared: those in which the columns vary most."""
SAMPLE = 4096
"""Columns from which these dimensions are found."""
ROWS = 8192
"""Rows of the query that are looked up at once."""
VIEWS = 4
"""Views of a style picture: as it is, and turned by 90, 180 and 270 degrees."""


def directions(vectors: tf.Tensor, floor: float = TINY) -> tf.Tensor:
    """`vectors` [..., c], each divided by its length; `floor` is added to the squared length."""
    # `tf.square`, because outside of a graph a power takes twenty times as long.
    return vectors * tf.math.rsqrt(tf.reduce_sum(tf.square(vectors), -1, keepdims=True) + floor)


def nearest(query: tf.Tensor, columns: tf.Tensor, dtype: tf.DType) -> NDArray[np.int64]:
    """For each row of `query` [n, c], the row of `columns` [m, c] that points most nearly in the same direction: [n].

    Both are float32 and centred first, each by its own mean: without that all features, which are positive, point in
    nearly the same direction. Of each `GROUP` of columns a candidate is chosen by products in `dtype` and in `SUBSPACE`
    dimensions, and among the candidates one in float32 and in all dimensions. With more dimensions than `SUBSPACE`, a
    row that is found may be a little less near than the nearest one.
    """
    sought, among = (directions(vectors - tf.reduce_mean(vectors, 0)) for vectors in (query, columns))
    narrow_sought, narrow_among = (tf.cast(each, dtype) for each in _narrowed(sought, among))
    found = np.zeros(len(sought), np.int64)
    for first in range(0, len(sought), ROWS):
        rows, narrow_rows = sought[first : first + ROWS], narrow_sought[first : first + ROWS]
        most = np.full(len(rows), -np.inf, np.float32)
        for start in range(0, len(among), GROUP):
            products = tf.matmul(narrow_rows, narrow_among[start : start + GROUP], transpose_b=True)
            candidates = start + tf.argmax(products, 1)
            cosines = tf.reduce_sum(rows * tf.gather(among, candidates), 1).numpy()
            better = cosines > most
            most[better] = cosines[better]
            found[first : first + ROWS][better] = candidates.numpy()[better]
    return found


def _narrowed(sought: tf.Tensor, among: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Both in the `SUBSPACE` of the leading principal components of `among`, nearly, if they have more dimensions.

    A sample of the rows, and a subspace iteration from random vectors (Halko et al. 2011), are enough for candidates.
    """
    count, channels = among.shape
    if channels <= SUBSPACE:
        return sought, among
    random = np.random.default_rng(0)
    sample = tf.gather(among, np.sort(random.choice(count, min(count, SAMPLE), replace=False)))
    basis = tf.constant(random.standard_normal((channels, SUBSPACE), np.float32))
    for _ in range(2):
        basis, _ = tf.linalg.qr(tf.matmul(sample, tf.matmul(sample, basis), transpose_a=True))
    return tf.matmul(sought, basis), tf.matmul(among, basis)


def cost(channels: int, positions: int, columns: int) -> MatchingCost:
    """What `nearest` takes for a query of `positions` rows with so many `channels`, among so many `columns`."""
    vectors, narrow = positions + columns, min(channels, SUBSPACE)
    # As they are, centred, as directions, in the subspace, and there in bfloat16; the products of one group, and its
    # candidates.
    values = (3 * channels + 3 * narrow // 2) * vectors + ROWS * (GROUP + 2 * channels)
    return MatchingCost(narrow * (positions * columns + channels * vectors), FLOAT_BYTES * values)


def places(size: tuple[int, int], weights: BlockWeights | None, layer: str, most: int) -> NDArray[np.int64]:
    """The positions of a view that may be chosen, as indices into its rows; `size` is (height, width) of its map.

    With `weights`, they are those with half the largest weight or more. Of more than `most`, so many are drawn at
    random, always the same ones.
    """
    height, width = size
    if weights is None:
        allowed = np.arange(height * width)
    else:
        here = weights.of(block_of(layer))[:height, :width]
        allowed = np.flatnonzero(here >= 0.5 * here.max())
    if len(allowed) <= most:
        return allowed
    return np.sort(np.random.default_rng(0).choice(allowed, most, replace=False))


def weighted_targets(found: Sequence[tuple[BlockWeights, tf.Tensor]], block: int) -> tf.Tensor:
    """The sum of the targets [1, h, w, c] of several regions, each times the region's weights at the block's positions.

    A target of length 0 has a constant distance from every direction, so it pulls the picture nowhere.
    """
    _, height, width, _ = found[0][1].shape
    placed = []
    for weights, target in found:
        here = weights.of(block)[:height, :width]
        missing = (0, height - here.shape[0]), (0, width - here.shape[1])
        placed.append(target * np.pad(here, missing, "edge")[None, :, :, None])
    return tf.add_n(placed)
