"""The weights of positions in each block of the network."""

from __future__ import annotations

import numpy as np
import pytest

from tfstyle.masks import BlockWeights, layer_weights

RANDOM = np.random.default_rng(0)


def test_weight_of_a_position_is_the_mean_over_its_pixels() -> None:
    weights = RANDOM.random((37, 53)).astype(np.float32)
    blocks = BlockWeights(weights)
    np.testing.assert_array_equal(blocks.of(1), weights)
    for block in range(2, 6):
        side = 2 ** (block - 1)
        height, width = (length >> (block - 1) for length in weights.shape)
        assert blocks.of(block).shape == (height, width), "the size after the network's poolings"
        for row, column in ((0, 0), (height - 1, width - 1)):
            own = weights[row * side : (row + 1) * side, column * side : (column + 1) * side]
            assert blocks.of(block)[row, column] == pytest.approx(own.mean(), rel=1e-5)


def test_layer_weights_gives_the_weights_of_the_block_and_their_sum() -> None:
    weights = RANDOM.random((16, 32)).astype(np.float32)
    here, count = layer_weights(BlockWeights(weights), "block2_conv1", (8, 16))
    assert here is not None
    assert here.shape == (1, 8, 16, 1)
    assert count == pytest.approx(weights.sum() / 4, rel=1e-5)
    assert layer_weights(None, "block2_conv1", (8, 16)) == (None, 128)


def test_weights_are_empty_if_no_position_counts() -> None:
    assert BlockWeights(np.zeros((16, 16), np.float32)).empty
    one = np.zeros((17, 16), np.float32)
    one[0, 0] = 1
    assert not BlockWeights(one).empty
    edge = np.zeros((17, 16), np.float32)
    edge[16] = 1
    assert BlockWeights(edge).empty, "the poolings drop the last row"
