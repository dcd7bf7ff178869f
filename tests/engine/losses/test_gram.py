"""The Gram loss, compared with its formula in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from features import FEATURES, IMITATING, LEFT, OTHERS, PLAIN, READ_OUT
from pooled import pullback_has_the_gradient_of_the_sums

from tfstyle.losses import GramLoss

TERM = GramLoss(("a", "b"))


def gram(features: np.ndarray) -> np.ndarray:
    channels = features.shape[-1]
    flat = features.astype(float).reshape(-1, channels).T
    return flat @ flat.T / (channels * flat.shape[1])


def target(name: str, metrics=PLAIN) -> tf.Tensor:
    count = OTHERS[name].shape[1] * OTHERS[name].shape[2]
    return TERM.statistics(TERM.sums(tf.constant(OTHERS[name]), None), count, metrics[name])


@pytest.mark.parametrize("name", ["a", "b"])
def test_statistics_are_the_gram_matrix(name: str) -> None:
    np.testing.assert_allclose(target(name), gram(OTHERS[name]), rtol=1e-5)
    assert TERM.target_bytes("block1_conv1", OTHERS[name].shape[-1], 1) == target(name).numpy().nbytes


def test_value_is_the_mean_squared_difference_of_gram_matrices() -> None:
    values = TERM.by_layer(FEATURES, {name: target(name) for name in FEATURES}, PLAIN)
    for name in FEATURES:
        expected = np.mean((gram(FEATURES[name]) - gram(OTHERS[name])) ** 2)
        assert float(values[name]) == pytest.approx(expected, rel=1e-4)


def test_metric_measures_in_the_space_of_the_imitated_network() -> None:
    value = TERM.by_layer(FEATURES, {"a": target("a", IMITATING)}, IMITATING)["a"]
    expected = np.mean((gram(FEATURES["a"] @ READ_OUT) - gram(OTHERS["a"] @ READ_OUT)) ** 2)
    assert float(value) == pytest.approx(expected, rel=1e-4)


def test_sums_are_weighted_by_position() -> None:
    soft = np.where(LEFT == 1, np.float32(1), np.float32(0.25))
    flat = FEATURES["a"].astype(float).reshape(-1, 3)
    expected = (flat * soft.reshape(-1, 1)).T @ flat
    np.testing.assert_allclose(TERM.sums(tf.constant(FEATURES["a"]), soft), expected, rtol=1e-5)
    left, right, whole = (TERM.sums(tf.constant(FEATURES["a"]), each) for each in (LEFT, 1 - LEFT, None))
    np.testing.assert_allclose(left + right, whole, rtol=1e-5)
    alone = TERM.statistics(left, LEFT.sum(), PLAIN["a"])
    np.testing.assert_allclose(alone, gram(FEATURES["a"][:, :, :2]), rtol=1e-5)


def test_pullback_has_the_gradient_of_the_sums() -> None:
    derivative = np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32)
    by_sums = tf.constant(derivative + derivative.T)
    gradient = pullback_has_the_gradient_of_the_sums(TERM, FEATURES["a"], by_sums)
    flat = FEATURES["a"].reshape(-1, 3)
    np.testing.assert_allclose(gradient.reshape(-1, 3), 2 * flat @ by_sums.numpy(), rtol=1e-4, atol=1e-5)
