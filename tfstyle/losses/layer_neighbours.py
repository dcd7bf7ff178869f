"""The neighbours loss layer by layer, which sharpens a picture made by the neighbours loss of hypercolumns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from tfstyle.losses.hypercolumns import measured
from tfstyle.losses.matching import VIEWS, Columns, cost, directions, places, weighted_targets
from tfstyle.losses.open_size import positions
from tfstyle.losses.squares import squared_sum
from tfstyle.losses.term import FLOAT_BYTES, Features, Map, MatchedTerm, MatchingCost, Metrics, View
from tfstyle.masks import BlockWeights
from tfstyle.networks.topology import block_of, positions_of
from tfstyle.tensorflow_backend import tf

FLOOR = 1e-4
"""Added to squared lengths, times the number of channels; features have a mean of 1. Without it the gradient is endless
in a layer with a single position, where centring leaves nothing."""
MOST_COLUMNS = 8192
"""The most places of one view from which a layer's targets are chosen; of more, so many are drawn. With twice as
many, choosing takes nearly twice as long; with half as many, rims have specks of colour on some pairs."""


@dataclass(frozen=True)
class LayerNeighboursLoss(MatchedTerm):
    """mean(|d - t|^2) over positions of the directions d of each layer's centred features, summed over the layers.

    The targets t are directions of the painting: the nearest to those of the picture at the start of the stage, for
    each layer by itself and at its own resolution. The value is twice the centred cosine distance, 2 (1 - cos)
    (Kolkin et al. 2022, section "feature splitting"). With several styles t is the average of their targets.

    Deviations from the source: targets, and the mean by which the picture's features are centred, stay for a stage,
    where the source takes them anew at each step; all positions of the picture count, where the source draws some.

    The target of a layer holds that mean [c], and t [1, h, w, c].
    """

    layers: tuple[str, ...]
    name: ClassVar[str] = "neighbours"

    def query(self, content: Map, start: Map, held: Map | None) -> Map:
        """As in `MatchedTerm`: the picture itself."""
        return start

    def columns(self, views: Iterable[View], metrics: Metrics) -> dict[str, Columns]:
        """As in `MatchedTerm`: {layer: its columns}."""
        rows: dict[str, list[tf.Tensor]] = {layer: [] for layer in self.layers}
        for view in views:
            for layer in self.layers:
                rows[layer].append(_rows_of(view, layer, metrics))
            dtypes = {layer: view[0][layer].dtype for layer in self.layers}
        return {layer: Columns.of(tf.concat(parts, 0), dtypes[layer]) for layer, parts in rows.items()}

    def match(
        self, query: Features, columns: Mapping[str, Columns], metrics: Metrics
    ) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
        """As in `MatchedTerm`."""
        targets = {}
        for layer, among in columns.items():
            values = measured(query[layer], metrics[layer])
            rows = tf.reshape(values, [-1, values.shape[-1]])
            chosen = directions(tf.gather(among.rows, among.nearest(rows)) - among.centre)
            targets[layer] = tf.reduce_mean(rows, 0), tf.reshape(chosen, values.shape)
        return targets

    def in_regions(
        self, found: Sequence[tuple[BlockWeights, Mapping[str, tuple[tf.Tensor, tf.Tensor]]]]
    ) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
        """As in `MatchedTerm`; the mean is that of the whole picture."""
        return {
            layer: (
                found[0][1][layer][0],
                weighted_targets([(weights, targets[layer][1]) for weights, targets in found], block_of(layer)),
            )
            for layer in self.layers
        }

    def matching_cost(self, channels: Mapping[str, int], pixels: int, style_pixels: int) -> MatchingCost:
        """As in `MatchedTerm`."""
        costs = [
            cost(count, positions_of(layer, pixels), VIEWS * min(MOST_COLUMNS, positions_of(layer, style_pixels)))
            for layer, count in channels.items()
        ]
        return MatchingCost(*map(sum, zip(*costs, strict=True)))

    def by_layer(
        self, features: Features, targets: Mapping[str, tuple[tf.Tensor, tf.Tensor]], metrics: Metrics
    ) -> dict[str, tf.Tensor]:
        """As in `FeatureTerm`."""
        values = {}
        for layer, (mean, target) in targets.items():
            centred = measured(features[layer], metrics[layer]) - mean
            difference = directions(centred, FLOOR * metrics[layer].channels) - target
            values[layer] = squared_sum(difference) / positions(difference)
        return values

    def target_bytes(self, layer: str, channels: int, pixels: int) -> int:
        return FLOAT_BYTES * channels * (positions_of(layer, pixels) + 1)


def _rows_of(view: View, layer: str, metrics: Metrics) -> tf.Tensor:
    """The features [n, c] of a layer of a view of the painting that may be chosen."""
    features, weights = view
    _, height, width, channels = features[layer].shape
    rows = tf.reshape(features[layer], [-1, channels])
    return measured(tf.gather(rows, places((height, width), weights, layer, MOST_COLUMNS)), metrics[layer])
