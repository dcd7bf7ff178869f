"""The content loss: the distance between the features of the picture and those of the content picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tfstyle.losses.squares import squared_sum
from tfstyle.losses.term import FLOAT_BYTES, LocalTerm
from tfstyle.networks.network import LayerMetric
from tfstyle.networks.topology import positions_of
from tfstyle.tensorflow_backend import tf


@dataclass(frozen=True)
class ContentLoss(LocalTerm):
    """mean((F - P)^2) over each content layer, summed over the layers.

    The target P of a layer is the content picture's features [1, h, w, c]. Deviation from Gatys et al. 2016,
    equation 1: the mean instead of half the sum, as in the published reference implementation.
    With a metric M, the squared difference e is e^T M e / C, measured in the space of the imitated network.
    """

    layers: tuple[str, ...]
    name: ClassVar[str] = "content"

    def total(
        self, features: tf.Tensor, target: tf.Tensor, weights: tf.Tensor | None, metric: LayerMetric
    ) -> tf.Tensor:
        return squared_sum(tf.cast(features, tf.float32) - target, weights, metric.matrix)

    def divisor(self, positions: Any, metric: LayerMetric) -> Any:
        return metric.channels * positions

    def target_bytes(self, layer: str, channels: int, pixels: int) -> int:
        return FLOAT_BYTES * channels * positions_of(layer, pixels)
