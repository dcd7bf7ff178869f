"""Nearest neighbours under the centred cosine distance, compared with NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tfstyle.losses import matching
from tfstyle.losses.matching import Columns, directions, places
from tfstyle.masks import BlockWeights

RANDOM = np.random.default_rng(8)
QUERY = RANDOM.random((70, 5), np.float32) ** 2
COLUMNS = RANDOM.random((90, 5), np.float32) ** 2 + np.float32([0.3, 0, 0, 1, 0])


def similarities(query: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Cosines [n, m] of the rows, each set centred by its own mean."""
    query, columns = query - query.mean(0), columns - columns.mean(0)
    lengths = np.linalg.norm(query, axis=1)[:, None] * np.linalg.norm(columns, axis=1)
    return query @ columns.T / lengths


@pytest.mark.parametrize(("group", "rows"), [(4096, 8192), (32, 20), (1, 1)])
def test_nearest_has_the_largest_centred_cosine(group: int, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "GROUP", group)
    monkeypatch.setattr(matching, "ROWS", rows)
    found = Columns.of(tf.constant(COLUMNS), tf.float32).nearest(tf.constant(QUERY))
    np.testing.assert_array_equal(found, similarities(QUERY, COLUMNS).argmax(1))
    uncentred = (QUERY @ COLUMNS.T / np.linalg.norm(COLUMNS, axis=1)).argmax(1)
    assert (found != uncentred).mean() > 0.5


def test_many_dimensions_are_narrowed_and_what_is_found_is_nearly_as_near(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = RANDOM.random((24, 400), np.float32)
    query, columns = (
        RANDOM.random((count, 24), np.float32) ** 4 @ shared + 0.3 * RANDOM.random((count, 400), np.float32)
        for count in (300, 900)
    )
    cosines = similarities(query, columns)
    best, middle = cosines.max(1).mean(), np.median(cosines, 1).mean()
    found = Columns.of(tf.constant(columns), tf.float32).nearest(tf.constant(query))
    lost = best - cosines[np.arange(len(query)), found].mean()
    assert 0 < lost < 0.02 * (best - middle)
    np.testing.assert_array_equal(found, Columns.of(tf.constant(columns), tf.float32).nearest(tf.constant(query)))
    monkeypatch.setattr(matching, "GROUP", 50)
    found = Columns.of(tf.constant(columns), tf.float32).nearest(tf.constant(query))
    of_finalists = best - cosines[np.arange(len(query)), found].mean()
    assert of_finalists < 0.5 * lost, "the best candidates are compared in all dimensions"


def test_bfloat16_finds_neighbours_that_are_nearly_as_near(monkeypatch: pytest.MonkeyPatch) -> None:
    cosines = similarities(QUERY, COLUMNS)

    def lost() -> np.ndarray:
        found = Columns.of(tf.constant(COLUMNS), tf.bfloat16).nearest(tf.constant(QUERY))
        return cosines.max(1) - cosines[np.arange(len(QUERY)), found]

    at_once = lost()
    assert at_once.max() < 0.02
    monkeypatch.setattr(matching, "GROUP", 10)
    assert lost().sum() < 0.5 * at_once.sum(), "candidates of groups are compared in float32"


def test_directions_have_length_1_and_zero_stays_zero() -> None:
    found = directions(tf.constant([[3.0, 4.0], [0.0, 0.0]])).numpy()
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, 0]], rtol=1e-6)


def test_places_have_half_the_largest_weight_or_more() -> None:
    weights = np.float32([[0.0, 0.1, 0.2], [0.4, 0.19, 0.3]])
    np.testing.assert_array_equal(places((2, 3), BlockWeights(weights), "block1_conv1", 16), [2, 3, 5])
    np.testing.assert_array_equal(places((2, 2), BlockWeights(weights), "block1_conv1", 16), [2])
    np.testing.assert_array_equal(places((2, 3), None, "block1_conv1", 16), np.arange(6))


def test_many_places_are_drawn_from_the_allowed_ones_and_always_the_same() -> None:
    weights = np.zeros((64, 64), np.float32)
    weights[3:6] = 1  # a stripe between the rows of any regular grid
    found = places((64, 64), BlockWeights(weights), "block1_conv1", 100)
    assert len(set(found)) == 100
    assert set(found // 64) == {3, 4, 5}
    np.testing.assert_array_equal(found, places((64, 64), BlockWeights(weights), "block1_conv1", 100))
    everywhere = places((64, 64), None, "block1_conv1", 100)
    assert abs(np.mean(everywhere % 64) - 31.5) < 8
    assert abs(np.mean(everywhere // 64) - 31.5) < 8
