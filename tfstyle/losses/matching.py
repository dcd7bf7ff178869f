"""The nearest neighbours of features under the centred cosine distance."""

from __future__ import annotations

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
ROWS = 8192
"""Rows of the query that are looked up at once."""
VIEWS = 4
"""Views of a style picture: as it is, and turned by 90, 180 and 270 degrees."""
MOST_COLUMNS = 16384
"""The most columns of one view, as many as a square of 512 pixels has hypercolumns; of more, so many are drawn."""


def directions(vectors: tf.Tensor, floor: float = TINY) -> tf.Tensor:
    """`vectors` [..., c], each divided by its length; `floor` is added to the squared length."""
    return vectors * tf.math.rsqrt(tf.reduce_sum(vectors**2, -1, keepdims=True) + floor)


def nearest(query: tf.Tensor, columns: tf.Tensor, dtype: tf.DType) -> NDArray[np.int64]:
    """For each row of `query` [n, c], the row of `columns` [m, c] that points most nearly in the same direction: [n].

    Both are float32 and centred first, each by its own mean: without that all features, which are positive, point in
    nearly the same direction. Of each `GROUP` of columns a candidate is chosen by products in `dtype`, and among the
    candidates one in float32; bfloat16 alone has many ties.
    """
    sought, among = (directions(vectors - tf.reduce_mean(vectors, 0)) for vectors in (query, columns))
    groups = [(start, among[start : start + GROUP]) for start in range(0, len(among), GROUP)]
    rough = [tf.cast(group, dtype) for _, group in groups]
    found = np.zeros(len(sought), np.int64)
    for first in range(0, len(sought), ROWS):
        rows = sought[first : first + ROWS]
        most = np.full(len(rows), -np.inf, np.float32)
        for (start, group), products in zip(groups, rough, strict=True):
            candidates = tf.argmax(tf.matmul(tf.cast(rows, dtype), products, transpose_b=True), 1)
            cosines = tf.reduce_sum(rows * tf.gather(group, candidates), 1).numpy()
            better = cosines > most
            most[better] = cosines[better]
            found[first : first + ROWS][better] = start + candidates.numpy()[better]
    return found


def cost(channels: int, positions: int, columns: int) -> MatchingCost:
    """What `nearest` takes for a query of `positions` rows with so many `channels`, among so many `columns`."""
    vectors = channels * (positions + columns)
    # As they are, centred, as directions, and these in bfloat16; the products of one group, and its candidates.
    values = 7 * vectors // 2 + ROWS * (GROUP + 2 * channels)
    return MatchingCost(channels * positions * columns, FLOAT_BYTES * values)


def places(size: tuple[int, int], weights: BlockWeights | None, layer: str) -> NDArray[np.int64]:
    """The positions of a view that may be chosen, as indices into its rows; `size` is (height, width) of its map.

    With `weights`, they are those with half the largest weight or more. Of more than `MOST_COLUMNS`, so many are drawn
    at random, always the same ones.
    """
    height, width = size
    if weights is None:
        allowed = np.arange(height * width)
    else:
        here = weights.of(block_of(layer))[:height, :width]
        allowed = np.flatnonzero(here >= 0.5 * here.max())
    if len(allowed) <= MOST_COLUMNS:
        return allowed
    return np.sort(np.random.default_rng(0).choice(allowed, MOST_COLUMNS, replace=False))
