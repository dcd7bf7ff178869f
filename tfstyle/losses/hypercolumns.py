"""Hypercolumns: the features of several layers at each position of one grid (Hariharan et al. 2015)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfstyle.borders import CIRCULAR, NO_WRAPS, Wraps
from tfstyle.losses.open_size import size_of
from tfstyle.losses.term import Features, Metrics
from tfstyle.networks.bordered import surrounded
from tfstyle.networks.network import LayerMetric
from tfstyle.networks.topology import block_of
from tfstyle.tensorflow_backend import tf

GRID_LAYER = "block3_conv1"
"""A layer with the positions of the grid: a quarter of the picture's height and width."""
GRID_BLOCK = block_of(GRID_LAYER)


def hypercolumns(
    features: Features, weights: Mapping[str, float], metrics: Metrics, wraps: Wraps = NO_WRAPS
) -> dict[str, tf.Tensor]:
    """Each layer's part of the hypercolumns, {layer: [1, h, w, c]} in float32, for the layers in `weights`.

    A part is the layer's features times its weight, divided by the number of channels: averaged down to the grid, or
    interpolated up to it, also between its two ends where the picture `wraps`. With metrics, the parts have the lengths
    and angles of the imitated network's.
    """
    height, width = grid(features, list(weights))
    parts = {}
    for layer, weight in weights.items():
        factor = weight / metrics[layer].channels
        parts[layer] = _on_grid(features[layer], metrics[layer], factor, block_of(layer), (height, width), wraps)
    return parts


def grid(features: Features, layers: Sequence[str]) -> tuple[Any, Any]:
    """(height, width) of the grid, from those of the features of `layers`, as `size_of` gives them."""
    finest = min(layers, key=block_of)
    height, width = size_of(features[finest])
    coarser = block_of(finest) - GRID_BLOCK
    by = 2 ** abs(coarser)
    return (height * by, width * by) if coarser > 0 else (height // by, width // by)


def measured(features: tf.Tensor, metric: LayerMetric, factor: float = 1.0) -> tf.Tensor:
    """`features` [..., c] times `factor` in float32, in coordinates in which the metric is 1."""
    values = tf.cast(features, tf.float32)
    if metric.root is None:
        return values if factor == 1 else values * np.float32(factor)
    root = tf.constant(metric.root * np.float32(factor))
    return tf.reshape(tf.matmul(tf.reshape(values, [-1, values.shape[-1]]), root), tf.shape(values))


def _on_grid(
    features: tf.Tensor, metric: LayerMetric, factor: float, block: int, size: tuple[Any, Any], wraps: Wraps
) -> tf.Tensor:
    """As `measured`, at the positions of the grid. The metric is applied where there are fewer positions."""
    if block < GRID_BLOCK:
        step = 2 ** (GRID_BLOCK - block)
        return measured(tf.nn.avg_pool2d(features, step, step, "VALID"), metric, factor)
    values = measured(features, metric, factor)
    return _enlarged(values, size, wraps) if block > GRID_BLOCK else values


def _enlarged(values: tf.Tensor, size: tuple[Any, Any], wraps: Wraps) -> tf.Tensor:
    """`values` [1, h, w, c] interpolated to `size` (height, width); a side that wraps is a multiple of its own."""
    beyond = []  # rows or columns of the result that are interpolated beyond its ends
    for axis, (length, wrapped) in enumerate(zip(size, wraps, strict=True), 1):
        count = values.shape[axis]
        beyond.append(length // count if wrapped else 0)
        if wrapped:
            values = surrounded(values, axis, CIRCULAR)
    (height, width), (above, left) = size, beyond
    enlarged = tf.image.resize(values, (height + 2 * above, width + 2 * left))
    return enlarged[:, above : above + height, left : left + width] if any(wraps) else enlarged
