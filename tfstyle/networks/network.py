"""A network that looks at pictures: one Keras graph from which every wanted layer is read in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tfstyle.networks.layers import POOLINGS, FrozenConvolution, StandardisedToCaffe
from tfstyle.networks.topology import block_of

Weights = Mapping[str, tuple[NDArray[np.float32], ...]]
"""By convolution, in order from the image up: kernel [3, 3, c_in, c_out] and bias [c_out].

In place of the kernel there may be a chain of three that stands for one of low rank:
[1, 1, c_in, r], [3, 3, r, s], [1, 1, s, c_out].
"""


@dataclass(frozen=True)
class LayerMetric:
    """How to measure the features of one layer as the network that was imitated would.

    A network fitted to a teacher shows k channels, from which the teacher's C channels follow
    linearly as R x. Lengths in the teacher's space are then x^T M x with M = R^T R [k, k].
    For a network that stands for itself, `matrix` is None (M = 1) and `channels` its own count.
    """

    channels: int
    matrix: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Network:
    """A loaded network and where it came from.

    `name` as in the options; `origin` in words; `digest` the SHA-256 of the weights' file;
    `caffe_input` where the weights expect what Keras' VGG19 was trained on.
    """

    name: str
    origin: str
    digest: str
    weights: Weights
    metrics: Mapping[str, LayerMetric]
    caffe_input: bool

    @property
    def layers(self) -> tuple[str, ...]:
        """The convolutions that can be asked for, from the image up."""
        return tuple(self.weights)

    @property
    def work(self) -> float:
        """Multiplications that a pass costs for each pixel of the picture."""
        count = 0.0
        for name, (*kernels, _) in self.weights.items():
            count += sum(kernel.size for kernel in kernels) / 4 ** (block_of(name) - 1)
        return count

    @cached_property
    def _convolutions(self) -> dict[str, FrozenConvolution]:
        return {name: FrozenConvolution(kernels, bias, name) for name, (*kernels, bias) in self.weights.items()}

    def extractor(self, layers: Sequence[str], pooling: str = "max") -> keras.Model:
        """A Keras model from [1, H, W, 3] standardised RGB to {layer: [1, h, w, c]}, after the ReLU.

        It is cut after the deepest of `layers`; all extractors of a network share its kernels.
        `pooling` is "max" or "average". H and W must be known when it is called or traced.
        """
        image = keras.Input((None, None, 3), batch_size=1, name="image")
        x: Any = StandardisedToCaffe(name="caffe")(image) if self.caffe_input else image
        wanted: dict[str, Any] = {}
        block = 1
        for name, convolution in self._convolutions.items():
            if len(wanted) == len(set(layers)):
                break
            if block_of(name) > block:
                x = POOLINGS[pooling](name=f"block{block}_pool")(x)
                block = block_of(name)
            x = convolution(x)
            if name in layers:
                wanted[name] = x
        return keras.Model(image, wanted)
