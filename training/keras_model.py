"""Networks as Keras models, which run on any backend of Keras; the engine's own functions need TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from crops import Floats

from tfstyle.colour import MEAN, STD
from tfstyle.networks.network import Network
from tfstyle.networks.topology import block_of

CAFFE_MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)


def keras_model(network: Network, layers: Sequence[str]) -> keras.Model:
    """A model from standardised RGB [n, H, W, 3] to {layer: [n, h, w, c]}, after the ReLU."""
    image = x = keras.Input((None, None, 3))
    if network.caffe_input:
        to_bgr = (np.diag(255 * STD)[:, ::-1]).astype(np.float32)
        x = convolution(x, "caffe", to_bgr, 255 * MEAN[::-1] - CAFFE_MEAN_BGR, activation=None)
    block = 1
    seen: dict[str, Any] = {}
    for name, (*kernels, bias) in network.weights.items():
        if block_of(name) > block:
            x, block = keras.layers.MaxPooling2D()(x), block_of(name)
        *linear, last = kernels
        for index, kernel in enumerate(linear):
            x = convolution(x, f"{name}_{index}", kernel, None)
        x = convolution(x, name, last, bias)
        if name in layers:
            seen[name] = x
        if len(seen) == len(layers):
            break
    return keras.Model(image, seen)


def convolution(x: Any, name: str, kernel: Floats, bias: Floats | None, activation: str | None = "relu") -> Any:
    """A convolution with these weights applied to `x`; with a bias it ends in `activation`."""
    kernel = kernel if kernel.ndim == 4 else kernel[None, None]
    with_bias = bias is not None
    layer = keras.layers.Conv2D(
        kernel.shape[-1],
        kernel.shape[0],
        padding="same",
        use_bias=with_bias,
        activation=activation if with_bias else None,
        name=name,
    )
    y = layer(x)
    layer.set_weights([kernel, bias] if with_bias else [kernel])
    return y
