"""Nearest neighbours under the centred cosine distance, compared with NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tfstyle.losses import matching
from tfstyle.losses.matching import directions, nearest, visible

RANDOM = np.random.default_rng(8)
QUERY = RANDOM.random((70, 5), np.float32) ** 2
COLUMNS = RANDOM.random((90, 5), np.float32) ** 2 + np.float32([0.3, 0, 0, 1, 0])


def similarities(query: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Cosines [n, m] of the rows, each set centred by its own mean."""
    query, columns = query - query.mean(0), columns - columns.mean(0)
    lengths = np.linalg.norm(query, axis=1)[:, None] * np.linalg.norm(columns, axis=1)
    return query @ columns.T / lengths


@pytest.mark.parametrize("at_once", [2**25, 200, 1])
def test_nearest_has_the_largest_centred_cosine(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "SIMILARITIES", at_once)
    found = nearest(tf.constant(QUERY), tf.constant(COLUMNS), "float32")
    np.testing.assert_array_equal(found, similarities(QUERY, COLUMNS).argmax(1))
    uncentred = (QUERY @ COLUMNS.T / np.linalg.norm(COLUMNS, axis=1)).argmax(1)
    assert (found != uncentred).mean() > 0.5


def test_bfloat16_finds_neighbours_that_are_nearly_as_near() -> None:
    found = nearest(tf.constant(QUERY), tf.constant(COLUMNS), "bfloat16")
    cosines = similarities(QUERY, COLUMNS)
    loss = cosines.max(1) - cosines[np.arange(len(QUERY)), found]
    assert loss.max() < 0.02


def test_directions_have_length_1_and_zero_stays_zero() -> None:
    found = directions(tf.constant([[3.0, 4.0], [0.0, 0.0]])).numpy()
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, 0]], rtol=1e-6)


def test_visible_positions_have_half_the_largest_weight_or_more() -> None:
    weights = np.float32([[0.0, 0.1, 0.2], [0.4, 0.19, 0.3]])
    np.testing.assert_array_equal(visible(weights), [False, False, True, True, False, True])
