"""The style loss: the distance between Gram matrices of the picture and of the painting."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from tfstyle.losses.term import Synthesis, Term
from tfstyle.networks.network import LayerMetric


def gram_matrix(features: tf.Tensor, channels: int) -> tf.Tensor:
    """X^T X / (C h w) of `features` [1, h, w, c] as [c, c] float32, in one matrix product.

    `channels` is C: c itself, or the channel count of the network that is imitated.
    """
    flat = tf.reshape(features, [-1, features.shape[-1]])
    return tf.matmul(flat, flat, transpose_a=True) / (channels * flat.shape[0])


class StyleLoss(Term):
    """mean((G - A)^2) over the entries of the Gram matrices, summed over the style layers.

    `targets` {layer: [c, c]} are the painting's Gram matrices. Deviation from Gatys et al. 2016,
    equations 3 to 5: the mean in place of 1/4 of the sum, 1/(C h w) in the Gram matrix, layers
    summed rather than averaged, as in the published reference implementation.
    With a metric M the difference D counts as tr(M D M D) / C^2: that of R D R^T.
    """

    name = "style"

    def __init__(self, targets: Mapping[str, tf.Tensor], metrics: Mapping[str, LayerMetric]) -> None:
        self.targets = targets
        self.metrics = metrics

    def by_layer(self, synthesis: Synthesis) -> dict[str, tf.Tensor]:
        return self.of_grams(
            {layer: gram_matrix(synthesis.features[layer], self.metrics[layer].channels) for layer in self.targets}
        )

    def of_grams(self, grams: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The same from the picture's Gram matrices {layer: [c, c]}, however they were summed."""
        return {
            layer: self._distance(grams[layer] - target, self.metrics[layer]) for layer, target in self.targets.items()
        }

    @staticmethod
    def _distance(difference: tf.Tensor, metric: LayerMetric) -> tf.Tensor:
        if metric.matrix is None:
            return tf.reduce_mean(difference**2)
        matrix = tf.constant(metric.matrix)
        measured = tf.matmul(tf.matmul(matrix, difference), matrix)
        return tf.reduce_sum(measured * difference) / metric.channels**2
