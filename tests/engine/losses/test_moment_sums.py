"""Sums of features and their products, and their gradient, compared with NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tfstyle.losses.moment_sums import moment_sums

RANDOM = np.random.default_rng(0)
FEATURES = RANDOM.normal(1, 1, (1, 6, 7, 5)).astype(np.float32)
WEIGHTS = RANDOM.uniform(0, 1, (1, 6, 7, 1)).astype(np.float32)
BY_PRODUCTS = RANDOM.normal(size=(5, 5)).astype(np.float32)
BY_FEATURES = RANDOM.normal(size=5).astype(np.float32)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize(("kind", "tolerance"), [("float32", 1e-5), ("bfloat16", 1e-2)])
def test_sums_are_those_of_numpy_and_float32(kind: str, tolerance: float, weights: np.ndarray | None) -> None:
    flat = FEATURES.reshape(-1, 5).astype(float)
    counted = flat if weights is None else flat * weights.reshape(-1, 1)
    products, features = moment_sums(tf.cast(FEATURES, kind), weights)
    assert products.dtype == features.dtype == tf.float32
    np.testing.assert_allclose(products, counted.T @ flat, rtol=tolerance, atol=tolerance * 42)
    np.testing.assert_allclose(features, counted.sum(0), rtol=tolerance, atol=tolerance * 42)


@pytest.mark.parametrize(("kind", "tolerance"), [("float32", 1e-5), ("bfloat16", 3e-2)])
def test_gradient_is_that_of_numpy_in_the_precision_of_the_features(kind: str, tolerance: float) -> None:
    features = tf.cast(FEATURES, kind)
    with tf.GradientTape() as tape:
        tape.watch(features)
        products, sums = moment_sums(features, None)
        total = tf.reduce_sum(products * BY_PRODUCTS) + tf.reduce_sum(sums * BY_FEATURES)
    gradient = tape.gradient(total, features)
    expected = FEATURES.reshape(-1, 5).astype(float) @ (BY_PRODUCTS + BY_PRODUCTS.T) + BY_FEATURES
    assert gradient.dtype == features.dtype
    np.testing.assert_allclose(
        tf.cast(gradient, tf.float32).numpy().reshape(-1, 5), expected, atol=tolerance * np.abs(expected).max()
    )
