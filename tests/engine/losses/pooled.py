"""Evaluates pooled terms on small feature maps."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tfstyle.losses import PooledTerm
from tfstyle.networks.network import LayerMetric


def statistics_of(term: PooledTerm, features: tf.Tensor, metric: LayerMetric) -> Any:
    return term.statistics(term.sums(features, None), features.shape[1] * features.shape[2], metric)


def target_of(term: PooledTerm, features: np.ndarray, metric: LayerMetric) -> Any:
    return term.target(statistics_of(term, tf.constant(features), metric), metric)


def value_of(term: PooledTerm, features: np.ndarray, target: Any, metric: LayerMetric) -> float:
    return float(term.distance(statistics_of(term, tf.constant(features), metric), target, metric))


def gradient_matches_differences(
    term: PooledTerm, features: np.ndarray, target: Any, metric: LayerMetric, tolerance: float = 2e-3
) -> None:
    """Assert that the gradient by the features is that of central differences, up to a share of its largest entry."""
    variable = tf.constant(features)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        value = term.distance(statistics_of(term, variable, metric), target, metric)
    gradient = tape.gradient(value, variable).numpy()
    step = np.float32(2**-6)
    differences = np.empty_like(features)
    for index in np.ndindex(*features.shape):
        moved = []
        for sign in (step, -step):
            nearby = features.copy()
            nearby[index] += sign
            moved.append(value_of(term, nearby, target, metric))
        differences[index] = (moved[0] - moved[1]) / (2 * step)
    scale = np.abs(differences).max()
    assert scale > 0
    np.testing.assert_allclose(gradient / scale, differences / scale, rtol=0, atol=tolerance)


def pullback_has_the_gradient_of_the_sums(term: PooledTerm, features: np.ndarray, by_sums: Any) -> np.ndarray:
    """Assert that the term's own pullback has the gradient of the general one, and return it."""
    variable = tf.constant(features)
    gradients = []
    for pullback in (term.pullback, lambda features, by: PooledTerm.pullback(term, features, by)):
        with tf.GradientTape() as tape:
            tape.watch(variable)
            total = pullback(variable, by_sums)
        gradients.append(tape.gradient(total, variable).numpy())
    np.testing.assert_allclose(gradients[0], gradients[1], rtol=1e-4, atol=1e-5)
    return gradients[0]
