"""Hypercolumns, compared with NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tfstyle.borders import Wraps
from tfstyle.losses.hypercolumns import grid, hypercolumns, measured
from tfstyle.networks.network import LayerMetric

RANDOM = np.random.default_rng(9)
READ_OUT = RANDOM.normal(size=(3, 7)).astype(np.float32)
# Of a picture of 22 x 31 pixels.
SIZES = {"block1_conv2": (22, 31), "block2_conv1": (11, 15), "block3_conv1": (5, 7), "block4_conv3": (2, 3)}
FEATURES = {layer: RANDOM.random((1, *size, 3), np.float32) for layer, size in SIZES.items()}
PLAIN = dict.fromkeys(SIZES, LayerMetric(3))


def averaged(features: np.ndarray, step: int) -> np.ndarray:
    _, height, width, channels = features.shape
    rows, columns = height // step, width // step
    cells = features[0, : rows * step, : columns * step].reshape(rows, step, columns, step, channels)
    return cells.mean((1, 3))[None]


def interpolated(features: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear, with pixel centres at half-integers and the border replicated."""
    result = features[0]
    for axis, length in ((0, height), (1, width)):
        count = result.shape[axis]
        at = np.clip((np.arange(length) + 0.5) * count / length - 0.5, 0, count - 1)
        low = np.minimum(at.astype(int), count - 1)
        share = (at - low).reshape([-1, 1, 1] if axis == 0 else [1, -1, 1])
        result = (
            np.take(result, low, axis) * (1 - share) + np.take(result, np.minimum(low + 1, count - 1), axis) * share
        )
    return result[None]


def test_every_layer_is_brought_to_the_positions_of_block_3() -> None:
    weights = {"block1_conv2": 1.0, "block2_conv1": 2.0, "block3_conv1": 0.5, "block4_conv3": 1.0}
    parts = hypercolumns({name: tf.constant(value) for name, value in FEATURES.items()}, weights, PLAIN)
    expected = {
        "block1_conv2": averaged(FEATURES["block1_conv2"], 4) / 3,
        "block2_conv1": 2 * averaged(FEATURES["block2_conv1"], 2) / 3,
        "block3_conv1": 0.5 * FEATURES["block3_conv1"] / 3,
        "block4_conv3": interpolated(FEATURES["block4_conv3"], 5, 7) / 3,
    }
    assert list(parts) == list(expected)
    for layer, part in parts.items():
        np.testing.assert_allclose(part, expected[layer], rtol=1e-5, atol=1e-6)


def test_metric_gives_the_lengths_and_angles_of_the_imitated_network() -> None:
    metric = LayerMetric(7, READ_OUT)
    parts = hypercolumns(FEATURES, {"block3_conv1": 1.0}, {"block3_conv1": metric})
    columns = np.reshape(parts["block3_conv1"], [-1, 3])
    imitated = FEATURES["block3_conv1"].reshape(-1, 3) @ READ_OUT / 7
    np.testing.assert_allclose(columns @ columns.T, imitated @ imitated.T, rtol=1e-3, atol=1e-5)


def test_measured_keeps_features_of_a_network_that_imitates_none() -> None:
    half = tf.cast(tf.constant(FEATURES["block3_conv1"]), tf.bfloat16)
    found = measured(half, PLAIN["block3_conv1"])
    assert found.dtype == tf.float32
    np.testing.assert_array_equal(found, tf.cast(half, tf.float32))


@pytest.mark.parametrize(
    ("layers", "expected"),
    [(["block4_conv3", "block1_conv2"], (5, 7)), (["block3_conv1"], (5, 7)), (["block4_conv3"], (4, 6))],
)
def test_grid_follows_from_the_finest_layer(layers: list[str], expected: tuple[int, int]) -> None:
    assert grid(FEATURES, layers) == expected


@pytest.mark.parametrize("wraps", [Wraps(True, True), Wraps(down=True), Wraps(across=True)])
def test_coarse_layers_are_interpolated_across_the_borders_of_a_picture_that_wraps(wraps: Wraps) -> None:
    sizes = {"block3_conv1": (8, 12), "block4_conv3": (4, 6), "block5_conv1": (2, 3)}
    features = {layer: RANDOM.random((1, *size, 3), np.float32) for layer, size in sizes.items()}
    parts = hypercolumns(features, dict.fromkeys(sizes, 3.0), dict.fromkeys(sizes, LayerMetric(3)), wraps)
    times = 3 if wraps.down else 1, 3 if wraps.across else 1
    for layer, values in features.items():
        copies = interpolated(np.tile(values, (1, *times, 1)), 8 * times[0], 12 * times[1])
        top, left = 8 * (times[0] // 2), 12 * (times[1] // 2)
        np.testing.assert_allclose(parts[layer], copies[:, top : top + 8, left : left + 12], rtol=1e-5, atol=1e-6)
