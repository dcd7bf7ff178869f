"""The pooled terms of first and second moments: whatever depends on the features' means and products."""

from __future__ import annotations

from tfstyle.losses.term import PooledTerm
from tfstyle.networks.network import LayerMetric
from tfstyle.tensorflow_backend import tf

Moments = tuple[tf.Tensor, tf.Tensor]
"""Sums or means over positions: of products [c, c], and of features [c]."""


class MomentTerm(PooledTerm):
    """A pooled term whose statistics are the means of the features' products, E = X^T X / n, and of the features."""

    def sums(self, features: tf.Tensor, weights: tf.Tensor | None) -> Moments:
        """As in `PooledTerm`: the sums of products, and of features."""
        flat = tf.reshape(features, [-1, features.shape[-1]])
        counted = flat if weights is None else tf.reshape(features * weights, flat.shape)
        return tf.matmul(counted, flat, transpose_a=True), tf.reduce_sum(counted, 0)

    def pullback(self, features: tf.Tensor, by_sums: Moments) -> tf.Tensor:
        """As in `PooledTerm`. The derivative by the products is symmetric, so one matrix product does for two."""
        by_products, by_features = by_sums
        flat = tf.reshape(features, [-1, features.shape[-1]])
        products = tf.reduce_sum(tf.matmul(flat, by_products) * tf.stop_gradient(flat)) * 2
        return products + tf.reduce_sum(flat * by_features)

    def statistics(self, sums: Moments, count: float, metric: LayerMetric) -> Moments:
        """As in `PooledTerm`."""
        products, features = sums
        return products / count, features / count
