"""The neighbours loss of single layers, compared with its formula in NumPy and with finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from matched import gradient_matches_differences, matched, total_of

from tfstyle.losses import LayerNeighboursLoss, layer_neighbours, matching
from tfstyle.masks import BlockWeights
from tfstyle.networks.network import LayerMetric

RANDOM = np.random.default_rng(6)
TERM = LayerNeighboursLoss(("block1_conv1", "block2_conv1"))
METRICS = {"block1_conv1": LayerMetric(3), "block2_conv1": LayerMetric(4)}
READ_OUT = RANDOM.normal(size=(3, 9)).astype(np.float32)


def maps(height: int, width: int) -> dict[str, np.ndarray]:
    return {
        "block1_conv1": RANDOM.random((1, height, width, 3), np.float32),
        "block2_conv1": RANDOM.random((1, height // 2, width // 2, 4), np.float32),
    }


QUERY, PICTURE, PAINTING, TURNED = maps(4, 6), maps(4, 6), maps(6, 4), maps(4, 6)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def expected(query: np.ndarray, picture: np.ndarray, among: np.ndarray) -> float:
    """The loss of a layer, from rows [n, c]."""
    wanted = unit(among - among.mean(0))
    targets = wanted[(unit(query - query.mean(0)) @ wanted.T).argmax(1)]
    return float(np.mean(np.sum((unit(picture - query.mean(0)) - targets) ** 2, 1)))


def rows(features: np.ndarray) -> np.ndarray:
    return features.reshape(-1, features.shape[-1])


def test_each_layer_has_its_own_neighbours() -> None:
    values = TERM.by_layer(PICTURE, matched(TERM, QUERY, [(PAINTING, None), (TURNED, None)], METRICS), METRICS)
    assert list(values) == list(TERM.layers)
    for layer, value in values.items():
        among = np.concatenate([rows(PAINTING[layer]), rows(TURNED[layer])])
        assert float(value) == pytest.approx(expected(rows(QUERY[layer]), rows(PICTURE[layer]), among), rel=2e-3)


def test_metric_measures_in_the_space_of_the_imitated_network() -> None:
    term, metrics = LayerNeighboursLoss(("block1_conv1",)), {"block1_conv1": LayerMetric(9, READ_OUT)}
    value = total_of(term, PICTURE, matched(term, QUERY, [(PAINTING, None)], metrics), metrics)
    imitated = [rows(each["block1_conv1"]) @ READ_OUT for each in (QUERY, PICTURE, PAINTING)]
    assert float(value) == pytest.approx(expected(*imitated), rel=1e-3)


def test_gradient_is_that_of_finite_differences() -> None:
    gradient_matches_differences(TERM, PICTURE, matched(TERM, QUERY, [(PAINTING, None)], METRICS), METRICS)


def test_only_visible_places_of_the_painting_are_chosen() -> None:
    weights = np.zeros((6, 4), np.float32)
    weights[:, :2] = 1
    targets = matched(TERM, QUERY, [(PAINTING, BlockWeights(weights))], METRICS)
    value = TERM.by_layer(PICTURE, targets, METRICS)["block1_conv1"]
    among = rows(PAINTING["block1_conv1"][:, :, :2])
    query, picture = rows(QUERY["block1_conv1"]), rows(PICTURE["block1_conv1"])
    assert float(value) == pytest.approx(expected(query, picture, among), rel=2e-3)


def test_of_large_paintings_some_places_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_neighbours, "MOST_COLUMNS", 6)
    targets = matched(TERM, QUERY, [(PAINTING, None)], METRICS)
    value = TERM.by_layer(PICTURE, targets, METRICS)["block1_conv1"]
    drawn = matching.places((6, 4), None, "block1_conv1", 6)
    assert len(drawn) == 6
    among = rows(PAINTING["block1_conv1"])[drawn]
    query, picture = rows(QUERY["block1_conv1"]), rows(PICTURE["block1_conv1"])
    assert float(value) == pytest.approx(expected(query, picture, among), rel=2e-3)
    cost = TERM.matching_cost({"block1_conv1": 3, "block2_conv1": 4}, 24, 24)
    # Both in the subspace, which has all dimensions here, and compared there.
    assert cost.work == 3 * (24 * (4 * 6) + 3 * (24 + 4 * 6)) + 4 * (6 * (4 * 6) + 4 * (6 + 4 * 6))


def test_a_layer_with_one_position_has_a_small_gradient() -> None:
    term, metrics = LayerNeighboursLoss(("block1_conv1",)), {"block1_conv1": LayerMetric(3)}
    one = {"block1_conv1": QUERY["block1_conv1"][:, :1, :1]}
    targets = matched(term, one, [(PAINTING, None)], metrics)
    features = tf.constant(one["block1_conv1"])
    with tf.GradientTape() as tape:
        tape.watch(features)
        total = total_of(term, {"block1_conv1": features}, targets, metrics)
    assert np.abs(tape.gradient(total, features)).max() < 1e3


def test_query_is_the_picture_itself_and_targets_take_the_counted_bytes() -> None:
    start = RANDOM.random((1, 4, 6, 3), np.float32)
    assert TERM.query(np.zeros_like(start), start, None) is start
    for layer, target in matched(TERM, QUERY, [(PAINTING, None)], METRICS).items():
        channels = QUERY[layer].shape[-1]
        assert TERM.target_bytes(layer, channels, 24) == sum(np.asarray(part).nbytes for part in target)
