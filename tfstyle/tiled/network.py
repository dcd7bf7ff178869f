"""A network over a picture that does not fit into memory, divided at its poolings into segments.

Maps between two segments are stored whole. All other features exist for only one window of one segment at a time:

1. Forward: each window computes its part of the next map and adds its part to the sums of the pooled terms.
2. With the sums of the whole picture, the derivatives of the pooled terms with respect to the sums are computed.
3. Backward, from the deepest segment: each window is computed again and propagates the gradient of the next map, of its
   local terms, and of the sums (for Gram matrices 2 F dL/dG: Gatys et al. 2016, equation 6).

The deepest blocks, whose maps are small, are computed whole and need no second pass. Nothing is approximated: windows
overlap by the width of the wrong values at their edges (`tfstyle.tiled.windows`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfstyle.borders import ZERO_BORDERS, Borders
from tfstyle.feature_loss import feature_layers
from tfstyle.gradients import gradient
from tfstyle.losses import FeatureTerm, LocalTerm, PooledTerm
from tfstyle.losses.term import weights_of
from tfstyle.masks import BlockWeights, layer_weights
from tfstyle.networks.extractor import segment as network_segment
from tfstyle.networks.network import Network
from tfstyle.networks.topology import block_of
from tfstyle.objective import Targets, Terms
from tfstyle.tensorflow_backend import tf
from tfstyle.tiled import segment as segments
from tfstyle.tiled.distances import (
    Distances,
    Values,
    factor_tensors,
    local_divisors,
    merge,
    numbers,
    positions,
    quotients,
    weighted,
)
from tfstyle.tiled.segment import ByTerm, Map, Segment, layers_inside


class TiledNetwork:
    """A network over pictures of `size` (height, width) whose blocks before `whole_from` are tiled.

    `whole_from` is the first block that is computed whole: one that follows a segment of `CUTS`. `terms` are feature
    terms. `borders` lie around the pictures.
    """

    def __init__(
        self,
        network: Network,
        size: tuple[int, int],
        whole_from: int,
        terms: Terms,
        pooling: str,
        precision: str,
        borders: Borders = ZERO_BORDERS,
    ) -> None:
        self._network, self._size = network, size
        self._terms: dict[str, FeatureTerm] = {n: term for n, term in terms.items() if isinstance(term, FeatureTerm)}
        self.segments: list[Segment] = []
        for cut in segments.CUTS:
            if cut.last < whole_from:
                self.segments.append(Segment(network, cut, size, self._terms, pooling, precision, borders))
                size = self.segments[-1].next_size
        self.tail_layers = layers_inside(self._terms, range(whole_from, 6))
        layers = [layer for layer in feature_layers(self._terms) if block_of(layer) >= whole_from]
        deepest = max(map(block_of, feature_layers(self._terms)))
        self.tail = network_segment(network, whole_from, deepest, layers, pooling, precision, borders)
        self._whole = tf.function(self._trace_whole, autograph=False)
        self._tail = tf.function(self._trace_tail, autograph=False)
        self._distances = Distances(self._terms, network.metrics, self._size)

    def content_targets(self, image: Map) -> Targets:
        """As in `tfstyle.objective.Objective`."""
        maps: dict[str, Any] = {}
        for segment in self.segments:
            image, _ = segment.forward(image, maps=maps)
        whole = self._whole(image)
        local = {name: term for name, term in self._terms.items() if isinstance(term, LocalTerm)}
        for layers in (self.tail_layers[name] for name in local):
            maps |= {layer: whole[layer].numpy() for layer in layers}
        return {name: {layer: maps[layer] for layer in term.layers} for name, term in local.items()}

    def style_statistics(self, image: Map, weights: Map | None) -> Targets:
        """As in `tfstyle.objective.Objective`."""
        blocks = None if weights is None else BlockWeights(weights)
        sums: dict[tuple[str, str], Any] = {}
        counts: dict[str, float] = {}
        for segment in self.segments:
            image, by_term = segment.forward(image, blocks)
            for name, by_layer in by_term.items():
                for layer, total in by_layer.items():
                    sums[name, layer] = total
                    counts[layer] = (
                        positions(layer, self._size)
                        if blocks is None
                        else float(blocks.of(block_of(layer)).sum(dtype=np.float64))
                    )
        whole = self._whole(image)
        targets: dict[str, dict[str, Any]] = {}
        for name, term in self._terms.items():
            if not isinstance(term, PooledTerm):
                continue
            for layer in self.tail_layers[name]:
                here, counts[layer] = layer_weights(blocks, layer, whole[layer].shape[1:3])
                sums[name, layer] = term.sums(whole[layer], here)
            targets[name] = {
                layer: term.statistics(sums[name, layer], counts[layer], self._network.metrics[layer])
                for layer in term.layers
            }
        return targets

    def losses(self, image: Map, targets: Targets, weights: Mapping[str, Mapping[str, float]]) -> tuple[Values, Map]:
        """As in `tfstyle.tiled.objective.FeatureNetwork`."""
        maps = [image]
        sums: ByTerm = {}
        regions = self._regions(targets)
        for segment in self.segments:
            above, by_term = segment.forward(maps[-1], regions=regions)
            maps.append(above)
            for name, by_layer in by_term.items():
                sums.setdefault(name, {}).update(by_layer)
        factors = factor_tensors(weights)
        tail_targets = {name: {layer: targets[name][layer] for layer in own} for name, own in self.tail_layers.items()}
        found, tail_gradient = self._tail(maps.pop(), tail_targets, factors)
        values = numbers(found)
        above = np.asarray(tail_gradient)  # a view of TensorFlow's memory; numpy() would copy
        found, by_sums = self._distances(sums, targets, factors)
        merge(values, found)
        divisors = local_divisors(self._terms, self._network.metrics, self._size)
        of_sums = factor_tensors(quotients(weights, divisors))
        for segment in reversed(self.segments):
            above, local = segment.backward(maps.pop(), above, by_sums, targets, of_sums, regions)
            merge(values, quotients(local, divisors))
        return {name: {layer: values[name][layer] for layer in t.layers} for name, t in self._terms.items()}, above

    def _regions(self, targets: Targets) -> dict[str, Map]:
        """{layer: weights [1, h, w, regions]} of the pooled terms' layers; empty without regions."""
        found = {}
        for name, term in self._terms.items():
            if isinstance(term, PooledTerm):
                for layer in term.layers:
                    if (weights := weights_of(targets[name][layer])) is not None:
                        found[layer] = np.asarray(weights)
        return found

    def _trace_whole(self, below: tf.Tensor) -> dict[str, tf.Tensor]:
        return {layer: tf.cast(features, tf.float32) for layer, features in self.tail(below).items()}

    def _trace_tail(self, below: tf.Tensor, targets: ByTerm, factors: ByTerm) -> Any:
        features = self.tail(below)
        values = {
            name: term.by_layer(features, targets[name], self._network.metrics) for name, term in self._terms.items()
        }
        return values, gradient(weighted(values, factors), below)
