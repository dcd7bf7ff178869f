"""What every loss is: a term that can be weighted and added, and that says what it is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf


@dataclass(frozen=True)
class Synthesis:
    """The picture being judged: `image` [1, H, W, 3] standardised RGB; `features` {layer: [1, h, w, c]}."""

    image: tf.Tensor
    features: Mapping[str, tf.Tensor]


class Term(ABC):
    """One loss before its weight. Terms add and scale: `content + 1e4 * style + 10 * variation`."""

    name: str

    @abstractmethod
    def by_layer(self, synthesis: Synthesis) -> dict[str, tf.Tensor]:
        """Its value, a float32 scalar, for each layer it looks at ("image" where it looks at none)."""

    @property
    def alone(self) -> WeightedSum:
        """This term with the weight 1."""
        return WeightedSum(((1.0, self),))

    def __mul__(self, weight: Any) -> WeightedSum:
        return WeightedSum(((weight, self),))

    __rmul__ = __mul__

    def __add__(self, other: Term | WeightedSum) -> WeightedSum:
        return self.alone + other


@dataclass(frozen=True)
class WeightedSum:
    """Weighted terms. `terms` are (weight, term); a weight is a number or a scalar tensor."""

    terms: tuple[tuple[Any, Term], ...]

    def __mul__(self, weight: Any) -> WeightedSum:
        return WeightedSum(tuple((own * weight, term) for own, term in self.terms))

    __rmul__ = __mul__

    def __add__(self, other: Term | WeightedSum) -> WeightedSum:
        more = other.alone if isinstance(other, Term) else other
        return WeightedSum(self.terms + more.terms)

    def __call__(self, synthesis: Synthesis) -> tuple[tf.Tensor, dict[str, dict[str, tf.Tensor]]]:
        """The total, and its parts before their weights as {name: {layer: value}}."""
        parts = {term.name: term.by_layer(synthesis) for _, term in self.terms}
        total = tf.add_n([weight * tf.add_n(list(parts[term.name].values())) for weight, term in self.terms])
        return total, parts

    def __str__(self) -> str:
        return " + ".join(f"{float(weight):g} {term.name}" for weight, term in self.terms)
