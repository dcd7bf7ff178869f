"""The Wasserstein loss: how far the picture's features must move to be distributed like the style picture's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tfstyle.losses.moments import Moments, pulled_back, summed
from tfstyle.losses.term import FLOAT_BYTES, PooledTerm
from tfstyle.networks.network import LayerMetric
from tfstyle.tensorflow_backend import tf

RIDGE = 1e-3
"""Added to the diagonal of covariances, whose features have a mean of 1: square roots need positive eigenvalues."""
ROOT_STEPS = 16
"""Newton-Schulz steps, after which the root's trace is exact to a few parts in a thousand."""


@dataclass(frozen=True)
class WassersteinLoss(PooledTerm):
    """The squared 2-Wasserstein distance between Gaussians, per channel, of each style layer, summed over the layers.

    mean((mu - mu_s)^2) + tr(S + S_s - 2 (S_s^1/2 S S_s^1/2)^1/2) / C, where mu and S are mean and covariance of the
    features (Olkin and Pukelsheim 1982). The target holds mu_s, S_s and S_s^1/2. With a metric, all are those of the
    imitated network.
    """

    layers: tuple[str, ...]
    name: ClassVar[str] = "style"

    def sums(self, features: tf.Tensor, weights: tf.Tensor | None) -> Moments:
        return summed(features, weights)

    def pullback(self, features: tf.Tensor, by_sums: Moments) -> tf.Tensor:
        return pulled_back(features, by_sums)

    def statistics(self, sums: Moments, count: float, metric: LayerMetric) -> Moments:
        products, features = sums
        return products / count, features / count

    def target(self, statistics: Moments, metric: LayerMetric) -> Any:
        mean, covariance = _gaussian(statistics, metric)
        values, vectors = np.linalg.eigh(np.asarray(covariance, np.float64))
        root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
        return mean, covariance, tf.constant(root, tf.float32)

    def magnitude(self, target: Any, metric: LayerMetric) -> tf.Tensor:
        """The distance between the style picture's features and 0."""
        mean, covariance, _ = target
        return (tf.reduce_sum(mean**2) + tf.linalg.trace(covariance)) / metric.channels

    def distance(self, statistics: Moments, target: Any, metric: LayerMetric) -> tf.Tensor:
        mean, covariance = _gaussian(statistics, metric)
        mean_s, covariance_s, root_s = target
        moved = tf.reduce_sum((mean - mean_s) ** 2)
        spread = tf.linalg.trace(covariance) + tf.linalg.trace(covariance_s) - 2 * _overlap(covariance, root_s)
        return (moved + spread) / metric.channels

    def target_bytes(self, channels: int, positions: int) -> int:
        return FLOAT_BYTES * channels * (2 * channels + 1)


def _gaussian(statistics: Moments, metric: LayerMetric) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean [c] and covariance [c, c], in coordinates in which the metric is 1."""
    second, mean = statistics
    covariance = second - mean[:, None] * mean[None, :]
    if metric.root is not None:
        root = tf.constant(metric.root)
        mean = tf.linalg.matvec(root, mean)
        covariance = tf.matmul(tf.matmul(root, covariance), root)
    return mean, covariance + RIDGE * tf.eye(covariance.shape[0])


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _overlap(covariance: tf.Tensor, root_s: tf.Tensor) -> Any:
    """tr((S_s^1/2 S S_s^1/2)^1/2), and its derivative by S, 1/2 S_s^1/2 (S_s^1/2 S S_s^1/2)^-1/2 S_s^1/2.

    By the coupled Newton-Schulz iteration (Higham 2008, equation 6.35), which is matrix products alone: XLA has no fast
    eigendecomposition on the CPU.
    """
    product = tf.matmul(tf.matmul(root_s, covariance), root_s)
    scale = tf.norm(product)
    identity = tf.eye(product.shape[0])
    root, inverse = product / scale, identity
    for _ in range(ROOT_STEPS):
        step = 1.5 * identity - 0.5 * tf.matmul(inverse, root)
        root, inverse = tf.matmul(root, step), tf.matmul(step, inverse)

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, None]:
        by_covariance = tf.matmul(tf.matmul(root_s, inverse), root_s) * (0.5 / tf.sqrt(scale))
        return upstream * by_covariance, None

    return tf.linalg.trace(root) * tf.sqrt(scale), gradient
