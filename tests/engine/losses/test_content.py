"""The content loss, compared with its formula in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from features import FEATURES, IMITATING, LEFT, OTHERS, PLAIN, READ_OUT

from tfstyle.losses import ContentLoss

TERM = ContentLoss(("a", "b"))


def test_value_is_the_mean_squared_difference_of_each_layer() -> None:
    values = TERM.by_layer(FEATURES, OTHERS, PLAIN)
    assert list(values) == ["a", "b"]
    for name in FEATURES:
        assert float(values[name]) == pytest.approx(np.mean((FEATURES[name] - OTHERS[name]) ** 2), rel=1e-5)


def test_metric_measures_in_the_space_of_the_imitated_network() -> None:
    value = TERM.by_layer(FEATURES, {"a": OTHERS["a"]}, IMITATING)["a"]
    expected = np.mean((FEATURES["a"] @ READ_OUT - OTHERS["a"] @ READ_OUT) ** 2)
    assert float(value) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("metric", [PLAIN["a"], IMITATING["a"]])
def test_totals_of_parts_add_up_to_the_whole(metric) -> None:
    whole, left, right = (
        float(TERM.total(tf.constant(FEATURES["a"]), OTHERS["a"], weights, metric))
        for weights in (None, LEFT, 1 - LEFT)
    )
    assert left > 0.1
    assert left + right == pytest.approx(whole, rel=1e-5)
    squares = (FEATURES["a"] - OTHERS["a"])[:, :, :2] ** 2
    if metric.matrix is None:
        assert left == pytest.approx(squares.sum(), rel=1e-5)


def test_target_bytes_match_the_feature_map() -> None:
    assert TERM.target_bytes("block2_conv1", 3, 4 * 24) == FEATURES["a"].nbytes
