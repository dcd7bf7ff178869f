"""The loss: a weighted sum of named terms, and the record of each term's value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfstyle.losses.term import Term


@dataclass(frozen=True)
class Weighted:
    """A term with its weight, and optional additional factors and units for single layers (default 1).

    A layer's value is reported in its unit: 0.5 where the term computes 3 and the unit is 6.
    """

    term: Term
    weight: float
    layer_factors: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    units: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def factor(self, layer: str) -> float:
        """What the term's value of a layer is multiplied by, in addition to `weight`."""
        return self.layer_factors.get(layer, 1.0) / self.units.get(layer, 1.0)


@dataclass(frozen=True)
class Loss:
    """A weighted sum of named terms: `content + 1e4 * style + 10 * variation`.

    Two terms of the same kind get distinct names ("content", "content-2"), so their targets, weights and values stay
    separate.
    """

    weighted: Mapping[str, Weighted]

    @property
    def terms(self) -> dict[str, Term]:
        """The terms without their weights, as needed to construct an objective."""
        return {name: part.term for name, part in self.weighted.items()}

    def __mul__(self, factor: float) -> Loss:
        return Loss({name: replace(part, weight=part.weight * factor) for name, part in self.weighted.items()})

    __rmul__ = __mul__

    def __add__(self, other: Term | Loss) -> Loss:
        weighted = dict(self.weighted)
        for part in (other * 1.0).weighted.values():
            name, number = part.term.name, 1
            while name in weighted:
                number += 1
                name = f"{part.term.name}-{number}"
            weighted[name] = part
        return Loss(weighted)

    def __str__(self) -> str:
        return " + ".join(f"{part.weight:g} {name}" for name, part in self.weighted.items())

    def part(self, name: str, by_layer: Mapping[str, float]) -> Part:
        """The record of the term `name`, from what it computes for each layer."""
        own = self.weighted[name]
        scaled = math.fsum(own.factor(layer) * value for layer, value in by_layer.items())
        return Part(
            {layer: value / own.units.get(layer, 1.0) for layer, value in by_layer.items()}, own.weight * scaled
        )


@dataclass(frozen=True)
class Part:
    """One term's record: its values `by_layer` before weighting, and its contribution to the total (`weighted`)."""

    by_layer: Mapping[str, float]
    weighted: float

    @property
    def value(self) -> float:
        """The sum over the layers, before weighting."""
        return math.fsum(self.by_layer.values())


Parts = Mapping[str, Part]
"""{name of the term: its part}."""
