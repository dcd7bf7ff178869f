"""The Wasserstein loss: how far the picture's features must move to be distributed like the style picture's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from tfstyle.blas import without_blas_threads
from tfstyle.losses.moment_sums import Moments
from tfstyle.losses.moment_term import MomentTerm
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
ROOT_STEPS = (
    (8.492261, -25.194694, 18.698187),
    (4.219590, -3.134210, 0.583516),
    (4.102782, -3.052940, 0.574248),
    (3.685949, -2.757542, 0.540597),
    (2.735870, -2.037840, 0.459365),
    (1.977960, -1.360186, 0.386178),
    (1.875328, -1.250364, 0.375036),
)
"""Coefficients of odd polynomials of degree 5, one after the other, which together take every number from 0.0005 to 1
to within 0.00001 of 1. Each is the best approximation to 1 on what the one before leaves, as Amsel et al. 2025 (arXiv
2505.16932) compose them. Newton-Schulz iterations, of degree 3, need 22 steps for the same."""


@dataclass(frozen=True)
class WassersteinLoss(MomentTerm):
    """The squared 2-Wasserstein distance between Gaussians, per channel, of each style layer, summed over the layers.

    mean((mu - mu_s)^2) + tr(S + S_s - 2 (S_s^1/2 S S_s^1/2)^1/2) / C, where mu and S are mean and covariance of the
    features (Olkin and Pukelsheim 1982). With a metric, they are those of the imitated network. In a layer with more
    than `DIRECTIONS` channels, the root is taken among the leading principal directions of S_s, which keeps it cheap;
    of the others only the total variances t and t_s are compared, by sqrt(t t_s) in place of the root's trace.

    The target holds mu_s, tr S_s, the leading eigenvectors of S_s [c, d], the roots of their eigenvalues [d], and t_s.
    """

    layers: tuple[str, ...]
    name: ClassVar[str] = "style"

    def target(self, statistics: Moments, metric: LayerMetric) -> Target:
        mean, covariance = _gaussian(statistics, metric)
        with without_blas_threads():
            values, vectors = np.linalg.eigh(np.asarray(covariance, np.float64))
        values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
        # Directions without variance, as those beyond the number of positions, are arbitrary: left to the rest.
        leading = vectors[:, :DIRECTIONS] * (values[:DIRECTIONS] > LEAST_VARIANCE)
        spread = np.sqrt(values[:DIRECTIONS]) * leading.any(0)
        numbers = (mean, values.sum(), leading, spread, values.sum() - np.square(spread).sum())
        return Target(*(tf.constant(np.asarray(each, np.float32)) for each in numbers))

    def magnitude(self, target: Target, metric: LayerMetric) -> tf.Tensor:
        """The distance between the style picture's features and 0."""
        return (tf.reduce_sum(tf.square(target.mean)) + target.variance) / metric.channels

    def distance(self, statistics: Moments, target: Target, metric: LayerMetric) -> tf.Tensor:
        mean, covariance = _gaussian(statistics, metric)
        moved = tf.reduce_sum(tf.square(mean - target.mean))
        variance = tf.linalg.trace(covariance)
        # The covariance in the style picture's leading directions.
        inside = tf.matmul(target.leading, tf.matmul(covariance, target.leading), transpose_a=True)
        overlap = _trace_of_root(inside * (target.spread[:, None] * target.spread[None, :]))
        overlap += tf.sqrt(tf.nn.relu(variance - tf.linalg.trace(inside)) * target.rest + RIDGE**4)
        return (moved + variance + target.variance - 2 * overlap) / metric.channels

    def target_bytes(self, layer: str, channels: int, pixels: int) -> int:
        return FLOAT_BYTES * ((channels + 1) * (min(channels, DIRECTIONS) + 1) + 1)


class Target(NamedTuple):
    """What a style picture's statistics are compared as; see `WassersteinLoss`."""

    mean: tf.Tensor
    variance: tf.Tensor
    leading: tf.Tensor
    spread: tf.Tensor
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

    By a coupled iteration (Higham 2008, equation 6.35, with the polynomials of `ROOT_STEPS`), which is matrix products
    alone. Eigenvalues below a quarter of a millionth of the norm of M count as smaller than they are, in both.
    """
    trace, derivative = _iteration()(matrix)
    return trace, lambda upstream: upstream * derivative


@cache
def _iteration() -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """`_iterated`, traced once for all layers: with its operations in each layer, tracing took a third longer."""
    sizes = tf.TensorSpec([None, None], tf.float32)
    iteration: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]] = tf.function(
        _iterated, autograph=False, input_signature=[sizes]
    )
    return iteration


def _iterated(matrix: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    scale = tf.maximum(tf.norm(matrix), TINY)
    identity = tf.eye(tf.shape(matrix)[0])
    root, inverse = matrix / scale, identity
    for step, (first, third, fifth) in enumerate(ROOT_STEPS):
        square = root if step == 0 else tf.matmul(inverse, root)
        change = first * identity + tf.matmul(square, third * identity + fifth * square)
        inverse = change if step == 0 else tf.matmul(change, inverse)
        if step + 1 < len(ROOT_STEPS):
            root = tf.matmul(root, change)
    trace = tf.reduce_sum(root * change)  # of their product: both are symmetric
    return trace * tf.sqrt(scale), inverse * (0.5 / tf.sqrt(scale))
