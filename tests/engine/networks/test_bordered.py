"""Convolutions with other borders than zeros, against NumPy, SciPy, and TensorFlow's own gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from scipy.signal import correlate

from tfstyle.borders import CIRCULAR, REPLICATE, ZERO, Borders, borders_of, wraps_of
from tfstyle.networks.extractor import extractor
from tfstyle.networks.layers import FrozenConvolution
from tfstyle.networks.lite import load_lite
from tfstyle.networks.network import LayerMetric, Network
from tfstyle.networks.topology import CONVOLUTIONS
from tfstyle.precision import BFLOAT16, FLOAT32

RANDOM = np.random.default_rng(11)
MODES: dict[str, Any] = {ZERO: "constant", REPLICATE: "edge", CIRCULAR: "wrap"}
BORDERS = [
    Borders(REPLICATE, REPLICATE),
    Borders(CIRCULAR, CIRCULAR),
    Borders(CIRCULAR, ZERO),
    Borders(REPLICATE, CIRCULAR),
]


def padded(values: np.ndarray, borders: Borders) -> np.ndarray:
    """[h, w, c] with one more row and column on each side, by NumPy."""
    rows = np.pad(values, [(1, 1), (0, 0), (0, 0)], MODES[borders.down])
    return np.pad(rows, [(0, 0), (1, 1), (0, 0)], MODES[borders.across])


def convolved(image: np.ndarray, kernel: np.ndarray, bias: np.ndarray, borders: Borders) -> np.ndarray:
    around = padded(image, borders)
    maps = [
        sum(correlate(around[..., c], kernel[..., c, k], mode="valid") for c in range(image.shape[-1])) + bias[k]
        for k in range(kernel.shape[-1])
    ]
    return np.maximum(np.stack(maps, -1), 0)


def small_network() -> Network:
    weights = {
        name: (
            RANDOM.normal(0, 0.3, (3, 3, 3 if name == "block1_conv1" else 4, 4)).astype(np.float32),
            RANDOM.normal(0, 0.1, 4).astype(np.float32),
        )
        for name in CONVOLUTIONS[:5]
    }
    return Network("vgg19", "random", "", weights, {n: LayerMetric(4) for n in weights}, caffe_input=True)


def test_options_stand_for_borders_by_axis() -> None:
    assert borders_of(REPLICATE) == (REPLICATE, REPLICATE)
    assert borders_of(ZERO, wraps_of("x")) == Borders(down=ZERO, across=CIRCULAR)
    assert borders_of(REPLICATE, wraps_of("y")) == Borders(down=CIRCULAR, across=REPLICATE)
    assert borders_of(REPLICATE, wraps_of("both")) == (CIRCULAR, CIRCULAR)


@pytest.mark.parametrize("borders", BORDERS)
def test_forward_pass_agrees_with_numpy_and_scipy(borders: Borders) -> None:
    network = small_network()
    image = RANDOM.normal(size=(1, 18, 13, 3)).astype(np.float32)
    features = extractor(network, network.layers, "max", FLOAT32, borders)(tf.constant(image))
    rgb = image[0].astype(float) * [0.229, 0.224, 0.225] + [0.485, 0.456, 0.406]
    x = rgb[..., ::-1] * 255 - [103.939, 116.779, 123.68]
    for name in network.layers:
        if name in ("block2_conv1", "block3_conv1"):
            h, w, c = (side // 2 * 2 for side in x.shape)
            x = x[:h, :w].reshape(h // 2, 2, w // 2, 2, c).max((1, 3))
        x = convolved(x, *network.weights[name], borders)
        np.testing.assert_allclose(features[name][0], x, rtol=1e-3, atol=1e-3 * np.abs(x).max())


@pytest.mark.parametrize("borders", BORDERS)
@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 3), (9, 7)])
@pytest.mark.parametrize("shapes", [[(3, 3, 5, 6)], [(1, 1, 5, 2), (3, 3, 2, 3), (1, 1, 3, 6)]])
def test_gradient_is_that_of_tensorflow(borders: Borders, size: tuple[int, int], shapes: list[tuple[int, ...]]) -> None:
    kernels = [RANDOM.normal(size=shape).astype(np.float32) for shape in shapes]
    bias = RANDOM.normal(size=6).astype(np.float32)
    x = tf.constant(RANDOM.normal(size=(1, *size, 5)).astype(np.float32))
    upstream = RANDOM.normal(size=(1, *size, 6)).astype(np.float32)
    indices = [np.pad(np.arange(length), 1, MODES[border]) for length, border in zip(size, borders, strict=True)]
    known = padded(np.ones((*size, 1)), Borders(*(ZERO if b == ZERO else REPLICATE for b in borders)))

    def surrounded(values: tf.Tensor) -> tf.Tensor:
        """Gathered from the inside, and 0 where the border is."""
        return tf.gather(tf.gather(values, indices[0], axis=1), indices[1], axis=2) * known.astype(np.float32)[None]

    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        ours = tf.reduce_sum(FrozenConvolution(kernels, bias, FLOAT32)(x, borders) * upstream)
        chained = x
        for kernel in kernels:
            chained = tf.nn.conv2d(surrounded(chained) if kernel.shape[0] == 3 else chained, kernel, 1, "VALID")
        theirs = tf.reduce_sum(tf.nn.relu(chained + bias) * upstream)
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(tape.gradient(ours, x), tape.gradient(theirs, x), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("borders", [Borders(REPLICATE, REPLICATE), Borders(CIRCULAR, CIRCULAR)])
def test_a_flat_picture_has_flat_features_and_no_border(borders: Borders) -> None:
    lite = load_lite()
    flat = tf.ones([1, 48, 64, 3])
    for values in extractor(lite, lite.layers, "max", FLOAT32, borders)(flat).values():
        assert float(tf.reduce_max(tf.math.reduce_std(values, (1, 2)))) < 1e-4
    zeros = extractor(lite, ("block5_conv1",))(flat)["block5_conv1"]
    assert float(tf.reduce_max(tf.math.reduce_std(zeros, (1, 2)))) > 0.1


def test_borders_are_computed_in_bfloat16_too() -> None:
    lite = load_lite()
    image = tf.constant(RANDOM.normal(size=(1, 32, 32, 3)).astype(np.float32))
    exact, rounded = (
        extractor(lite, ("block3_conv1",), "max", precision, Borders(REPLICATE, CIRCULAR))(image)["block3_conv1"]
        for precision in (FLOAT32, BFLOAT16)
    )
    assert rounded.dtype == tf.bfloat16
    difference = tf.norm(tf.cast(rounded, tf.float32) - exact) / tf.norm(exact)
    assert 0 < float(difference) < 0.03


def test_with_zeros_nothing_is_added_to_the_network() -> None:
    """A plain run must not pay for the option: its graph has TensorFlow's own zero padding, and no other operation."""

    def operations(borders: Borders) -> list[Any]:
        lite = load_lite()
        extract = tf.function(extractor(lite, ("block2_conv2",), "max", FLOAT32, borders))
        return extract.get_concrete_function(tf.TensorSpec([1, 32, 32, 3])).graph.get_operations()

    plain = operations(borders_of(ZERO))
    assert {op.get_attr("padding") for op in plain if op.type == "Conv2D"} == {b"SAME"}
    assert not {"ConcatV2", "Pad", "StridedSlice", "MirrorPad"} & {op.type for op in plain}
    assert "ConcatV2" in {op.type for op in operations(borders_of(REPLICATE))}
