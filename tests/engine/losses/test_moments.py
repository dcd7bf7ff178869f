"""The moments loss, compared with its formula in NumPy and with finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from features import FEATURES, IMITATING, LEFT, OTHERS, PLAIN, READ_OUT
from pooled import gradient_matches_differences, pullback_has_the_gradient_of_the_sums, target_of, value_of

from tfstyle.losses import MomentsLoss
from tfstyle.losses.moments import VARIANCE_FLOOR

TERM = MomentsLoss(("a", "b"))


def expected(features: np.ndarray, others: np.ndarray) -> float:
    """The loss, directly from the features [1, h, w, C]."""
    ours, theirs = (each.astype(float).reshape(-1, each.shape[-1]) for each in (features, others))
    second = [each.T @ each / len(each) for each in (ours, theirs)]
    spread = [np.sqrt(each.var(0) + VARIANCE_FLOOR) for each in (ours, theirs)]
    pairs = (second, [ours.mean(0), theirs.mean(0)], spread)
    return sum(float(np.sum((own - other) ** 2) / np.sum(other**2)) for own, other in pairs)


@pytest.mark.parametrize("name", ["a", "b"])
def test_value_is_that_of_the_formula(name: str) -> None:
    found = value_of(TERM, FEATURES[name], target_of(TERM, OTHERS[name], PLAIN[name]), PLAIN[name])
    assert found == pytest.approx(expected(FEATURES[name], OTHERS[name]), rel=1e-4)


def test_metric_measures_in_the_space_of_the_imitated_network() -> None:
    metric = IMITATING["a"]
    found = value_of(TERM, FEATURES["a"], target_of(TERM, OTHERS["a"], metric), metric)
    assert found == pytest.approx(expected(FEATURES["a"] @ READ_OUT, OTHERS["a"] @ READ_OUT), rel=1e-4)


def test_own_features_have_the_distance_zero() -> None:
    assert value_of(TERM, OTHERS["a"], target_of(TERM, OTHERS["a"], PLAIN["a"]), PLAIN["a"]) == pytest.approx(
        0, abs=1e-9
    )


@pytest.mark.parametrize("metrics", [PLAIN, IMITATING], ids=["plain", "imitating"])
def test_gradient_matches_finite_differences(metrics) -> None:
    gradient_matches_differences(TERM, FEATURES["a"], target_of(TERM, OTHERS["a"], metrics["a"]), metrics["a"])


def test_sums_of_two_parts_add_up_to_those_of_both() -> None:
    parts = [TERM.sums(tf.constant(FEATURES["a"]), each) for each in (LEFT, 1 - LEFT, None)]
    for left, right, whole in zip(*parts, strict=True):
        np.testing.assert_allclose(left + right, whole, rtol=1e-5)


def test_pullback_has_the_gradient_of_the_sums() -> None:
    random = np.random.default_rng(0)
    products, means = random.normal(size=(3, 3)).astype(np.float32), random.normal(size=3).astype(np.float32)
    by_sums = tf.constant(products + products.T), tf.constant(means)
    gradient = pullback_has_the_gradient_of_the_sums(TERM, FEATURES["a"], by_sums)
    flat = FEATURES["a"].reshape(-1, 3)
    np.testing.assert_allclose(gradient.reshape(-1, 3), 2 * flat @ by_sums[0].numpy() + means, rtol=1e-4, atol=1e-5)


def test_target_takes_the_counted_bytes() -> None:
    target = target_of(TERM, OTHERS["b"], PLAIN["b"])
    assert TERM.target_bytes("block1_conv1", 4, 6) == sum(np.asarray(part).nbytes for part in target)
