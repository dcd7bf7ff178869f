"""The objective over arbitrary terms: weighted sums, and one trace for all weights."""

from __future__ import annotations

import numpy as np
import pytest

from tfstyle.losses import ContentLoss, GramLoss, Loss, TotalVariation, Weighted
from tfstyle.networks.lite import load_lite
from tfstyle.objective import Evaluation, WholeObjective
from tfstyle.pyramid import Pyramid

PYRAMID = Pyramid(32, 48, 3, 1.0)
RANDOM = np.random.default_rng(0)
PHOTO, OTHER = (RANDOM.normal(size=(1, 32, 48, 3)).astype(np.float32) for _ in range(2))
CONTENT = ContentLoss(("block2_conv2",))


def objective(loss: Loss) -> WholeObjective:
    return WholeObjective(load_lite(), PYRAMID, loss.terms, "max")


def evaluate(made: WholeObjective, loss: Loss) -> Evaluation:
    targets = {**made.content_targets(PHOTO), **made.style_statistics(PHOTO, None)}
    return made(PYRAMID.variables(OTHER), targets, loss)


def test_content_plus_four_times_content_is_five_times_content() -> None:
    one = evaluate(objective(CONTENT * 1.0), CONTENT * 1.0)
    loss = CONTENT + 4 * CONTENT
    both = evaluate(objective(loss), loss)
    assert one.total > 0.1
    assert both.total == pytest.approx(5 * one.total, rel=1e-6)
    assert [part.weighted / one.total for part in both.parts.values()] == pytest.approx([1, 4], rel=1e-6)
    np.testing.assert_allclose(both.gradient, 5 * one.gradient, rtol=1e-4, atol=1e-6 * np.abs(both.gradient).max())


def traces(made: WholeObjective) -> list[int]:
    """How often the parts of the objective were traced."""
    parts = made._picture_loss, made._feature_loss
    return [part._function.experimental_get_tracing_count() for part in parts if part is not None]


def test_weights_and_layer_factors_do_not_need_a_new_trace() -> None:
    style = GramLoss(("block1_conv1", "block2_conv1"))
    made = objective(style + TotalVariation())
    plain = evaluate(made, 1e4 * style + 10 * TotalVariation())
    before = traces(made)
    doubled = evaluate(made, 2.0 * (1e4 * style + 10 * TotalVariation()))
    assert doubled.total == pytest.approx(2 * plain.total, rel=1e-6)
    assert doubled.parts["style"].by_layer == plain.parts["style"].by_layer
    factored = evaluate(
        made, Loss({"style": Weighted(style, 1e4, {"block1_conv1": 3.0}), "tv": Weighted(TotalVariation(), 10)})
    )
    assert traces(made) == before
    by_layer = plain.parts["style"].by_layer
    more = 2 * 1e4 * by_layer["block1_conv1"]
    assert factored.total == pytest.approx(plain.total + more, rel=1e-5)
    assert factored.parts["style"].weighted == pytest.approx(1e4 * sum(by_layer.values()) + more, rel=1e-6)


def test_objective_has_targets_only_for_its_terms() -> None:
    made = objective(CONTENT + TotalVariation())
    assert made.style_statistics(PHOTO, None) == {}
    assert list(made.content_targets(PHOTO)) == ["content"]
