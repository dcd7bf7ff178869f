"""The neighbours loss layer by layer, which sharpens a picture made by the neighbours loss of hypercolumns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from tfstyle.losses.hypercolumns import measured
from tfstyle.losses.matching import VIEWS, directions, matching, nearest, visible
from tfstyle.losses.term import FLOAT_BYTES, Features, Map, MatchedTerm, Matching, Metrics, View
from tfstyle.networks.topology import block_of, positions_of
from tfstyle.tensorflow_backend import tf

MOST_COLUMNS = 4096
"""Features of a view of the painting that are compared, taken at equal distances."""


@dataclass(frozen=True)
class LayerNeighboursLoss(MatchedTerm):
    """mean(|d - t|^2) over positions of the directions d of each layer's centred features, summed over the layers.

    The directions of the painting nearest to those of the picture itself at the start of the stage are the targets t,
    for each layer by itself and at its own resolution. That is twice the centred cosine distance, 2 (1 - cos) (Kolkin
    et al. 2022, section "feature splitting"). Deviations from the source: targets stay for a stage, where the source
    chooses anew at each step; all positions of the picture count at each step, where the source draws a sample.

    The target of a layer holds the mean [c] of the picture's features, and t [1, h, w, c].
    """

    layers: tuple[str, ...]
    name: ClassVar[str] = "neighbours"

    def query(self, content: Map, start: Map) -> Map:
        """As in `MatchedTerm`: the picture itself."""
        return start

    def match(self, query: Features, views: Iterable[View], metrics: Metrics) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
        """As in `MatchedTerm`."""
        painted = [{layer: _columns(view, layer, metrics) for layer in self.layers} for view in views]
        targets = {}
        for layer in self.layers:
            sought = measured(query[layer], metrics[layer])
            rows = tf.reshape(sought, [-1, sought.shape[-1]])
            columns = tf.concat([columns[layer] for columns in painted], 0)
            found = nearest(rows, columns, query[layer].dtype)
            chosen = directions(tf.gather(columns - tf.reduce_mean(columns, 0), found))
            targets[layer] = tf.reduce_mean(rows, 0), tf.reshape(chosen, sought.shape)
        return targets

    def matching(self, channels: Mapping[str, int], pixels: int, style_pixels: int) -> Matching:
        """As in `MatchedTerm`."""
        each = [
            matching(count, positions_of(layer, pixels), VIEWS * min(MOST_COLUMNS, positions_of(layer, style_pixels)))
            for layer, count in channels.items()
        ]
        return Matching(sum(one.work for one in each), sum(one.memory for one in each))

    def by_layer(
        self, features: Features, targets: Mapping[str, tuple[tf.Tensor, tf.Tensor]], metrics: Metrics
    ) -> dict[str, tf.Tensor]:
        """As in `FeatureTerm`."""
        values = {}
        for layer, (mean, target) in targets.items():
            pointing = directions(measured(features[layer], metrics[layer]) - mean)
            values[layer] = tf.reduce_mean(tf.reduce_sum((pointing - target) ** 2, -1))
        return values

    def target_bytes(self, layer: str, channels: int, pixels: int) -> int:
        return FLOAT_BYTES * channels * (positions_of(layer, pixels) + 1)


def _columns(view: View, layer: str, metrics: Metrics) -> tf.Tensor:
    """A layer's features [n, c] in a view of the painting, where it has weight."""
    features, weights = view
    _, height, width, _ = features[layer].shape
    step = math.ceil(math.sqrt(height * width / MOST_COLUMNS))
    rows = measured(features[layer][0, ::step, ::step], metrics[layer])
    columns = tf.reshape(rows, [-1, rows.shape[-1]])
    if weights is None:
        return columns
    return tf.boolean_mask(columns, visible(weights.of(block_of(layer))[::step, ::step]))
