"""A network over one area of a picture: the sums of what the area owns, and their gradient by the area's window."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tfstyle.borders import Borders
from tfstyle.gradients import gradient
from tfstyle.losses import LocalTerm, PooledTerm
from tfstyle.networks.network import Network
from tfstyle.objective import Targets, Terms
from tfstyle.tensorflow_backend import tf
from tfstyle.tiled.distances import Values, factor_tensors, merge, numbers
from tfstyle.tiled.network import TiledNetwork
from tfstyle.tiled.segment import ByTerm, Map

Weights = Mapping[str, Map]
"""{layer: weights [1, h, w, n] of its positions in n sums}."""


class AreaNetwork:
    """The network over windows of `size` (height, width), as functions that are traced once.

    `whole_from`, `terms` and `borders` are as in `TiledNetwork`.
    """

    def __init__(
        self,
        network: Network,
        size: tuple[int, int],
        whole_from: int,
        terms: Terms,
        pooling: str,
        precision: str,
        borders: Borders,
    ) -> None:
        self._tiled = TiledNetwork(network, size, whole_from, terms, pooling, precision, borders)
        self._metrics = network.metrics
        self._pooled = {name: term for name, term in terms.items() if isinstance(term, PooledTerm)}
        self._local = {name: term for name, term in terms.items() if isinstance(term, LocalTerm)}
        self._forward_tail = tf.function(self._trace_forward, autograph=False)
        self._backward_tail = tf.function(self._trace_backward, autograph=False)

    def content_targets(self, image: Map) -> Targets:
        """The targets of local terms in the window `image` [1, h, w, 3]."""
        return self._tiled.content_targets(image)

    def forward(self, image: Map, counts: Weights) -> tuple[list[Map], ByTerm]:
        """The maps between segments, which `backward` needs, and the sums of the pooled terms, weighted by `counts`.

        There is a sum for each of the weights of a position, in a tuple, as in `PooledTerm.all_sums`.
        """
        maps = [image]
        sums: ByTerm = {}
        for segment in self._tiled.segments:
            above, by_term = segment.forward(maps[-1], regions=counts)
            maps.append(above)
            for name, by_layer in by_term.items():
                sums.setdefault(name, {}).update(by_layer)
        for name, by_layer in self._forward_tail(maps[-1], self._tail_weights(counts, self._pooled)).items():
            sums.setdefault(name, {}).update(by_layer)
        return maps, sums

    def backward(
        self,
        maps: list[Map],
        by_sums: ByTerm,
        targets: Targets,
        weights: Mapping[str, Mapping[str, float]],
        counts: Weights,
        owned: Weights,
    ) -> tuple[Map, Values]:
        """The gradient by the window [1, h, w, 3], and the sums of the local terms over the owned positions.

        `maps` are those of `forward` with the same `counts`; they are used up. `by_sums` are the derivatives of the
        total by the sums of the whole picture. `targets` are those of the local terms in the window, `weights`
        {name: {layer: weight}} what their sums are multiplied by, and `owned` the weights [1, h, w, 1] in them.
        """
        factors = factor_tensors(weights)
        found, by_tail = self._backward_tail(
            maps.pop(),
            {
                name: {layer: by_sums[name][layer] for layer in layers}
                for name, layers in self._tail(self._pooled).items()
            },
            {
                name: {layer: targets[name][layer] for layer in layers}
                for name, layers in self._tail(self._local).items()
            },
            factors,
            self._tail_weights(counts, self._pooled),
            self._tail_weights(owned, self._local),
        )
        totals = numbers(found)
        above = np.asarray(by_tail)
        for segment in reversed(self._tiled.segments):
            above, local = segment.backward(maps.pop(), above, by_sums, targets, factors, counts, owned)
            merge(totals, local)
        return above, totals

    def _tail(self, terms: Iterable[str]) -> dict[str, list[str]]:
        """{name: its layers in the part that is computed whole} of some terms."""
        return {name: self._tiled.tail_layers[name] for name in terms}

    def _tail_weights(self, weights: Weights, terms: Iterable[str]) -> dict[str, Map]:
        return {layer: weights[layer] for layers in self._tail(terms).values() for layer in layers}

    def _trace_forward(self, below: tf.Tensor, counts: Mapping[str, tf.Tensor]) -> ByTerm:
        features = self._tiled.tail(below)
        sums: ByTerm = {}
        for name, layers in self._tail(self._pooled).items():
            term = self._pooled[name]
            sums[name] = {layer: term.all_sums(features[layer], counts[layer]) for layer in layers}
        return sums

    def _trace_backward(
        self,
        below: tf.Tensor,
        by_sums: Mapping[str, Mapping[str, Any]],
        targets: Mapping[str, Mapping[str, tf.Tensor]],
        factors: ByTerm,
        counts: Mapping[str, tf.Tensor],
        owned: Mapping[str, tf.Tensor],
    ) -> Any:
        features = self._tiled.tail(below)
        total = tf.zeros([])
        for name, layers in self._tail(self._pooled).items():
            for layer in layers:
                total += self._pooled[name].pullback(features[layer], by_sums[name][layer], counts[layer])
        totals: ByTerm = {}
        for name, layers in self._tail(self._local).items():
            totals[name] = {}
            for layer in layers:
                own = self._local[name].total(features[layer], targets[name][layer], owned[layer], self._metrics[layer])
                totals[name][layer] = own
                total += factors[name][layer] * own
        return totals, gradient(total, below)
