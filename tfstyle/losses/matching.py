"""The nearest neighbours of features under the centred cosine distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

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
FINALISTS = 4
"""Candidates that are compared in all dimensions."""
ROWS = 2048
"""Rows of the query that are looked up at once: so few that their products with a group stay in the cache."""
VIEWS = 4
"""Views of a style picture: as it is, and turned by 90, 180 and 270 degrees."""


def directions(vectors: tf.Tensor, floor: float = TINY) -> tf.Tensor:
    """`vectors` [..., c], each divided by its length; `floor` is added to the squared length."""
    # `tf.square`, because outside of a graph a power takes twenty times as long.
    return vectors * tf.math.rsqrt(tf.reduce_sum(tf.square(vectors), -1, keepdims=True) + floor)


class Columns(NamedTuple):
    """Columns `rows` [m, c], float32, among which neighbours are sought; they are large, so none is copied whole.

    `centre` [c] is their mean, `scale` [m] one over the lengths of the centred columns. `narrow` are the directions of
    each `GROUP` of them, in the dimensions `basis` [c, d] (None: in all).
    """

    rows: tf.Tensor
    centre: tf.Tensor
    scale: tf.Tensor
    basis: tf.Tensor | None
    narrow: list[tf.Tensor]

    @classmethod
    def of(cls, rows: tf.Tensor, dtype: tf.DType) -> Columns:
        """All of it for `rows`, with `narrow` in `dtype`."""
        groups = [rows[start : start + GROUP] for start in range(0, len(rows), GROUP)]
        centre = sum(tf.reduce_sum(group, 0) for group in groups) / len(rows)
        basis = _leading_directions(rows, centre)
        narrow, scales = [], []
        for group in groups:
            centred = group - centre
            scale = tf.math.rsqrt(tf.reduce_sum(tf.square(centred), 1) + TINY)
            scales.append(scale)
            narrow.append(tf.cast(_narrowed(centred, basis) * scale[:, None], dtype))
        return cls(rows, centre, tf.concat(scales, 0), basis, narrow)

    def nearest(self, query: tf.Tensor) -> NDArray[np.int64]:
        """For each row of `query` [n, c], float32, the column that points most nearly in the same direction: [n].

        Both are centred first, each by its own mean: without that all features, which are positive, point in nearly the
        same direction. Of each group a candidate is chosen by products in the type and dimensions of `narrow`, and
        among the `FINALISTS` of them that are best there one in float32 and in all dimensions. With more dimensions
        than `SUBSPACE`, a column that is found may be a little less near than the nearest one.
        """
        centre = tf.reduce_mean(query, 0)
        found = []
        for first in range(0, len(query), ROWS):
            rows = query[first : first + ROWS] - centre
            finalists = self._finalists(rows)
            cosines = tf.stack([self._along(rows, places) for places in tf.unstack(finalists, axis=1)], 1)
            found.append(tf.gather(finalists, tf.argmax(cosines, 1), axis=1, batch_dims=1).numpy())
        return np.concatenate(found)

    def _finalists(self, rows: tf.Tensor) -> tf.Tensor:
        """The places of the candidates for each of the centred `rows` [n, c]: [n, FINALISTS], or fewer."""
        narrow = tf.cast(_narrowed(rows, self.basis), self.narrow[0].dtype)
        places, values = [], []
        for number, group in enumerate(self.narrow):
            products = tf.matmul(narrow, group, transpose_b=True)
            best = tf.argmax(products, 1)
            places.append(number * GROUP + best)
            values.append(tf.cast(tf.gather(products, best, axis=1, batch_dims=1), tf.float32))
        _, chosen = tf.math.top_k(tf.stack(values, 1), min(FINALISTS, len(values)))
        return tf.gather(tf.stack(places, 1), chosen, axis=1, batch_dims=1)

    def _along(self, rows: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
        """The cosines of the centred `rows` [n, c] with the columns at `places` [n], times the rows' lengths."""
        products = tf.reduce_sum(rows * (tf.gather(self.rows, places) - self.centre), 1)
        return products * tf.gather(self.scale, places)


def _narrowed(vectors: tf.Tensor, basis: tf.Tensor | None) -> tf.Tensor:
    return vectors if basis is None else tf.matmul(vectors, basis)


def _leading_directions(columns: tf.Tensor, centre: tf.Tensor) -> tf.Tensor | None:
    """The `SUBSPACE` leading principal components of `columns`, nearly, [c, d]; None if they have no more dimensions.

    A sample of the rows, and a subspace iteration from random vectors (Halko et al. 2011), are enough for candidates.
    """
    count, channels = columns.shape
    if channels <= SUBSPACE:
        return None
    random = np.random.default_rng(0)
    places = np.sort(random.choice(count, min(count, SAMPLE), replace=False))
    sample = directions(tf.gather(columns, places) - centre)
    basis = tf.constant(random.standard_normal((channels, SUBSPACE), np.float32))
    for _ in range(2):
        basis, _ = tf.linalg.qr(tf.matmul(sample, tf.matmul(sample, basis), transpose_a=True))
    return basis


def cost(channels: int, positions: int, columns: int) -> MatchingCost:
    """What the choice takes for a query of `positions` rows with so many `channels`, among so many `columns`."""
    vectors, narrow = positions + columns, min(channels, SUBSPACE)
    # In parts, and joined, and the columns that are found; in the subspace; products of one group; and rows with what
    # they are compared with.
    values = channels * (3 * positions + 2 * columns) + narrow * vectors + ROWS * (GROUP + 3 * channels)
    work = narrow * (positions * columns + channels * vectors)
    return MatchingCost(work, FLOAT_BYTES * values, FLOAT_BYTES * columns * (channels + narrow))


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
