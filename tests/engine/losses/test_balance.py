"""Relative losses: units, and that one weight means the same on every pair."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from features import FEATURES, IMITATING, OTHERS, PLAIN, READ_OUT
from pooled import target_of

from tfstyle.losses import ContentLoss, GramLoss, Loss, MomentsLoss, TotalVariation, WassersteinLoss, Weighted, relative

CONTENT, STYLE = ContentLoss(("a",)), GramLoss(("a", "b"))
LOSS = 2 * CONTENT + Loss({"style": Weighted(STYLE, 3.0, {"b": 8.0})}) + 10 * TotalVariation()


def targets(scale: float = 1.0) -> dict[str, dict[str, object]]:
    scaled = {layer: (features * scale).astype(np.float32) for layer, features in OTHERS.items()}
    return {
        "content": {"a": tf.constant(scaled["a"])},
        "style": {layer: target_of(STYLE, features, PLAIN[layer]) for layer, features in scaled.items()},
    }


def test_units_are_the_magnitudes_of_the_targets() -> None:
    weighted = relative(LOSS, targets(), PLAIN).weighted
    photo = OTHERS["a"].astype(float)
    assert weighted["content"].units == {"a": pytest.approx(np.mean((photo - photo.mean((1, 2))) ** 2), rel=1e-5)}
    for layer, features in OTHERS.items():
        flat = features.astype(float).reshape(-1, features.shape[-1])
        gram = flat.T @ flat / flat.size
        assert weighted["style"].units[layer] == pytest.approx(np.mean(gram**2), rel=1e-5)
    assert not weighted["tv"].units
    assert [part.weight for part in weighted.values()] == [2, 3, 10]


def test_content_unit_is_measured_in_the_space_of_the_imitated_network() -> None:
    photo = OTHERS["a"].astype(float) @ READ_OUT
    found = float(CONTENT.magnitude(tf.constant(OTHERS["a"]), IMITATING["a"]))
    assert found == pytest.approx(np.mean((photo - photo.mean((1, 2))) ** 2), rel=1e-4)


def test_values_are_reported_in_their_units_and_weighted_by_layer() -> None:
    loss = relative(LOSS, targets(), PLAIN)
    units = loss.weighted["style"].units
    part = loss.part("style", {"a": 0.5 * units["a"], "b": 0.25 * units["b"]})
    assert part.by_layer == {"a": pytest.approx(0.5), "b": pytest.approx(0.25)}
    assert part.weighted == pytest.approx(3 * (0.5 + 8 * 0.25))


@pytest.mark.parametrize("term", [GramLoss(("a",)), MomentsLoss(("a",)), WassersteinLoss(("a",))])
def test_a_painting_of_stronger_features_has_the_same_relative_loss(term) -> None:
    values = []
    for scale in (4.0, 16.0):
        features, others = FEATURES["a"] * np.float32(scale), OTHERS["a"] * np.float32(scale)
        target = target_of(term, others, PLAIN["a"])
        loss = relative(1 * term, {"style": {"a": target}}, PLAIN)
        raw = term.by_layer({"a": tf.constant(features)}, {"a": target}, PLAIN)["a"]
        values.append(loss.part("style", {"a": float(raw)}).value)
    assert values[0] == pytest.approx(values[1], rel=2e-2)


def test_photo_of_one_colour_has_an_absolute_loss() -> None:
    flat = {"content": {"a": tf.fill((1, 2, 2, 3), 0.5)}}
    assert relative(1 * CONTENT, flat, PLAIN).weighted["content"].units == {"a": 1.0}
