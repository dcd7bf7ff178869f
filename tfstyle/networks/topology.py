"""The topology of VGG19 (Simonyan and Zisserman 2014, configuration E) by Keras' layer names."""

from __future__ import annotations

BLOCKS = (2, 2, 4, 4, 4)
"""Convolutions in each block; a 2 x 2 pooling follows each block."""

VGG19_CHANNELS = (64, 128, 256, 512, 512)
"""Output channels of the convolutions of each block."""

CONVOLUTIONS = tuple(f"block{block}_conv{i}" for block, count in enumerate(BLOCKS, 1) for i in range(1, count + 1))
"""The 16 convolutions from the image up, each 3 x 3, stride 1, zero padding, ReLU."""

LITE_CONVOLUTIONS = CONVOLUTIONS[: CONVOLUTIONS.index("block5_conv1") + 1]
"""The 13 convolutions that vgg19-lite has: up to the deepest layer of the published losses."""


def block_of(convolution: str) -> int:
    """The block, 1 to 5, that a convolution belongs to: 4 for block4_conv2."""
    return int(convolution[len("block")])


def positions_of(convolution: str, pixels: int) -> int:
    """The number of positions of a convolution in a picture of `pixels` pixels, up to the rounding of its sides."""
    return int(pixels // 4 ** (block_of(convolution) - 1))
