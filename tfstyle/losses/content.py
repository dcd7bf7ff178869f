"""The content loss: the distance between features of the picture and of the photo."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from tfstyle.losses.term import Synthesis, Term
from tfstyle.networks.network import LayerMetric


class ContentLoss(Term):
    """mean((F - P)^2) over each content layer, summed over the layers.

    `targets` {layer: [1, h, w, c]} are the photo's features. Deviation from Gatys et al. 2016,
    equation 1: the mean in place of half the sum, as in the published reference implementation.
    With a metric the difference is measured as e^T M e / C, in the imitated network's space.
    """

    name = "content"

    def __init__(self, targets: Mapping[str, tf.Tensor], metrics: Mapping[str, LayerMetric]) -> None:
        self.targets = targets
        self.metrics = metrics

    def by_layer(self, synthesis: Synthesis) -> dict[str, tf.Tensor]:
        return {
            layer: self._distance(synthesis.features[layer] - target, self.metrics[layer])
            for layer, target in self.targets.items()
        }

    @staticmethod
    def _distance(difference: tf.Tensor, metric: LayerMetric) -> tf.Tensor:
        if metric.matrix is None:
            return tf.reduce_mean(difference**2)
        flat = tf.reshape(difference, [-1, difference.shape[-1]])
        squares = tf.reduce_sum(tf.matmul(flat, tf.constant(metric.matrix)) * flat)
        return squares / (metric.channels * flat.shape[0])
