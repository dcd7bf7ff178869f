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
        distances = {}
        for layer, target in self.targets.items():
            metric, (_, height, width, _) = self.metrics[layer], target.shape
            squares = sum_of_squares(synthesis.features[layer] - target, metric)
            distances[layer] = squares / (metric.channels * height * width)
        return distances


def sum_of_squares(difference: tf.Tensor, metric: LayerMetric) -> tf.Tensor:
    """The squared length of `difference` [1, h, w, c] in the space of `metric`."""
    if metric.matrix is None:
        return tf.reduce_sum(difference**2)
    flat = tf.reshape(difference, [-1, difference.shape[-1]])
    return tf.reduce_sum(tf.matmul(flat, tf.constant(metric.matrix)) * flat)
