"""The pooled terms of a picture that is divided: their values, from sums over the whole of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfstyle.gradients import gradient
from tfstyle.losses import FeatureTerm, LocalTerm, Metrics, PooledTerm
from tfstyle.networks.topology import block_of
from tfstyle.objective import Targets
from tfstyle.tensorflow_backend import tf
from tfstyle.tiled.segment import ByTerm

Values = dict[str, dict[str, float]]
"""{name of a term: {layer: value before weighting}}."""


class Distances:
    """The distances of the pooled terms among `terms`, for a picture of `size` (height, width)."""

    def __init__(self, terms: Mapping[str, FeatureTerm], metrics: Metrics, size: tuple[int, int]) -> None:
        self._terms, self._metrics, self._size = terms, metrics, size
        self._evaluate = tf.function(self._trace, autograph=False)

    def __call__(self, sums: ByTerm, targets: Targets, factors: ByTerm) -> tuple[Values, ByTerm]:
        """The values of the terms and layers that `sums` has, and the derivatives of their weighted sum by the sums.

        `factors` {name: {layer: weight}} are scalar tensors.
        """
        own = {name: {layer: targets[name][layer] for layer in by_layer} for name, by_layer in sums.items()}
        found, by_sums = self._evaluate(sums, own, factors)
        return numbers(found), by_sums

    def _trace(self, sums: ByTerm, targets: ByTerm, factors: ByTerm) -> Any:
        values: ByTerm = {}
        for name, by_layer in sums.items():
            term = self._terms[name]
            assert isinstance(term, PooledTerm)
            values[name] = {
                layer: term.value(total, positions(layer, self._size), targets[name][layer], self._metrics[layer])
                for layer, total in by_layer.items()
            }
        return values, gradient(weighted(values, factors), sums)


def positions(layer: str, size: tuple[int, int]) -> int:
    """Height times width of the features of a layer, for a picture of `size` (height, width)."""
    height, width = (side >> (block_of(layer) - 1) for side in size)
    return height * width


def local_divisors(terms: Mapping[str, FeatureTerm], metrics: Metrics, size: tuple[int, int]) -> Values:
    """{name: {layer: divisor}} of the sums of the local terms among `terms`, for a picture of `size`."""
    return {
        name: {layer: term.divisor(positions(layer, size), metrics[layer]) for layer in term.layers}
        for name, term in terms.items()
        if isinstance(term, LocalTerm)
    }


def quotients(numbers: Mapping[str, Mapping[str, float]], divisors: Values) -> Values:
    """Those of `numbers` {name: {layer: number}} that have a divisor, divided by it."""
    return {
        name: {layer: number / divisors[name][layer] for layer, number in by_layer.items()}
        for name, by_layer in numbers.items()
        if name in divisors
    }


def factor_tensors(weights: Mapping[str, Mapping[str, float]]) -> ByTerm:
    """`weights` {name: {layer: weight}} as scalar tensors."""
    return {
        name: {layer: tf.constant(weight, tf.float32) for layer, weight in by_layer.items()}
        for name, by_layer in weights.items()
    }


def weighted(values: ByTerm, factors: ByTerm) -> tf.Tensor:
    """The weighted sum of `values` {name: {layer: value}}."""
    scaled = [factors[name][layer] * value for name, by_layer in values.items() for layer, value in by_layer.items()]
    return tf.add_n(scaled) if scaled else tf.zeros([])


def numbers(values: ByTerm) -> Values:
    """`values`, scalar tensors, as numbers."""
    return {name: {layer: float(value) for layer, value in by_layer.items()} for name, by_layer in values.items()}


def merge(values: Values, more: Values) -> None:
    """Add the layers of `more` to `values` in place."""
    for name, by_layer in more.items():
        values.setdefault(name, {}).update(by_layer)
