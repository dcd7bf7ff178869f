"""Parties: whoever computes areas of a picture. The one here computes in this process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tfstyle.losses import FeatureTerm
from tfstyle.networks.network import Network
from tfstyle.networks.topology import block_of
from tfstyle.objective import Targets
from tfstyle.tensorflow_backend import tf
from tfstyle.tiled.area_network import AreaNetwork, Weights
from tfstyle.tiled.areas import Area
from tfstyle.tiled.tasks import (
    Backward,
    Computation,
    Deviate,
    Divide,
    Forget,
    Forward,
    Key,
    Learn,
    Measure,
    Open,
    Pulled,
    Task,
)

Map = NDArray[np.float32]
MOST_NETWORKS = 4
"""Number of sizes and stages whose traced networks are kept: those of the picture, and of style pictures."""


class Party(Protocol):
    """Computes areas of a picture, one task at a time."""

    def do(self, task: Task) -> Any:
        """The answer to a task. Raises `PartyLostError`."""

    def close(self) -> None:
        """End the party at once. May be called while another thread is in `do`, which then raises `PartyLostError`."""


@dataclass
class _Opened:
    """What a party keeps of an area. `maps` are those of the latest forward pass, until they are used up."""

    computation: Computation
    area: Area
    targets: Targets
    owned: Weights
    counts: Weights
    maps: list[Map] = field(default_factory=list)


class LocalParty:
    """Computes in this process."""

    def __init__(self) -> None:
        self._networks: dict[str, Network] = {}
        self._made: OrderedDict[tuple[object, ...], AreaNetwork] = OrderedDict()
        self._opened: dict[Key, _Opened] = {}

    def close(self) -> None:
        """As in `Party`. There is nothing to end."""

    def do(self, task: Task) -> Any:
        """As in `Party`."""
        match task:
            case Learn(network):
                self._networks[network.digest] = network
            case Open():
                return self._open(task)
            case Forget(key):
                self._opened.pop(key, None)
            case Divide(key, regions):
                opened = self._opened[key]
                owned = _owned(opened.area, opened.computation.pooled.values())
                opened.counts = {layer: own * regions[block_of(layer)] for layer, own in owned.items()}
            case Deviate(key, features):
                return self._deviate(self._opened[key], features)
            case Measure():
                return self._measure(task)
            case Forward(key, image):
                opened = self._opened[key]
                opened.maps, sums = self._network(opened.computation, opened.area).forward(image, opened.counts)
                return _arrays(sums)
            case Backward(key, by_sums, weights):
                opened = self._opened[key]
                maps, opened.maps = opened.maps, []
                made = self._network(opened.computation, opened.area)
                return Pulled(*made.backward(maps, by_sums, opened.targets, weights, opened.counts, opened.owned))
        return None

    def _network(self, computation: Computation, area: Area) -> AreaNetwork:
        key = computation, area.size, area.borders
        if key not in self._made:
            self._made[key] = AreaNetwork(
                self._networks[computation.network],
                area.size,
                computation.whole_from,
                dict(computation.terms),
                computation.pooling,
                computation.precision,
                area.borders,
            )
            if len(self._made) > MOST_NETWORKS:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        return self._made[key]

    def _open(self, task: Open) -> dict[str, dict[str, Map]]:
        self._opened = {key: each for key, each in self._opened.items() if key.stage == task.key.stage}
        targets = (
            {} if task.content is None else self._network(task.computation, task.area).content_targets(task.content)
        )
        owned, counts = (
            _owned(task.area, task.computation.local.values()),
            _owned(task.area, task.computation.pooled.values()),
        )
        self._opened[task.key] = _Opened(task.computation, task.area, targets, owned, counts)
        return {
            name: {layer: (target * owned[layer]).sum((0, 1, 2), np.float64) for layer, target in by_layer.items()}
            for name, by_layer in targets.items()
        }

    def _deviate(self, opened: _Opened, features: Mapping[str, Mapping[str, Map]]) -> dict[str, dict[str, float]]:
        local, metrics = opened.computation.local, self._networks[opened.computation.network].metrics

        def total(name: str, layer: str, same: Map) -> float:
            target, owned = opened.targets[name][layer], opened.owned[layer]
            return float(local[name].total(tf.constant(same[None, None, None]), target, owned, metrics[layer]))

        return {
            name: {layer: total(name, layer, same) for layer, same in by_layer.items()}
            for name, by_layer in features.items()
        }

    def _measure(self, task: Measure) -> Any:
        counts = {
            layer: own if task.weights is None else own * task.weights[block_of(layer)]
            for layer, own in _owned(task.area, task.computation.pooled.values()).items()
        }
        _, sums = self._network(task.computation, task.area).forward(task.image, counts)
        return _arrays(sums)


def _owned(area: Area, terms: Iterable[FeatureTerm]) -> dict[str, Map]:
    """{layer: 1 at the positions [1, h, w, 1] that the area owns, else 0} of the layers of `terms`."""
    layers = [layer for term in terms for layer in term.layers]
    blocks = {block: area.owned(block) for block in dict.fromkeys(map(block_of, layers))}
    return {layer: blocks[block_of(layer)] for layer in layers}


def _arrays(sums: Any) -> Any:
    return tf.nest.map_structure(lambda each: each.numpy(), sums)
