"""The moments loss: second moments (Gram), means and standard deviations of the features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tfstyle.losses.moment_sums import Moments
from tfstyle.losses.moment_term import MomentTerm
from tfstyle.losses.term import FLOAT_BYTES
from tfstyle.networks.network import LayerMetric
from tfstyle.tensorflow_backend import tf

VARIANCE_FLOOR = 1e-4
"""Added to variances, whose square root would have no derivative at 0."""
LEAST_SIZE = 1e-12
"""Keeps the loss finite where the style picture has no features at all."""


@dataclass(frozen=True)
class MomentsLoss(MomentTerm):
    """|E - E_s|^2 / |E_s|^2 + |mu - mu_s|^2 / |mu_s|^2 + |sigma - sigma_s|^2 / |sigma_s|^2, summed over the layers.

    E = X^T X / n are the second moments of the features X [n, c], mu their means and sigma their standard deviations;
    those with the index s are the style picture's. The Gram loss alone is the first part: it leaves open how a second
    moment divides into mean and spread, and contrast drifts. Deviation from the source, Galerne et al. 2022
    (arXiv 2212.13459): each part is divided by its size in the style picture, because a second moment and a mean have
    different units and their sum would depend on the scale of the features. With a metric, all three are those of the
    imitated network.
    """

    layers: tuple[str, ...]
    name: ClassVar[str] = "style"

    def distance(self, statistics: Moments, target: Moments, metric: LayerMetric) -> tf.Tensor:
        (second, mean), (second_s, mean_s) = statistics, target
        spread, spread_s = _deviations(second, mean, metric), _deviations(second_s, mean_s, metric)
        return (
            _product(second - second_s, metric) / tf.maximum(_product(second_s, metric), LEAST_SIZE)
            + _square(mean - mean_s, metric) / tf.maximum(_square(mean_s, metric), LEAST_SIZE)
            + tf.reduce_sum(tf.square(spread - spread_s)) / tf.reduce_sum(tf.square(spread_s))
        )

    def target_bytes(self, layer: str, channels: int, pixels: int) -> int:
        return FLOAT_BYTES * channels * (channels + 1)


def _product(second: tf.Tensor, metric: LayerMetric) -> tf.Tensor:
    """The squared Frobenius norm of second moments [c, c], or of their difference."""
    if metric.matrix is None:
        return tf.reduce_sum(tf.square(second))
    matrix = tf.constant(metric.matrix)
    return tf.reduce_sum(tf.matmul(tf.matmul(matrix, second), matrix) * second)


def _square(mean: tf.Tensor, metric: LayerMetric) -> tf.Tensor:
    """The squared length of means [c], or of their difference."""
    return tf.reduce_sum(tf.square(mean) if metric.matrix is None else mean * tf.linalg.matvec(metric.matrix, mean))


def _deviations(second: tf.Tensor, mean: tf.Tensor, metric: LayerMetric) -> tf.Tensor:
    """Standard deviations [C] of the features, in the space of the imitated network."""
    covariance = second - mean[:, None] * mean[None, :]
    if metric.read_out is None:
        variance = tf.linalg.diag_part(covariance)
    else:
        read_out = tf.constant(metric.read_out)
        variance = tf.reduce_sum(read_out * tf.matmul(covariance, read_out), 0)
    return tf.sqrt(tf.nn.relu(variance) + VARIANCE_FLOOR)
