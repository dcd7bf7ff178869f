"""VGG19 for timings, without TensorFlow and PyTorch: random weights, and the arithmetic of its convolutions."""

from __future__ import annotations

import numpy as np

from tfstyle.networks.network import LayerMetric, Network
from tfstyle.networks.topology import CONVOLUTIONS, VGG19_CHANNELS, block_of


def random_vgg19() -> Network:
    """He-initialised kernels and no biases: times do not depend on the weights."""
    random = np.random.default_rng(0)
    weights = {}
    below = 3
    for name in CONVOLUTIONS:
        channels = VGG19_CHANNELS[block_of(name) - 1]
        kernel = random.normal(0, (2 / (9 * below)) ** 0.5, (3, 3, below, channels)).astype(np.float32)
        weights[name] = kernel, np.zeros(channels, np.float32)
        below = channels
    metrics = {name: LayerMetric(VGG19_CHANNELS[block_of(name) - 1]) for name in CONVOLUTIONS}
    return Network("vgg19", "random", "", weights, metrics, caffe_input=True)


def convolution_flops(network: Network, height: int, width: int) -> float:
    """Multiplications and additions of the forward pass up to block5_conv1."""
    total = 0.0
    for name, (*kernels, _) in network.weights.items():
        shrink = 2 ** (block_of(name) - 1)
        total += 2 * sum(kernel.size for kernel in kernels) * (height // shrink) * (width // shrink)
        if name == "block5_conv1":
            break
    return total
