"""One segment of a network on a map, computed window by window, forward and backward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfstyle.borders import CIRCULAR, Borders
from tfstyle.feature_loss import feature_layers
from tfstyle.gradients import gradient
from tfstyle.losses import FeatureTerm, LocalTerm, PooledTerm
from tfstyle.masks import BlockWeights
from tfstyle.networks.extractor import POOLED, segment
from tfstyle.networks.network import Network
from tfstyle.networks.topology import block_of
from tfstyle.objective import Terms
from tfstyle.tensorflow_backend import tf
from tfstyle.tiled.windows import Window, margin, poolings_stride, read, windows

Map = NDArray[np.float32]
ByTerm = dict[str, dict[str, Any]]
"""{name of a term: {layer: value}}."""


@dataclass(frozen=True)
class Cut:
    """A segment: blocks `first` to `last`. Its windows own up to `tile` pixels per side of the segment's input."""

    first: int
    last: int
    tile: int


CUTS = (Cut(1, 2, 512), Cut(3, 3, 192), Cut(4, 4, 128))
"""Blocks that may be tiled, from the picture down. Blocks 1 and 2 form one segment because the map between them would
be the largest of all. The map below block 4 has a 256th of the picture's positions and is always computed whole."""


class Segment:
    """The segment `cut` of a network on a map of `size` (height, width), as functions that are traced once a shape.

    `terms` are feature terms; only their layers inside the cut are used. `borders` lie around the map.
    """

    def __init__(
        self,
        network: Network,
        cut: Cut,
        size: tuple[int, int],
        terms: Terms,
        pooling: str,
        precision: str,
        borders: Borders,
    ) -> None:
        self.cut, self.size = cut, size
        self._network = network
        self._terms = terms
        blocks = range(cut.first, cut.last + 1)
        layers = layers_inside(terms, blocks)
        self._pooled = {name: layers[name] for name, term in terms.items() if isinstance(term, PooledTerm)}
        self._local = {name: layers[name] for name, term in terms.items() if isinstance(term, LocalTerm)}
        inside = [layer for layer in feature_layers(terms) if block_of(layer) in blocks]
        self._model = segment(network, cut.first, cut.last, inside, pooling, precision, borders, pooled=True)
        self._tiles = tiles(network, cut, size, borders)
        self.next_channels = network.channels_into(cut.last + 1)
        self._forward = tf.function(self._trace_forward, autograph=False)
        self._backward = tf.function(self._trace_backward, autograph=False)

    @property
    def next_size(self) -> tuple[int, int]:
        """(height, width) of the map that the next segment reads."""
        poolings = self.cut.last - self.cut.first + 1
        return self.size[0] >> poolings, self.size[1] >> poolings

    def forward(
        self,
        below: Map,
        weights: BlockWeights | None = None,
        maps: dict[str, Map] | None = None,
        regions: Mapping[str, Map] | None = None,
    ) -> tuple[Map, ByTerm]:
        """The next map, and the sums of the pooled terms over the whole map `below`.

        `weights` are the weights of positions, `regions` {layer: [1, h, w, regions]} those of regions. If `maps` is
        given, the features of local terms {layer: [1, h, w, c]} are written to it.
        """
        above = np.empty((1, *self.next_size, self.next_channels), np.float32)
        sums: ByTerm = {}
        for rows, columns in self._tiles:
            parts = {} if weights is None else self._weight_parts(weights, rows, columns)
            pooled, own, features = self._forward(
                read(below, rows, columns),
                rows.mask,
                columns.mask,
                parts,
                self._region_parts(regions or {}, rows, columns),
            )
            self._paste(above, pooled, rows, columns, self.cut.last + 1)
            sums = tf.nest.map_structure(tf.add, sums, own) if sums else own
            if maps is None:
                continue
            for layer, value in features.items():
                if layer not in maps:
                    poolings = block_of(layer) - self.cut.first
                    sides = (side >> poolings for side in self.size)
                    maps[layer] = np.empty((1, *sides, value.shape[-1]), np.float32)
                self._paste(maps[layer], value, rows, columns, block_of(layer))
        return above, sums

    def backward(
        self,
        below: Map,
        above: Map,
        by_sums: ByTerm,
        targets: Mapping[str, Mapping[str, Map]],
        weights: ByTerm,
        regions: Mapping[str, Map],
        owned: Mapping[str, Map] | None = None,
    ) -> tuple[Map, dict[str, dict[str, float]]]:
        """The gradient of the total with respect to the map `below`, and the sums of local terms in this segment.

        `above` is the gradient with respect to the next map, `by_sums` that with respect to the sums of pooled terms.
        `targets` are those of local terms, and `weights` {name: {layer: weight}} what their sums are multiplied by.
        `regions` are as in `forward`. `owned` {layer: [1, h, w, 1]} are the weights of positions in the sums of local
        terms; None: 1.
        """
        gradient = np.empty_like(below)
        totals = {name: dict.fromkeys(layers, 0.0) for name, layers in self._local.items()}
        for rows, columns in self._tiles:
            target_parts = {
                name: {layer: self._part(targets[name][layer], rows, columns, block_of(layer)) for layer in layers}
                for name, layers in self._local.items()
            }
            own_totals, own = self._backward(
                read(below, rows, columns),
                rows.mask,
                columns.mask,
                self._part(above, rows, columns, self.cut.last + 1),
                {name: by_sums[name] for name in self._pooled},
                target_parts,
                {name: {layer: weights[name][layer] for layer in layers} for name, layers in self._local.items()},
                self._region_parts(regions, rows, columns),
                {} if owned is None else self._owned_parts(owned, rows, columns),
            )
            self._paste(gradient, own, rows, columns, self.cut.first)
            for name, layers in self._local.items():
                for layer in layers:
                    totals[name][layer] += float(own_totals[name][layer])
        return gradient, totals

    def _weight_parts(self, weights: BlockWeights, rows: Window, columns: Window) -> dict[str, Map]:
        parts = {}
        for block in range(self.cut.first, self.cut.last + 1):
            here, across = (side.halved(block - self.cut.first) for side in (rows, columns))
            parts[str(block)] = read(weights.of(block)[None], here, across)[0]
        return parts

    def _region_parts(self, regions: Mapping[str, Map], rows: Window, columns: Window) -> dict[str, Map]:
        layers = dict.fromkeys(layer for layers in self._pooled.values() for layer in layers)
        return {
            layer: self._part(regions[layer], rows, columns, block_of(layer)) for layer in layers if layer in regions
        }

    def _owned_parts(self, owned: Mapping[str, Map], rows: Window, columns: Window) -> dict[str, Map]:
        layers = dict.fromkeys(layer for layers in self._local.values() for layer in layers)
        return {layer: self._part(owned[layer], rows, columns, block_of(layer)) for layer in layers}

    def _part(self, whole: Map, rows: Window, columns: Window, block: int) -> Map:
        rows, columns = (side.halved(block - self.cut.first) for side in (rows, columns))
        return read(whole, rows, columns)

    def _paste(self, whole: Map, part: tf.Tensor, rows: Window, columns: Window, block: int) -> None:
        rows, columns = (side.halved(block - self.cut.first) for side in (rows, columns))
        whole[:, rows.owned, columns.owned] = np.asarray(part)[:, rows.owned_inside, columns.owned_inside]

    def _mask(self, rows: tf.Tensor, columns: tf.Tensor, layer: str) -> tf.Tensor:
        step = 2 ** (block_of(layer) - self.cut.first)
        rows, columns = (side[: side.shape[0] // step * step : step] for side in (rows, columns))
        return rows[None, :, None, None] * columns[None, None, :, None]

    def _trace_forward(
        self,
        below: tf.Tensor,
        rows: tf.Tensor,
        columns: tf.Tensor,
        weights: Mapping[str, tf.Tensor],
        regions: Mapping[str, tf.Tensor],
    ) -> Any:
        features = self._model(below)

        def counted(layer: str) -> tf.Tensor:
            own = self._mask(rows, columns, layer)
            return own * weights[str(block_of(layer))][None, :, :, None] if weights else own

        sums: ByTerm = {}
        for name, layers in self._pooled.items():
            term, sums[name] = self._terms[name], {}
            assert isinstance(term, PooledTerm)
            for layer in layers:
                own = counted(layer)
                sums[name][layer] = (
                    term.all_sums(features[layer], own * regions[layer])
                    if layer in regions
                    else term.sums(features[layer], own)
                )
        local = {layer: tf.cast(features[layer], tf.float32) for layers in self._local.values() for layer in layers}
        return tf.cast(features[POOLED], tf.float32), sums, local

    def _trace_backward(
        self,
        below: tf.Tensor,
        rows: tf.Tensor,
        columns: tf.Tensor,
        above: tf.Tensor,
        by_sums: Mapping[str, Mapping[str, Any]],
        targets: Mapping[str, Mapping[str, tf.Tensor]],
        weights: Mapping[str, Mapping[str, tf.Tensor]],
        regions: Mapping[str, tf.Tensor],
        owned: Mapping[str, tf.Tensor],
    ) -> Any:
        metrics = self._network.metrics
        totals: ByTerm = {}
        features = self._model(below)
        # This total is linear in the incoming gradients, so its derivative is the one given by the chain rule.
        total = tf.reduce_sum(tf.cast(features[POOLED], tf.float32) * above)
        for name, layers in self._pooled.items():
            term = self._terms[name]
            assert isinstance(term, PooledTerm)
            for layer in layers:
                total += term.pullback(features[layer], by_sums[name][layer], regions.get(layer))
        for name, layers in self._local.items():
            local = self._terms[name]
            assert isinstance(local, LocalTerm)
            totals[name] = {}
            for layer in layers:
                target, own, counted = targets[name][layer], self._mask(rows, columns, layer), owned.get(layer)
                own = own if counted is None else own * counted
                totals[name][layer] = local.total(features[layer], target, own, metrics[layer])
                # Over the whole window, not only the owned part: the gradient depends on neighbours too.
                total += weights[name][layer] * local.total(features[layer], target, counted, metrics[layer])
        return totals, gradient(total, below)


def layers_inside(terms: Terms, blocks: range) -> dict[str, list[str]]:
    """{name: its layers in `blocks`} of the feature terms among `terms`."""
    return {
        name: [layer for layer in term.layers if block_of(layer) in blocks]
        for name, term in terms.items()
        if isinstance(term, FeatureTerm)
    }


def tiles(network: Network, cut: Cut, size: tuple[int, int], borders: Borders) -> list[tuple[Window, Window]]:
    """The windows of a segment over a map of `size` (height, width): rows and columns of each."""
    blocks = range(cut.first, cut.last + 1)
    convolutions = [sum(block_of(name) == block for name in network.layers) for block in blocks]
    stride = poolings_stride(len(convolutions), pooled=True)
    edge = margin(convolutions, pooled=True)
    down, across = (
        windows(length, cut.tile, edge, stride, wraps=border == CIRCULAR)
        for length, border in zip(size, borders, strict=True)
    )
    return list(product(down, across))
