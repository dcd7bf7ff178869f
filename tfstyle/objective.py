"""From variables to the total loss and its gradient, compiled once a size and kept for the next picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tfstyle.losses import ContentLoss, GamutPenalty, StyleLoss, Synthesis, TotalVariation, gram_matrix
from tfstyle.networks.network import Network
from tfstyle.pyramid import Pyramid

Parts = dict[str, dict[str, float]]
"""Losses before their weights: {"content": {"block4_conv4": 1.2}, "style": {...}, "tv": ..., "gamut": ...}."""

TERMS = ("content", "style", "tv", "gamut")


@dataclass(frozen=True)
class Targets:
    """What the picture should look like: `content` {layer: [1, h, w, c]}, `grams` {layer: [c, c]}."""

    content: Mapping[str, tf.Tensor]
    grams: Mapping[str, tf.Tensor]


def content_features(network: Network, layers: Sequence[str], pooling: str, image: NDArray[np.float32]) -> Any:
    """The photo's features {layer: [1, h, w, c]} for the content loss; `image` [1, H, W, 3] standardised."""
    return network.extractor(layers, pooling)(tf.constant(image))


def style_grams(network: Network, layers: Sequence[str], pooling: str, image: NDArray[np.float32]) -> Any:
    """The painting's Gram matrices {layer: [c, c]} for the style loss; `image` [1, h, w, 3] standardised."""
    features = network.extractor(layers, pooling)(tf.constant(image))
    return {layer: gram_matrix(features[layer], network.metrics[layer].channels) for layer in layers}


@dataclass(frozen=True)
class Evaluation:
    """The weighted total, its parts before their weights, and the gradient [size] of the total."""

    total: float
    parts: Parts
    gradient: NDArray[np.float32]


class Objective:
    """The total loss of the picture that variables stand for, and its gradient.

    Weights and targets are arguments of the compiled function, not constants in it: pictures of
    the same size, layers and network share one compilation. The first call compiles (seconds).
    """

    def __init__(
        self,
        network: Network,
        pyramid: Pyramid,
        content_layers: Sequence[str],
        style_layers: Sequence[str],
        pooling: str,
    ) -> None:
        self.pyramid = pyramid
        self._network = network
        self._layers = content_layers, style_layers
        self._pooling = pooling
        self._extractor = network.extractor((*content_layers, *style_layers), pooling)
        self._variables = tf.Variable(tf.zeros([pyramid.size]), name="picture")
        self._compiled = tf.function(self._trace, jit_compile=True)

    def content_features(self, image: NDArray[np.float32]) -> Any:
        """The photo's features for `Targets`; `image` [1, H, W, 3] standardised, as large as the picture."""
        return content_features(self._network, self._layers[0], self._pooling, image)

    def style_grams(self, image: NDArray[np.float32]) -> Any:
        """The painting's Gram matrices for `Targets`; `image` [1, h, w, 3] standardised, of any size."""
        return style_grams(self._network, self._layers[1], self._pooling, image)

    def image(self, variables: NDArray[np.float32]) -> NDArray[np.float32]:
        """The picture [1, H, W, 3] for which `variables` [size] stand."""
        picture: NDArray[np.float32] = self.pyramid.image(tf.constant(variables)).numpy()
        return picture

    def _trace(self, content: Any, grams: Any, weights: tf.Tensor) -> Any:
        metrics = self._network.metrics
        terms = (ContentLoss(content, metrics), StyleLoss(grams, metrics), TotalVariation(), GamutPenalty())
        loss = terms[0] * weights[0]
        for index, term in enumerate(terms[1:], 1):
            loss = loss + term * weights[index]
        with tf.GradientTape() as tape:
            image = self.pyramid.image(self._variables)
            total, parts = loss(Synthesis(image, self._extractor(image)))
        return total, parts, tape.gradient(total, self._variables)

    def __call__(self, variables: NDArray[np.float32], targets: Targets, weights: Sequence[float]) -> Evaluation:
        """Evaluate at `variables` [size]; `weights` are those of `TERMS`, in that order."""
        self._variables.assign(variables)
        total, parts, gradient = self._compiled(
            dict(targets.content), dict(targets.grams), tf.constant(weights, tf.float32)
        )
        values = {name: {layer: float(value) for layer, value in layers.items()} for name, layers in parts.items()}
        return Evaluation(float(total), values, gradient.numpy())
