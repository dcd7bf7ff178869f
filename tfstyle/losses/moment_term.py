"""The pooled terms of first and second moments: whatever depends on the features' means and products."""

from __future__ import annotations

from typing import Any

from tfstyle.losses.moment_sums import Moments, moment_sums
from tfstyle.losses.term import PooledTerm
from tfstyle.networks.network import LayerMetric
from tfstyle.tensorflow_backend import tf


class MomentTerm(PooledTerm):
    """A pooled term whose statistics are the means of the features' products, E = X^T X / n, and of the features."""

    def sums(self, features: tf.Tensor, weights: tf.Tensor | None) -> Moments:
        """As in `PooledTerm`: the sums of products, and of features."""
        return moment_sums(features, weights)

    def statistics(self, sums: Moments, count: Any, metric: LayerMetric) -> Moments:
        """As in `PooledTerm`."""
        products, features = sums
        return products / count, features / count
