"""The Wasserstein loss, compared with its formula in float64 and with finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from features import FEATURES, IMITATING, OTHERS, PLAIN, READ_OUT
from pooled import gradient_matches_differences, statistics_of, target_of, value_of

from tfstyle.losses import WassersteinLoss, wasserstein
from tfstyle.losses.wasserstein import RIDGE, ROOT_STEPS
from tfstyle.networks.network import LayerMetric

TERM = WassersteinLoss(("a", "b"))


def root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def gaussian(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    flat = features.astype(float).reshape(-1, features.shape[-1])
    return flat.mean(0), np.cov(flat, rowvar=False, bias=True)


def expected(features: np.ndarray, others: np.ndarray, ridge: np.ndarray | float) -> float:
    """The loss, directly from the features [1, h, w, C], with `ridge` on the covariances."""
    (mean, covariance), (mean_s, covariance_s) = gaussian(features), gaussian(others)
    covariance, covariance_s = covariance + ridge, covariance_s + ridge
    half = root(covariance_s)
    spread = np.trace(covariance + covariance_s - 2 * root(half @ covariance @ half))
    return float((np.sum((mean - mean_s) ** 2) + spread) / len(mean))


@pytest.mark.parametrize("name", ["a", "b"])
def test_value_is_that_of_the_formula(name: str) -> None:
    found = value_of(TERM, FEATURES[name], target_of(TERM, OTHERS[name], PLAIN[name]), PLAIN[name])
    ridge = RIDGE * np.eye(FEATURES[name].shape[-1])
    assert found == pytest.approx(expected(FEATURES[name], OTHERS[name], ridge), rel=1e-2, abs=2e-5)


def test_value_of_many_channels_with_a_wide_spectrum() -> None:
    random = np.random.default_rng(0)
    spectrum = np.exp(-np.linspace(0, 7, 128)).astype(np.float32) * 3
    mixing = [np.linalg.qr(random.normal(size=(128, 128)))[0].astype(np.float32) for _ in range(2)]
    features, others = (
        1 + (random.normal(size=(1, 20, 30, 128)).astype(np.float32) * spectrum) @ mixed for mixed in mixing
    )
    metric = LayerMetric(128)
    found = value_of(TERM, features, target_of(TERM, others, metric), metric)
    assert found == pytest.approx(expected(features, others, RIDGE * np.eye(128)), rel=4e-2)


def test_metric_measures_in_the_space_of_the_imitated_network() -> None:
    metric = IMITATING["a"]
    found = value_of(TERM, FEATURES["a"], target_of(TERM, OTHERS["a"], metric), metric)
    # The ridge is small beside these features; the imitated network's covariance has rank 3 of 10.
    assert found == pytest.approx(expected(FEATURES["a"] @ READ_OUT, OTHERS["a"] @ READ_OUT, 0.0), rel=1e-2)


def test_own_features_have_almost_no_distance() -> None:
    target = target_of(TERM, OTHERS["a"], PLAIN["a"])
    other = value_of(TERM, FEATURES["a"], target, PLAIN["a"])
    assert abs(value_of(TERM, OTHERS["a"], target, PLAIN["a"])) < 0.02 * other


@pytest.mark.parametrize("metrics", [PLAIN, IMITATING], ids=["plain", "imitating"])
def test_gradient_matches_finite_differences(metrics) -> None:
    target = target_of(TERM, OTHERS["a"], metrics["a"])
    gradient_matches_differences(TERM, FEATURES["a"], target, metrics["a"], tolerance=1e-2)


def test_magnitude_is_the_mean_square_of_the_style_picture_s_features() -> None:
    target = target_of(TERM, OTHERS["a"], PLAIN["a"])
    assert float(TERM.magnitude(target, PLAIN["a"])) == pytest.approx(np.mean(OTHERS["a"] ** 2), rel=2e-2)


def test_style_of_one_position_has_a_finite_value_and_gradient() -> None:
    target = target_of(TERM, OTHERS["a"][:, :1, :1], PLAIN["a"])
    features = tf.constant(FEATURES["a"])
    with tf.GradientTape() as tape:
        tape.watch(features)
        value = TERM.distance(statistics_of(TERM, features, PLAIN["a"]), target, PLAIN["a"])
    assert float(value) > 0
    assert np.isfinite(tape.gradient(value, features).numpy()).all()


def test_several_styles_average_mean_and_second_moment_not_covariance() -> None:
    apart = [np.full((1, 2, 2, 3), level, np.float32) for level in (0.5, 1.5)]
    statistics = [statistics_of(TERM, tf.constant(each), PLAIN["a"]) for each in apart]
    blended = tuple((a + b) / 2 for a, b in zip(*statistics, strict=True))
    target = TERM.target(blended, PLAIN["a"])
    np.testing.assert_allclose(target.mean, [1, 1, 1], rtol=1e-6)
    # The two directions without variance but the ridge's are left to the rest.
    root = target.leading * target.spread
    np.testing.assert_allclose(root @ tf.transpose(root), np.full((3, 3), 0.25 + RIDGE / 3), rtol=1e-4)
    assert float(target.rest) == pytest.approx(2 * RIDGE, rel=1e-3)
    assert TERM.target_bytes("block1_conv1", 3, 4) == sum(np.asarray(part).nbytes for part in target)


def test_directions_beyond_the_leading_ones_are_compared_by_their_variance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wasserstein, "DIRECTIONS", 2)
    own, other = np.diag([9.0, 4.0, 1.0, 0.5]), np.diag([4.0, 2.0, 0.3, 0.2])
    means = np.ones(4), np.full(4, 0.5)
    metric = LayerMetric(4)

    def statistics(mean: np.ndarray, covariance: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
        second = covariance + np.outer(mean, mean)
        return tf.constant(second.astype(np.float32)), tf.constant(mean.astype(np.float32))

    found = TERM.distance(statistics(means[1], other), TERM.target(statistics(means[0], own), metric), metric)
    overlap = 3 * 2 + 2 * np.sqrt(2) + np.sqrt(1.5 * 0.5)
    assert float(found) == pytest.approx((4 * 0.25 + 14.5 + 6.5 - 2 * overlap) / 4, rel=1e-2)


def test_polynomials_of_the_root_take_everything_to_1() -> None:
    numbers = np.geomspace(5e-4, 1, 100_001)
    for first, third, fifth in ROOT_STEPS:
        numbers = first * numbers + third * numbers**3 + fifth * numbers**5
    assert np.abs(numbers - 1).max() < 1e-5


def test_root_of_a_matrix_that_is_singular_up_to_rounding() -> None:
    random = np.random.default_rng(1)
    vectors = np.linalg.qr(random.normal(size=(64, 64)))[0]
    values = np.concatenate([np.geomspace(1, 1e-3, 32), random.choice([-1e-7, 1e-7], 32)])
    matrix = tf.constant((vectors * values @ vectors.T).astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(matrix)
        trace = wasserstein._trace_of_root(matrix)
    assert float(trace) == pytest.approx(np.sqrt(values[:32]).sum(), rel=1e-2)
    assert np.isfinite(tape.gradient(trace, matrix).numpy()).all()
