"""Evaluates matched terms on small feature maps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from tfstyle.losses import MatchedTerm
from tfstyle.losses.term import View
from tfstyle.networks.network import LayerMetric


def matched(
    term: MatchedTerm, query: dict[str, Any], views: Iterable[View], metrics: dict[str, LayerMetric]
) -> dict[str, Any]:
    """The targets for `query`, chosen from `views` of one style picture."""
    return term.match(query, term.columns(views, metrics), metrics)


def total_of(term: MatchedTerm, features: dict[str, Any], targets: Any, metrics: dict[str, LayerMetric]) -> tf.Tensor:
    return tf.add_n(list(term.by_layer(features, targets, metrics).values()))


def gradient_matches_differences(
    term: MatchedTerm, features: dict[str, np.ndarray], targets: Any, metrics: dict[str, LayerMetric]
) -> None:
    """Assert that the gradients by the features are those of central differences, up to 1 % of the largest entry."""
    variables = {layer: tf.constant(value) for layer, value in features.items()}
    with tf.GradientTape() as tape:
        tape.watch(variables)
        total = total_of(term, variables, targets, metrics)
    gradients = tape.gradient(total, variables)
    step = np.float32(2**-7)
    for layer, values in features.items():
        differences = np.empty_like(values)
        for index in np.ndindex(*values.shape):
            moved = []
            for sign in (step, -step):
                nearby = values.copy()
                nearby[index] += sign
                moved.append(float(total_of(term, {**variables, layer: nearby}, targets, metrics)))
            differences[index] = (moved[0] - moved[1]) / (2 * step)
        scale = np.abs(differences).max()
        assert scale > 0
        np.testing.assert_allclose(gradients[layer] / scale, differences / scale, rtol=0, atol=0.01)
