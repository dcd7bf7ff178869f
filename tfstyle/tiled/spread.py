"""A network over a picture whose areas are computed by a crew of several parties.

As in `tfstyle.tiled.network`, but with areas in place of windows, and one exchange in place of one a segment:

1. Forward: each party computes the sums of the pooled terms over what its area owns. They are added up, in one order.
2. Here the derivatives of the pooled terms by the sums of the whole picture are computed.
3. Backward: each party computes the gradient that follows for its window. Gradients are added up, in one order.

Each evaluation moves the picture in windows, the sums, their derivatives and the gradient in windows, nothing else. The
parties keep the targets of local terms, which are as large as features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np

from tfstyle.borders import ZERO_BORDERS, Borders, borders_of
from tfstyle.losses import FeatureTerm, LocalTerm, MatchedTerm, PooledTerm
from tfstyle.losses.term import PlacedTarget, RegionTargets
from tfstyle.masks import BlockWeights
from tfstyle.networks.network import Network
from tfstyle.networks.topology import block_of
from tfstyle.objective import Targets, Terms
from tfstyle.pyramid import Pyramid
from tfstyle.tensorflow_backend import tf
from tfstyle.tiled import segment
from tfstyle.tiled.areas import divide, seen
from tfstyle.tiled.crew import Crew, Errand
from tfstyle.tiled.distances import Distances, Values, factor_tensors, local_divisors, merge, positions, quotients
from tfstyle.tiled.segment import ByTerm, Map
from tfstyle.tiled.tasks import Backward, Computation, Deviate, Divide, Forward, Key, Measure, Open, Task

_stages = count()


class SpreadNetwork:
    """Computes the same as `tfstyle.tiled.network.TiledNetwork`, on the parties of `crew`.

    `whole_from` says how each party tiles its windows.
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
        *,
        crew: Crew,
    ) -> None:
        self._network, self._size, self._crew = network, size, crew
        self._terms: dict[str, FeatureTerm] = {n: term for n, term in terms.items() if isinstance(term, FeatureTerm)}
        self._computation = Computation(network.digest, whole_from, tuple(self._terms.items()), pooling, precision)
        self.areas = divide(size, crew.size, *seen(network, self._terms), borders)
        self._keys = [Key(next(_stages), index) for index in range(len(self.areas))]
        self._opened: list[tuple[Task, ...]] = []
        """What the parties keep of each area during the stage."""
        self._divided: Targets | None = None
        """The targets whose regions are among it."""
        self._distances = Distances(self._terms, network.metrics, size)

    def content_targets(self, image: Map) -> Targets:
        """The targets of the local terms, which stay with the parties, for the content picture `image` [1, H, W, 3]."""
        self._crew.gather()
        local = {name: term for name, term in self._terms.items() if isinstance(term, LocalTerm)}
        stage = next(_stages)
        self._keys = [Key(stage, index) for index in range(len(self.areas))]
        self._divided = None
        self._opened = [
            (Open(key, self._computation, area, area.read(image) if local else None),)
            for key, area in zip(self._keys, self.areas, strict=True)
        ]
        sums = self._ask([task for (task,) in self._opened], [()] * len(self.areas), self._opened)
        if not local:
            return {}
        means = {
            name: {
                layer: (total / positions(layer, self._size)).astype(np.float32) for layer, total in by_layer.items()
            }
            for name, by_layer in _added(sums).items()
        }
        around = _added(self._ask([Deviate(key, means) for key in self._keys], self._opened, self._opened))
        variances = quotients(around, local_divisors(local, self._network.metrics, self._size))
        return {
            name: {layer: PlacedTarget(variance) for layer, variance in by_layer.items()}
            for name, by_layer in variances.items()
        }

    def style_statistics(self, image: Map, weights: Map | None) -> Targets:
        """As in `tfstyle.objective.Objective`."""
        self._crew.gather()
        blocks = None if weights is None else BlockWeights(weights)
        pooled = {name: term for name, term in self._terms.items() if isinstance(term, PooledTerm)}
        of_layers = dict.fromkeys(block_of(layer) for term in pooled.values() for layer in term.layers)
        maps = {block: blocks.of(block)[None, :, :, None] for block in of_layers} if blocks else {}
        tasks = [
            Measure(
                self._computation,
                area,
                area.read(image),
                {block: area.read(each, block) for block, each in maps.items()} or None,
            )
            for area in self.areas
        ]
        sums = _as_tensors(_added(self._crew.ask(self._network, [Errand(None, task) for task in tasks])))

        def whole(layer: str) -> float:
            if blocks is None:
                return positions(layer, self._size)
            return float(blocks.of(block_of(layer)).sum(dtype=np.float64))

        return {
            name: {
                layer: term.statistics(sums[name][layer][0], whole(layer), self._network.metrics[layer])
                for layer in term.layers
            }
            for name, term in pooled.items()
        }

    def losses(self, image: Map, targets: Targets, weights: Mapping[str, Mapping[str, float]]) -> tuple[Values, Map]:
        """As in `tfstyle.tiled.objective.FeatureNetwork`.

        The `targets` of local terms are those of the latest call of `content_targets`.
        """
        self._crew.gather()
        divided = self._divide(targets)
        forward = [Forward(key, area.read(image)) for key, area in zip(self._keys, self.areas, strict=True)]
        passed = [(*opened, task) for opened, task in zip(self._opened, forward, strict=True)]
        sums = _added(self._ask(forward, self._opened, passed))
        if not divided:
            sums = _mapped(sums, lambda each: each[0])
        values, by_sums = self._distances(_mapped(sums, _as_tensors), targets, factor_tensors(weights))
        derivatives = _mapped(by_sums, lambda each: _as_arrays(each if divided else (each,)))
        divisors = local_divisors(self._terms, self._network.metrics, self._size)
        of_sums = quotients(weights, divisors)
        pulled = self._ask([Backward(key, derivatives, of_sums) for key in self._keys], passed, self._opened)
        gradient = np.zeros_like(image)
        for area, (part, _) in zip(self.areas, pulled, strict=True):
            area.add(part, gradient)
        merge(values, quotients(_added([own for _, own in pulled]), divisors))
        return {name: {layer: values[name][layer] for layer in t.layers} for name, t in self._terms.items()}, gradient

    def _divide(self, targets: Targets) -> bool:
        """Whether `targets` are those of regions, of which the parties are told once."""
        maps = {
            block_of(layer): np.asarray(target.weights)
            for by_layer in targets.values()
            for layer, target in by_layer.items()
            if isinstance(target, RegionTargets)
        }
        if maps and targets is not self._divided:
            tasks = [
                Divide(key, {block: area.read(each, block) for block, each in maps.items()})
                for key, area in zip(self._keys, self.areas, strict=True)
            ]
            self._opened = [(opened[0], task) for opened, task in zip(self._opened, tasks, strict=True)]
            self._divided = targets
        return bool(maps)

    def _ask(
        self, tasks: Sequence[Task], before: Sequence[tuple[Task, ...]], after: Sequence[tuple[Task, ...]]
    ) -> list[Any]:
        """The answers to one task for each area; `before` and `after` are as in `Errand`."""
        errands = map(Errand, self._keys, tasks, before, after)
        return self._crew.ask(self._network, list(errands))


def is_spread(crew: Crew, network: Network, pyramid: Pyramid, terms: Terms, padding: str) -> bool:
    """Whether a picture is worth the parties of `crew`, and its `terms` can be tiled."""
    if any(isinstance(term, MatchedTerm) for term in terms.values()):
        return False
    size, borders = (pyramid.height, pyramid.width), borders_of(padding, pyramid.wraps)
    windows = len(segment.tiles(network, segment.CUTS[0], size, borders))
    return windows >= crew.least_windows and len(divide(size, crew.size, *seen(network, terms), borders)) > 1


def _added(parts: Sequence[Any]) -> Any:
    """The sums of several structures of arrays or numbers, in float64, from the first to the last."""
    return tf.nest.map_structure(lambda *each: sum(each[1:], np.asarray(each[0], np.float64)), *parts)


def _mapped(by_term: Mapping[str, Mapping[str, Any]], change: Callable[[Any], Any]) -> ByTerm:
    return {name: {layer: change(each) for layer, each in by_layer.items()} for name, by_layer in by_term.items()}


def _as_tensors(structure: Any) -> Any:
    return tf.nest.map_structure(lambda each: tf.constant(each, tf.float32), structure)


def _as_arrays(structure: Any) -> Any:
    return tf.nest.map_structure(lambda each: each.numpy(), structure)
