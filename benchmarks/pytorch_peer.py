"""The same loss in PyTorch with the same weights, as the baseline of the benchmarks.

Written from the description of the algorithm (Gatys et al. 2016, as published in "Dive into Deep Learning"): each Gram
matrix is one matrix product, means replace sums, and total variation is halved.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch.nn import functional

from tfstyle.colour import MEAN, STD
from tfstyle.networks.network import Network
from tfstyle.networks.topology import block_of
from tfstyle.presets import PRESETS

OPTIONS = PRESETS["reference"]
CONTENT, STYLE = OPTIONS.content_layers, OPTIONS.style_layers
CAFFE_MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)

Features = Mapping[str, torch.Tensor]


class PyTorchLoss:
    """Content + style + total variation of a standardised picture [1, 3, H, W], at the reference's weights.

    The features have the type `dtype`, except those of the first convolution, which are float32; losses are float32.
    Tensors are made on PyTorch's default device.
    """

    def __init__(
        self,
        network: Network,
        photo: np.ndarray,
        painting: np.ndarray,
        *,
        channels_last: bool,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._form = torch.channels_last if channels_last else torch.contiguous_format
        self._kernels = {}
        for index, (name, (kernel, bias)) in enumerate(network.weights.items()):
            own = dtype if index else torch.float32
            kernels = torch.tensor(kernel.transpose(3, 2, 0, 1).copy()).to(memory_format=self._form)
            self._kernels[name] = kernels.to(own), torch.tensor(bias).to(own)
        scale, shift = 255 * STD[::-1], 255 * MEAN[::-1] - CAFFE_MEAN_BGR
        self._scale, self._shift = (
            torch.tensor(values.reshape(1, 3, 1, 1).copy()).float() for values in (scale, shift)
        )
        self.start = self.tensor(photo)
        with torch.no_grad():
            self._contents = {name: self._features(self.start)[name].float() for name in CONTENT}
            painted = self._features(self.tensor(painting))
            self._grams = {name: gram_matrix(painted[name]) for name in STYLE}

    def tensor(self, image: np.ndarray) -> torch.Tensor:
        """`image` [1, H, W, 3] in PyTorch's layout."""
        return torch.tensor(image.transpose(0, 3, 1, 2).copy()).to(memory_format=self._form)

    def __call__(self, picture: torch.Tensor) -> torch.Tensor:
        """The weighted total."""
        seen = self._features(picture)
        content = sum(((seen[name].float() - target) ** 2).mean() for name, target in self._contents.items())
        style = sum(((gram_matrix(seen[name]) - target) ** 2).mean() for name, target in self._grams.items())
        across = (picture[..., 1:] - picture[..., :-1]).abs().mean()
        down = (picture[..., 1:, :] - picture[..., :-1, :]).abs().mean()
        variation = 0.5 * (across + down)
        total: torch.Tensor = (
            OPTIONS.content_weight * content + OPTIONS.style_weight * style + OPTIONS.tv_weight * variation
        )
        return total

    def _features(self, x: torch.Tensor) -> Features:
        found, block = {}, 1
        x = x.flip(1) * self._scale + self._shift
        for name, (kernel, bias) in self._kernels.items():
            if block_of(name) > block:
                x, block = functional.max_pool2d(x, 2), block_of(name)
            found[name] = x = torch.relu(functional.conv2d(x.to(kernel.dtype), kernel, bias, padding=1))
            if name == STYLE[-1]:
                break
        return found


def gram_matrix(features: torch.Tensor) -> torch.Tensor:
    """X X^T / (C h w)."""
    flat = features.float().reshape(features.shape[1], -1)
    return flat @ flat.T / flat.numel()
