"""The networks: forward pass, gradient, normalisation."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from scipy.signal import correlate

from tfstyle.networks import extractor as extractor_module
from tfstyle.networks.extractor import Extractor, extractor
from tfstyle.networks.layers import POOLINGS, FrozenConvolution
from tfstyle.networks.lite import load_lite
from tfstyle.networks.network import LayerMetric, Network, Weights
from tfstyle.networks.normalisation import normalise, shipped_mean_activations
from tfstyle.networks.topology import BLOCKS, CONVOLUTIONS, LITE_CONVOLUTIONS, block_of
from tfstyle.precision import BFLOAT16, FLOAT32

RANDOM = np.random.default_rng(3)
IMAGE = RANDOM.normal(size=(1, 33, 50, 3)).astype(np.float32)


def small_vgg19() -> Network:
    """VGG19's topology with 4 channels a layer and random weights."""
    weights: Weights = {
        name: (
            RANDOM.normal(0, 0.3, (3, 3, 3 if name == "block1_conv1" else 4, 4)).astype(np.float32),
            RANDOM.normal(0, 0.1, 4).astype(np.float32),
        )
        for name in CONVOLUTIONS
    }
    return Network("vgg19", "random", "", weights, {n: LayerMetric(4) for n in CONVOLUTIONS}, caffe_input=True)


def convolved(image: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Zero-padded 3 x 3 convolution and ReLU of [h, w, c] by SciPy, in float64."""
    maps = [
        sum(correlate(image[..., c], kernel[..., c, k], mode="same") for c in range(image.shape[-1])) + bias[k]
        for k in range(kernel.shape[-1])
    ]
    return np.maximum(np.stack(maps, -1), 0)


def pooled(features: np.ndarray, reduce: object) -> np.ndarray:
    h, w, c = features.shape
    return reduce(features[: h // 2 * 2, : w // 2 * 2].reshape(h // 2, 2, w // 2, 2, c), axis=(1, 3))  # type: ignore[operator]


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_forward_pass_agrees_with_scipy(pooling: str) -> None:
    network = small_vgg19()
    features = extractor(network, LITE_CONVOLUTIONS, pooling)(tf.constant(IMAGE))
    rgb = IMAGE[0].astype(float) * [0.229, 0.224, 0.225] + [0.485, 0.456, 0.406]
    x = rgb[..., ::-1] * 255 - [103.939, 116.779, 123.68]
    block = 1
    for name in LITE_CONVOLUTIONS:
        if block_of(name) > block:
            x, block = pooled(x, np.max if pooling == "max" else np.mean), block_of(name)
        x = convolved(x, *network.weights[name])
        np.testing.assert_allclose(features[name][0], x, rtol=1e-3, atol=1e-3 * np.abs(x).max())


@pytest.mark.parametrize("shapes", [[(3, 3, 5, 6)], [(1, 1, 5, 2), (3, 3, 2, 3), (1, 1, 3, 6)]])
def test_flipped_kernels_give_the_same_gradient_as_tensorflow(shapes: list[tuple[int, ...]]) -> None:
    kernels = [RANDOM.normal(size=shape).astype(np.float32) for shape in shapes]
    bias = RANDOM.normal(size=6).astype(np.float32)
    layer = FrozenConvolution(kernels, bias, FLOAT32)
    x = tf.constant(RANDOM.normal(size=(1, 9, 7, 5)).astype(np.float32))
    upstream = RANDOM.normal(size=(1, 9, 7, 6)).astype(np.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        ours = tf.reduce_sum(layer(x) * upstream)
        chained = x
        for kernel in kernels:
            chained = tf.nn.conv2d(chained, kernel, 1, "SAME")
        theirs = tf.reduce_sum(tf.nn.relu(chained + bias) * upstream)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    np.testing.assert_allclose(tape.gradient(ours, x), tape.gradient(theirs, x), rtol=1e-3, atol=1e-3)


def test_low_rank_chain_equals_its_product_kernel() -> None:
    reduce, middle, expand = (
        RANDOM.normal(size=shape).astype(np.float32) for shape in ((1, 1, 5, 2), (3, 3, 2, 3), (1, 1, 3, 6))
    )
    product = np.einsum("ir,hwrs,so->hwio", reduce[0, 0], middle, expand[0, 0]).astype(np.float32)
    bias = RANDOM.normal(size=6).astype(np.float32)
    x = tf.constant(RANDOM.normal(size=(1, 9, 7, 5)).astype(np.float32))
    chain, kernel = (FrozenConvolution(each, bias, FLOAT32) for each in ([reduce, middle, expand], [product]))
    np.testing.assert_allclose(chain(x), kernel(x), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_pooling_agrees_with_numpy_and_drops_odd_borders(pooling: str) -> None:
    x = RANDOM.normal(size=(1, 7, 10, 3)).astype(np.float32)
    expected = pooled(x[0], {"max": np.max, "average": np.mean}[pooling])
    np.testing.assert_allclose(POOLINGS[pooling](x)[0], expected, rtol=1e-5)


def test_extractor_ends_at_the_deepest_requested_layer() -> None:
    graph = traced(extractor(small_vgg19(), ("block3_conv2", "block1_conv1")))
    assert sorted(graph.structured_outputs) == ["block1_conv1", "block3_conv2"]
    convolutions = [node for node in graph.graph.as_graph_def().node if node.op == "Conv2D"]
    assert len(convolutions) == CONVOLUTIONS.index("block3_conv2") + 1


def test_extractors_of_one_precision_share_their_kernels() -> None:
    network = small_vgg19()
    captured = [
        {id(tensor) for tensor in traced(extractor(network, ("block2_conv1",), *how)).graph.external_captures}
        for how in (("max",), ("average",), ("max", BFLOAT16))
    ]
    assert captured[0] == captured[1]
    assert len(captured[0]) == 6
    assert len(captured[0] & captured[2]) == 2, "the first convolution, which is float32 in any case"


def test_kernels_are_freed_with_their_network() -> None:
    network = small_vgg19()
    kernels = weakref.ref(extractor_module._convolution(network, "block1_conv1", FLOAT32))
    assert kernels() is extractor_module._convolution(network, "block1_conv1", FLOAT32)
    del network
    gc.collect()
    assert kernels() is None


def traced(extract: Extractor) -> Any:
    return tf.function(extract).get_concrete_function(tf.TensorSpec(IMAGE.shape))


def test_normalisation_only_scales_layers() -> None:
    network = small_vgg19()
    means = {name: float(value) for name, value in zip(CONVOLUTIONS, RANDOM.uniform(0.1, 9, 16), strict=True)}
    normal = Network("vgg19", "", "", normalise(network.weights, means), network.metrics, caffe_input=True)
    raw, scaled = (extractor(n, CONVOLUTIONS)(tf.constant(IMAGE)) for n in (network, normal))
    for name in CONVOLUTIONS:
        np.testing.assert_allclose(scaled[name] * means[name], raw[name], rtol=1e-3, atol=1e-3)


def test_shipped_means_cover_every_layer() -> None:
    means = shipped_mean_activations()
    assert tuple(means) == CONVOLUTIONS
    assert min(means.values()) > 0
    assert len(LITE_CONVOLUTIONS) == 13


def test_topology_matches_vgg19() -> None:
    assert sum(BLOCKS) == len(CONVOLUTIONS) == 16
    assert CONVOLUTIONS[:3] == ("block1_conv1", "block1_conv2", "block2_conv1")
    assert CONVOLUTIONS[-1] == "block5_conv4"


def test_lite_has_vgg19s_layer_names_and_metrics_in_its_space() -> None:
    lite = load_lite()
    assert lite.layers == LITE_CONVOLUTIONS
    features = extractor(lite, lite.layers)(tf.constant(IMAGE))
    for name in LITE_CONVOLUTIONS:
        metric, width = lite.metrics[name], features[name].shape[-1]
        assert metric.channels == {1: 64, 2: 128, 3: 256, 4: 512, 5: 512}[block_of(name)]
        if metric.matrix is None:
            assert width == metric.channels
        else:
            assert metric.matrix.shape == (width, width)
            np.testing.assert_allclose(metric.matrix, metric.matrix.T, rtol=1e-3, atol=1e-3)
            assert np.linalg.eigvalsh(metric.matrix.astype(float)).min() > -1e-3


def test_lite_features_have_the_scale_of_the_normalised_network(landscape: bytes) -> None:
    """In VGG19's normalised space, the mean square of a photo's features is between 1 and 40."""
    from tfstyle.colour import standardise
    from tfstyle.images import decode

    lite = load_lite()
    features = extractor(lite, ("block4_conv4",))(tf.constant(standardise(decode(landscape, "content").pixels)))
    assert lite.metrics["block4_conv4"].matrix is None
    assert 1 < float(tf.reduce_mean(features["block4_conv4"] ** 2)) < 40


def test_lite_takes_less_than_a_seventh_of_vgg19s_multiplications() -> None:
    full = sum(
        9 * below * here / 4 ** (block_of(name) - 1)
        for name, below, here in zip(
            LITE_CONVOLUTIONS,
            (3, 64, 64, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512),
            (64, 64, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512, 512),
            strict=True,
        )
    )
    assert load_lite().work < full / 7
