"""Each loss against its formula in NumPy, and the algebra of terms."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tfstyle.colour import BRIGHTEST, DARKEST
from tfstyle.losses import ContentLoss, GamutPenalty, StyleLoss, Synthesis, TotalVariation, gram_matrix
from tfstyle.networks.network import LayerMetric

RANDOM = np.random.default_rng(5)
IMAGE = RANDOM.normal(size=(1, 5, 7, 3)).astype(np.float32)
FEATURES = {"a": RANDOM.random((1, 4, 6, 3), np.float32), "b": RANDOM.random((1, 2, 3, 4), np.float32)}
OTHERS = {"a": RANDOM.random((1, 4, 6, 3), np.float32), "b": RANDOM.random((1, 2, 3, 4), np.float32)}
PLAIN = {"a": LayerMetric(3), "b": LayerMetric(4)}
SEEN = Synthesis(tf.constant(IMAGE), {name: tf.constant(value) for name, value in FEATURES.items()})


def gram(features: np.ndarray) -> np.ndarray:
    channels = features.shape[-1]
    flat = features.astype(float).reshape(-1, channels).T
    return flat @ flat.T / (channels * flat.shape[1])


def test_gram_matrix() -> None:
    np.testing.assert_allclose(gram_matrix(tf.constant(FEATURES["a"]), 3), gram(FEATURES["a"]), rtol=1e-5)


def test_content_loss_is_the_mean_square_difference_by_layer() -> None:
    values = ContentLoss({name: tf.constant(value) for name, value in OTHERS.items()}, PLAIN).by_layer(SEEN)
    for name in FEATURES:
        assert float(values[name]) == pytest.approx(np.mean((FEATURES[name] - OTHERS[name]) ** 2), rel=1e-5)


def test_style_loss_is_the_mean_square_difference_of_gram_matrices() -> None:
    values = StyleLoss({name: tf.constant(gram(v), tf.float32) for name, v in OTHERS.items()}, PLAIN).by_layer(SEEN)
    for name in FEATURES:
        expected = np.mean((gram(FEATURES[name]) - gram(OTHERS[name])) ** 2)
        assert float(values[name]) == pytest.approx(expected, rel=1e-4)


def test_metric_measures_in_the_imitated_networks_space() -> None:
    read_out = RANDOM.normal(size=(3, 10))  # 3 kept channels, 10 of the teacher
    metric = {"a": LayerMetric(10, (read_out @ read_out.T).astype(np.float32))}
    teacher = {
        name: {"a": values[name]["a"] @ read_out}
        for name, values in (("seen", {"seen": FEATURES}), ("wanted", {"wanted": OTHERS}))
    }
    content = ContentLoss({"a": tf.constant(OTHERS["a"])}, metric).by_layer(SEEN)["a"]
    assert float(content) == pytest.approx(np.mean((teacher["seen"]["a"] - teacher["wanted"]["a"]) ** 2), rel=1e-4)
    style = StyleLoss({"a": gram_matrix(tf.constant(OTHERS["a"]), 10)}, metric).by_layer(SEEN)["a"]
    expected = np.mean((gram(teacher["seen"]["a"]) - gram(teacher["wanted"]["a"])) ** 2)
    assert float(style) == pytest.approx(expected, rel=1e-4)


def test_total_variation() -> None:
    down = np.abs(np.diff(IMAGE, axis=1)).mean()
    across = np.abs(np.diff(IMAGE, axis=2)).mean()
    assert float(TotalVariation().by_layer(SEEN)["image"]) == pytest.approx(0.5 * (down + across), rel=1e-5)


def test_gamut_penalty_is_zero_inside_and_quadratic_outside() -> None:
    def penalty(image: np.ndarray) -> float:
        return float(GamutPenalty().by_layer(Synthesis(tf.constant(image.astype(np.float32)), {}))["image"])

    inside = RANDOM.uniform(DARKEST, BRIGHTEST, (1, 4, 4, 3))
    assert penalty(inside) == 0
    assert penalty(np.broadcast_to(BRIGHTEST + 0.5, (1, 4, 4, 3))) == pytest.approx(0.25, rel=1e-5)
    assert penalty(np.broadcast_to(DARKEST - 2, (1, 4, 4, 3))) == pytest.approx(4, rel=1e-5)


def test_terms_add_and_scale() -> None:
    content = ContentLoss({"a": tf.constant(OTHERS["a"])}, PLAIN)
    variation = TotalVariation()
    loss = 2 * (content + 10 * variation) + 0.5 * GamutPenalty()
    total, parts = loss(SEEN)
    expected = (
        2 * float(parts["content"]["a"]) + 20 * float(parts["tv"]["image"]) + 0.5 * float(parts["gamut"]["image"])
    )
    assert float(total) == pytest.approx(expected, rel=1e-6)
    assert str(loss) == "2 content + 20 tv + 0.5 gamut"
