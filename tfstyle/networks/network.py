"""A feature network: its weights, and how its features are measured."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tfstyle.blas import without_blas_threads
from tfstyle.networks.topology import block_of

Weights = Mapping[str, tuple[NDArray[np.float32], ...]]
"""By convolution, in order from the image up: kernel [3, 3, c_in, c_out] and bias [c_out].

Instead of the kernel there may be an equivalent low-rank chain of three kernels:
[1, 1, c_in, r], [3, 3, r, s], [1, 1, s, c_out].
"""


@dataclass(frozen=True)
class LayerMetric:
    """How to measure the features of one layer in the space of the imitated network.

    A network fitted to a teacher has k channels, from which the teacher's C channels follow linearly as x^T R with R
    [k, C] = `read_out`. For a network that imitates no other, `read_out` is None (R = 1), and `channels` is its own
    channel count.
    """

    channels: int
    read_out: NDArray[np.float32] | None = None

    @cached_property
    def matrix(self) -> NDArray[np.float32] | None:
        """M = R R^T [k, k], with which squared lengths in the teacher's space are x^T M x; None if R = 1."""
        return None if self.read_out is None else self.read_out @ self.read_out.T

    @cached_property
    def root(self) -> NDArray[np.float32] | None:
        """The symmetric square root [k, k] of `matrix`."""
        if self.matrix is None:
            return None
        with without_blas_threads():
            values, vectors = np.linalg.eigh(self.matrix.astype(np.float64))
            root: NDArray[np.float64] = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
        return root.astype(np.float32)


@dataclass(frozen=True, eq=False)
class Network:
    """A loaded network and its origin.

    `name` is as in the options; `origin` describes the source as text; `digest` is the SHA-256 of the weights file;
    `caffe_input` says that the weights expect the input of Keras' VGG19.
    """

    name: str
    origin: str
    digest: str
    weights: Weights
    metrics: Mapping[str, LayerMetric]
    caffe_input: bool

    @property
    def layers(self) -> tuple[str, ...]:
        """The convolutions that can be read, in order from the image up."""
        return tuple(self.weights)

    @property
    def work(self) -> float:
        """Multiplications per pixel of the picture in one forward pass."""
        return self.work_of(range(1, 6))

    def work_of(self, blocks: Container[int]) -> float:
        """The part of `work` in the given blocks."""
        count = 0.0
        for name, (*kernels, _) in self.weights.items():
            if block_of(name) in blocks:
                count += sum(kernel.size for kernel in kernels) / 4 ** (block_of(name) - 1)
        return count

    def channels_into(self, block: int) -> int:
        """Channels of the map that enters `block`; 3, the picture's, for the first."""
        first_kernel = next(weights[0] for name, weights in self.weights.items() if block_of(name) == block)
        return int(first_kernel.shape[2])
