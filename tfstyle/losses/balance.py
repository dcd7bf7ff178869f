"""Relative losses: every value in units of the photo's and the painting's own features.

Paintings differ in the size of their statistics by orders of magnitude, so one weight of an absolute loss tints
one pair of pictures and devours another. Measured against the size of its target, one weight looks the same on every
pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tfstyle.losses.loss import Loss
from tfstyle.losses.term import FeatureTerm, Metrics, RegionTargets
from tfstyle.networks.network import LayerMetric

LEAST_UNIT = 1e-6
"""A smaller target is nothing, as the variance of a photo of a single colour is where no border disturbs it."""


def relative(loss: Loss, targets: Mapping[str, Mapping[str, Any]], metrics: Metrics) -> Loss:
    """`loss` with every feature term in units of its targets' magnitudes, {name of the term: {layer: target}}."""
    weighted = {}
    for name, part in loss.weighted.items():
        if isinstance(part.term, FeatureTerm):
            units = {
                layer: unit_of(part.term, target, metrics[layer])
                for layer, target in targets[name].items()
                if not isinstance(target, RegionTargets)  # each region has a unit of its own, in its scale
            }
            part = replace(part, units=units)
        weighted[name] = part
    return Loss(weighted)


def unit_of(term: FeatureTerm, target: Any, metric: LayerMetric) -> float:
    """The unit of a term's value in one layer: the magnitude of its `target`; 1 where that is nothing."""
    magnitude = float(term.magnitude(target, metric))
    return magnitude if magnitude >= LEAST_UNIT else 1.0
