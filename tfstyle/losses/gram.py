"""The style loss of Gatys et al.: the distance between Gram matrices of the picture and of the style picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tfstyle.losses.moment_sums import moment_sums
from tfstyle.losses.term import FLOAT_BYTES, PooledTerm
from tfstyle.networks.network import LayerMetric
from tfstyle.tensorflow_backend import tf


@dataclass(frozen=True)
class GramLoss(PooledTerm):
    """mean((G - A)^2) over the entries of the Gram matrices, summed over the style layers.

    G = X^T X / (C n) over the n positions of the features X [n, c]; A is that of the style picture. C is c itself, or
    the channel count of the imitated network. Deviation from Gatys et al. 2016, equations 3 to 5: the mean instead of
    1/4 of the sum, 1/(C n) in the Gram matrix, layers summed rather than averaged, as in the published reference
    implementation. With a metric M = R^T R, the loss of a difference D is tr(M D M D) / C^2, which is that of R D R^T.
    """

    layers: tuple[str, ...]
    name: ClassVar[str] = "style"

    def sums(self, features: tf.Tensor, weights: tf.Tensor | None) -> tf.Tensor:
        products, _ = moment_sums(features, weights)
        return products

    def statistics(self, sums: tf.Tensor, count: Any, metric: LayerMetric) -> tf.Tensor:
        return sums / (metric.channels * count)

    def distance(self, statistics: tf.Tensor, target: tf.Tensor, metric: LayerMetric) -> tf.Tensor:
        difference = statistics - target
        if metric.matrix is None:
            return tf.reduce_mean(tf.square(difference))
        matrix = tf.constant(metric.matrix)
        measured = tf.matmul(tf.matmul(matrix, difference), matrix)
        return tf.reduce_sum(measured * difference) / metric.channels**2

    def target_bytes(self, layer: str, channels: int, pixels: int) -> int:
        return FLOAT_BYTES * channels * channels
