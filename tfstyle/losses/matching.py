"""The nearest neighbours of features under the centred cosine distance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tfstyle.losses.term import FLOAT_BYTES, Matching
from tfstyle.tensorflow_backend import tf

TINY = 1e-12
"""Keeps the direction of a zero vector finite."""
SIMILARITIES = 2**25
"""Similarities that are computed at once."""

VIEWS = 4
"""Views of a style picture: as it is, and turned by 90, 180 and 270 degrees."""


def directions(vectors: tf.Tensor) -> tf.Tensor:
    """`vectors` [n, c], each divided by its length."""
    return vectors * tf.math.rsqrt(tf.reduce_sum(vectors**2, -1, keepdims=True) + TINY)


def nearest(query: tf.Tensor, columns: tf.Tensor, precision: str) -> NDArray[np.int64]:
    """For each row of `query` [n, c], the row of `columns` [m, c] that points most nearly in the same direction: [n].

    Both are float32 and centred first, each by its own mean: without that all features, which are positive, point in
    nearly the same direction. The products have the type `precision`.
    """
    sought, among = (
        tf.cast(directions(vectors - tf.reduce_mean(vectors, 0)), precision) for vectors in (query, columns)
    )
    rows = max(1, SIMILARITIES // len(columns))
    found = [
        tf.argmax(tf.matmul(sought[start : start + rows], among, transpose_b=True), 1).numpy()
        for start in range(0, len(sought), rows)
    ]
    return np.concatenate(found)


def matching(channels: int, positions: int, columns: int) -> Matching:
    """What `nearest` takes for a query of `positions` rows with so many `channels`, among so many `columns`."""
    vectors = channels * (positions + columns)
    # As they are, centred, and as directions; and the similarities of a part.
    return Matching(channels * positions * columns, FLOAT_BYTES * (3 * vectors + 2 * SIMILARITIES))


def visible(weights: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which of the positions with these `weights` [h, w] may be chosen, [h w]: those with half the largest or more."""
    chosen: NDArray[np.bool_] = (weights >= 0.5 * weights.max()).reshape(-1)
    return chosen
