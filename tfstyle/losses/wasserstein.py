"""The Wasserstein loss: how far the picture's features must move to be distributed like the style picture's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from tfstyle.losses.moment_term import Moments, MomentTerm
from tfstyle.losses.term import FLOAT_BYTES
from tfstyle.networks.network import LayerMetric
from tfstyle.tensorflow_backend import tf

RIDGE = 1e-3
"""Added to the diagonal of covariances, whose features have a mean of 1: square roots need positive eigenvalues."""
LEAST_VARIANCE = 4 * RIDGE
"""Principal directions of the style picture with less variance, its ridge included, count as having none."""
DIRECTIONS = 256
"""The style picture's principal directions that are compared one by one; the others hold a few per cent of the
variance (of 512 channels, 192 directions hold 95 to 98 %)."""
TINY = 1e-12
"""Keeps the root of 0 finite: a style picture of one colour, or of one position, has no variance."""
ROOT_STEPS = 16
"""Newton-Schulz steps, after which the root's trace is exact to a few parts in a thousand."""


@dataclass(frozen=True)
class WassersteinLoss(MomentTerm):
    """The squared 2-Wasserstein distance between Gaussians, per channel, of each style layer, summed over the layers.

    mean((mu - mu_s)^2) + tr(S + S_s - 2 (S_s^1/2 S S_s^1/2)^1/2) / C, where mu and S are mean and covariance of the
    features (Olkin and Pukelsheim 1982). With a metric, they are those of the imitated network. In a layer with more
    than `DIRECTIONS` channels, the root is taken among the leading principal directions of S_s, which keeps it cheap;
    of the others only the total variances t and t_s are compared, by sqrt(t t_s) in place of the root's trace.

    The target holds mu_s, tr S_s, the roots of S_s' leading eigenvalues times its eigenvectors [c, d], the eigenvectors
    themselves, and t_s.
    """

    layers: tuple[str, ...]
    name: ClassVar[str] = "style"

    def target(self, statistics: Moments, metric: LayerMetric) -> Target:
        mean, covariance = _gaussian(statistics, metric)
        values, vectors = np.linalg.eigh(np.asarray(covariance, np.float64))
        values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
        # Directions without variance, as those beyond the number of positions, are arbitrary: left to the rest.
        leading = vectors[:, :DIRECTIONS] * (values[:DIRECTIONS] > LEAST_VARIANCE)
        root = leading * np.sqrt(values[:DIRECTIONS])
        numbers = (mean, values.sum(), root, leading, values.sum() - (root**2).sum())
        return Target(*(tf.constant(np.asarray(each, np.float32)) for each in numbers))

    def magnitude(self, target: Target, metric: LayerMetric) -> tf.Tensor:
        """The distance between the style picture's features and 0."""
        return (tf.reduce_sum(target.mean**2) + target.variance) / metric.channels

    def distance(self, statistics: Moments, target: Target, metric: LayerMetric) -> tf.Tensor:
        mean, covariance = _gaussian(statistics, metric)
        moved = tf.reduce_sum((mean - target.mean) ** 2)
        variance = tf.linalg.trace(covariance)
        overlap = _trace_of_root(tf.matmul(target.root, tf.matmul(covariance, target.root), transpose_a=True))
        inside = tf.reduce_sum(target.leading * tf.matmul(covariance, target.leading))
        overlap += tf.sqrt(tf.nn.relu(variance - inside) * target.rest + RIDGE**4)
        return (moved + variance + target.variance - 2 * overlap) / metric.channels

    def target_bytes(self, channels: int, positions: int) -> int:
        return FLOAT_BYTES * (channels * (2 * min(channels, DIRECTIONS) + 1) + 2)


class Target(NamedTuple):
    """What a style picture's statistics are compared as; see `WassersteinLoss`."""

    mean: tf.Tensor
    variance: tf.Tensor
    root: tf.Tensor
    leading: tf.Tensor
    rest: tf.Tensor


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
def _trace_of_root(matrix: tf.Tensor) -> Any:
    """The trace of M^1/2 of a positive definite matrix M [d, d], and its derivative, 1/2 M^-1/2.

    By the coupled Newton-Schulz iteration (Higham 2008, equation 6.35), which is matrix products alone: XLA has no fast
    eigendecomposition on the CPU.
    """
    scale = tf.maximum(tf.norm(matrix), TINY)
    identity = tf.eye(matrix.shape[0])

    def improved(step: tf.Tensor, root: tf.Tensor, inverse: tf.Tensor) -> tuple[tf.Tensor, ...]:
        change = 1.5 * identity - 0.5 * tf.matmul(inverse, root)
        return step + 1, tf.matmul(root, change), tf.matmul(change, inverse)

    # A loop in the graph, not in Python: the whole graph then has 2,181 nodes, not 2,801.
    _, root, inverse = tf.while_loop(lambda step, *_: step < ROOT_STEPS, improved, (0, matrix / scale, identity))

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        return upstream * inverse * (0.5 / tf.sqrt(scale))

    return tf.linalg.trace(root) * tf.sqrt(scale), gradient
