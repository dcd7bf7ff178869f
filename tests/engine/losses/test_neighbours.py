"""The neighbours loss, compared with its formula in NumPy and with finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from matched import gradient_matches_differences, matched, total_of

from tfstyle.losses import NeighboursLoss, loss_from_options
from tfstyle.losses.neighbours import _distances
from tfstyle.masks import BlockWeights
from tfstyle.networks.network import LayerMetric
from tfstyle.presets import resolve_options
from tfstyle.tensorflow_backend import tf

RANDOM = np.random.default_rng(4)
LAYERS = ("block3_conv1", "block4_conv1")
TERM = NeighboursLoss(LAYERS)
METRICS = {"block3_conv1": LayerMetric(3), "block4_conv1": LayerMetric(2)}
READ_OUT = RANDOM.normal(size=(3, 9)).astype(np.float32)
IMITATING = {"block3_conv1": LayerMetric(9, READ_OUT), "block4_conv1": LayerMetric(2)}


def maps(height: int, width: int) -> dict[str, np.ndarray]:
    """Features of both layers; those of block 4 have one position, so that interpolating them repeats it."""
    return {
        "block3_conv1": RANDOM.random((1, height, width, 3), np.float32),
        "block4_conv1": RANDOM.random((1, 1, 1, 2), np.float32),
    }


QUERY, PICTURE, PAINTING, TURNED = maps(3, 2), maps(3, 2), maps(4, 2), maps(2, 4)


def columns(features: dict[str, np.ndarray], weights=(1.0, 1.0), read_out: np.ndarray | None = None) -> np.ndarray:
    """Hypercolumns [n, c]."""
    fine = features["block3_conv1"].reshape(-1, 3)
    fine = fine / 3 if read_out is None else fine @ read_out / 9
    coarse = np.repeat(features["block4_conv1"].reshape(1, 2) / 2, len(fine), 0)
    return np.concatenate([fine * weights[0], coarse * weights[1]], 1)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def expected(among: np.ndarray, **how) -> float:
    """The loss of PICTURE with targets for QUERY from the columns `among`."""
    query = columns(QUERY, **how)
    similar = unit(query - query.mean(0)) @ unit(among - among.mean(0)).T
    targets = unit(among)[similar.argmax(1)]
    return float(np.mean(np.sum((unit(columns(PICTURE, **how)) - targets) ** 2, 1)))


def value(term: NeighboursLoss, views, metrics=METRICS) -> float:
    return float(total_of(term, PICTURE, matched(term, QUERY, views, metrics), metrics))


def test_value_is_the_squared_distance_of_directions_from_those_of_the_nearest_columns() -> None:
    among = np.concatenate([columns(PAINTING), columns(TURNED)])
    assert value(TERM, [(PAINTING, None), (TURNED, None)]) == pytest.approx(expected(among), rel=1e-4)
    assert value(TERM, [(PAINTING, None)]) == pytest.approx(expected(columns(PAINTING)), rel=1e-4)


def test_value_is_twice_the_cosine_distance() -> None:
    targets = matched(TERM, QUERY, [(PAINTING, None)], METRICS)
    rows = np.concatenate([np.reshape(targets[layer], [6, -1]) for layer in LAYERS], 1)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    cosines = np.sum(unit(columns(PICTURE)) * rows, 1)
    assert float(total_of(TERM, PICTURE, targets, METRICS)) == pytest.approx(2 * np.mean(1 - cosines), rel=1e-4)


def test_layer_weights_multiply_the_parts_of_hypercolumns() -> None:
    term = NeighboursLoss(LAYERS, (2.0, 0.5))
    lengths = np.sqrt([2.0, 0.5])
    among = columns(PAINTING, lengths)
    assert value(term, [(PAINTING, None)]) == pytest.approx(expected(among, weights=lengths), rel=1e-4)
    assert value(term, [(PAINTING, None)]) != pytest.approx(value(TERM, [(PAINTING, None)]), rel=0.01)
    for factor in (1e-9, 1e6):
        other = NeighboursLoss(LAYERS, (2.0 * factor, 0.5 * factor))
        assert value(other, [(PAINTING, None)]) == pytest.approx(value(term, [(PAINTING, None)]), rel=1e-4)
    without = expected(columns(PAINTING, (0, 1)), weights=(0, 1))
    assert value(NeighboursLoss(LAYERS, (0.0, 1.0)), [(PAINTING, None)]) == pytest.approx(without, rel=1e-4)


def test_metric_measures_in_the_space_of_the_imitated_network() -> None:
    found = value(TERM, [(PAINTING, None)], IMITATING)
    assert found == pytest.approx(expected(columns(PAINTING, read_out=READ_OUT), read_out=READ_OUT), rel=1e-3)


def test_only_visible_places_of_the_painting_are_chosen() -> None:
    weights = np.zeros((16, 8), np.float32)
    weights[:8] = 0.7  # the upper two of four rows of hypercolumns
    found = value(TERM, [(PAINTING, BlockWeights(weights))])
    assert found == pytest.approx(expected(columns(PAINTING)[:4]), rel=1e-4)
    assert found != pytest.approx(value(TERM, [(PAINTING, None)]), rel=1e-3)


@pytest.mark.parametrize("metrics", [METRICS, IMITATING])
def test_gradient_is_that_of_finite_differences(metrics) -> None:
    gradient_matches_differences(TERM, PICTURE, matched(TERM, QUERY, [(PAINTING, None)], metrics), metrics)


def test_gradient_of_layers_with_weights_of_their_own_is_that_of_finite_differences() -> None:
    shapes = (1, 3, 4, 2), (1, 3, 4, 5)
    parts, targets = ([RANDOM.normal(size=shape) for shape in shapes] for _ in range(2))
    factors = 3.0, -0.7

    def expected(parts: list[np.ndarray]) -> float:
        length = np.sqrt(sum((part**2).sum(-1, keepdims=True) for part in parts))
        distances = (
            ((part / length - target) ** 2).sum(-1).mean() for part, target in zip(parts, targets, strict=True)
        )
        return sum(factor * distance for factor, distance in zip(factors, distances, strict=True))

    variables = [tf.constant(part, tf.float32) for part in parts]
    with tf.GradientTape() as tape:
        tape.watch(variables)
        found = _distances(variables, [tf.constant(target, tf.float32) for target in targets])
        total = tf.add_n([factor * value for factor, value in zip(factors, found, strict=True)])
    assert float(total) == pytest.approx(expected(parts), rel=1e-5)
    for layer, gradient in enumerate(tape.gradient(total, variables)):
        for place in [(0, 0, 0, 0), (0, 2, 3, 1)]:
            ends = []
            for step in (1e-5, -1e-5):
                moved = [part.copy() for part in parts]
                moved[layer][place] += step
                ends.append(expected(moved))
            assert float(gradient[place]) == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-3, abs=1e-5)


def test_brightness_of_all_features_does_not_matter_and_black_is_finite() -> None:
    targets = matched(TERM, QUERY, [(PAINTING, None)], METRICS)
    brighter = {layer: 3 * values for layer, values in PICTURE.items()}
    once, thrice = (float(total_of(TERM, each, targets, METRICS)) for each in (PICTURE, brighter))
    assert thrice == pytest.approx(once, rel=1e-5)
    black = {layer: np.zeros_like(values) for layer, values in PICTURE.items()}
    assert float(total_of(TERM, black, targets, METRICS)) == pytest.approx(1, rel=1e-5)


def test_query_is_the_photo_at_the_first_scale_and_a_quarter_of_the_picture_later() -> None:
    photo = RANDOM.random((1, 12, 10, 3), np.float32)
    np.testing.assert_array_equal(TERM.query(photo, photo, None), photo)
    flat = np.full_like(photo, 5)
    found = TERM.query(photo, flat, None)
    assert found.mean() == pytest.approx(0.75 * photo.mean() + 0.25 * 5, rel=1e-2)
    # The finest detail stays that of the photo.
    np.testing.assert_allclose(
        np.diff(np.diff(found, axis=2), axis=2).std(), np.diff(np.diff(photo, axis=2), axis=2).std(), rtol=0.2
    )


def test_query_has_more_of_the_picture_where_it_shows_an_earlier_result() -> None:
    photo, painted = (np.full((1, 8, 12, 3), level, np.float32) for level in (0.0, 1.0))
    held = np.zeros((1, 8, 12, 1), np.float32)
    held[:, :, :6], held[:, :, 6:9] = 1, 0.5
    found = TERM.query(photo, painted, held)
    np.testing.assert_allclose(found[0, 0, [0, 7, 11], 0], [0.9, 0.575, 0.25], rtol=1e-6)


def test_a_picture_that_follows_others_chooses_among_fewer_places() -> None:
    options = resolve_options("default")
    alone, following = (
        loss_from_options(options, earlier=earlier).weighted["neighbours"].term.most_columns for earlier in (0, 3)
    )
    assert (alone, following) == (16384, 4096)


def test_target_takes_the_counted_bytes_and_matching_its_work() -> None:
    targets = matched(TERM, QUERY, [(PAINTING, None)], METRICS)
    pixels = 16 * 3 * 2
    for layer, channels in (("block3_conv1", 3), ("block4_conv1", 2)):
        assert TERM.target_bytes(layer, channels, pixels) == targets[layer].numpy().nbytes
    cost = TERM.matching_cost({"block3_conv1": 3, "block4_conv1": 2}, pixels, 16 * 8)
    assert cost.work == 5 * (6 * (4 * 8) + 5 * (6 + 4 * 8))  # both in the subspace, and compared there
    assert cost.memory > 4 * 5 * (6 + 4 * 8)
    large = TERM.matching_cost({"block3_conv1": 300, "block4_conv1": 200}, pixels, 10**8)
    assert large.work == 192 * (6 * (4 * 16384) + 500 * (6 + 4 * 16384))
