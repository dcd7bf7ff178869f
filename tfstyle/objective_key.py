"""What a traced objective, and the loss of features that it shares, depend on."""

from __future__ import annotations

from typing import NamedTuple

from tfstyle.borders import ZERO
from tfstyle.layout import Step
from tfstyle.losses import FeatureTerm, Term
from tfstyle.pyramid import Pyramid


class ObjectiveKey(NamedTuple):
    """What the objective of a stage depends on, besides its arguments."""

    network: str
    """The digest of its weights."""
    terms: tuple[tuple[str, Term], ...]
    pooling: str
    padding: str
    precision: str
    regions: int
    pyramid: Pyramid
    whole_from: int
    keeps: bool

    @property
    def of_features(self) -> tuple[object, ...]:
        """What the loss of features depends on: not on the size, unless the picture is tiled or has other borders."""
        terms = tuple((name, term) for name, term in self.terms if isinstance(term, FeatureTerm))
        own = self.network, terms, self.pooling, self.padding, self.precision, self.regions
        has_open_size = self.whole_from == 1 and self.padding == ZERO and not any(self.pyramid.wraps)
        return own if has_open_size else (*own, self.pyramid, self.whole_from)


def key_of(step: Step, whole_from: int, regions: int = 0, keeps: bool = False) -> ObjectiveKey:
    """The key of the objective of `step`. `regions` have styles of their own; `keeps`: some of the photo stays."""
    demand, options = step.demand, step.demand.options
    how = options.pooling, options.padding, demand.precision
    return ObjectiveKey(
        step.network.digest, tuple(demand.terms.items()), *how, regions, demand.pyramid, whole_from, keeps
    )
