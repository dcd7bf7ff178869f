"""The temporal loss: its value by the formula, and its gradient by differences of its value."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tfstyle.losses import IMAGE, ContentLoss, GamutPenalty, TemporalLoss
from tfstyle.networks.lite import load_lite
from tfstyle.objective import WholeObjective
from tfstyle.pyramid import Pyramid

RANDOM = np.random.default_rng(6)
SIZE = (16, 18)
IMAGE_NOW, *EARLIER = (RANDOM.normal(0, 1, (1, *SIZE, 3)).astype(np.float32) for _ in range(4))
WEIGHTS = [RANDOM.uniform(0, 2, SIZE).astype(np.float32) for _ in EARLIER]
for each in WEIGHTS:
    each[:6] = 0  # nothing is known there


def formula(image: np.ndarray) -> float:
    """The sum over the earlier results of mean(c (x - r)^2)."""
    terms = (c[None, :, :, None] * (image - r) ** 2 for r, c in zip(EARLIER, WEIGHTS, strict=True))
    return float(sum(term.mean(dtype=np.float64) for term in terms))


def target(count: int = 3) -> object:
    return TemporalLoss().target(list(zip(EARLIER, WEIGHTS, strict=True))[:count])


def test_value_is_that_of_the_formula_for_several_earlier_results() -> None:
    value = TemporalLoss().value(tf.constant(IMAGE_NOW), target(), SIZE)
    assert float(value) == pytest.approx(formula(IMAGE_NOW), rel=1e-5)
    only = TemporalLoss().value(tf.constant(EARLIER[0]), target(1), SIZE)
    assert float(only) == pytest.approx(0, abs=1e-9)


def test_places_without_weight_do_not_count() -> None:
    other = IMAGE_NOW.copy()
    other[:, :6] += 5
    values = [float(TemporalLoss().value(tf.constant(image), target(), SIZE)) for image in (IMAGE_NOW, other)]
    assert values[1] == pytest.approx(values[0], rel=1e-6)
    assert np.isfinite(values).all()


def test_rows_add_up_to_the_whole() -> None:
    parts = [
        TemporalLoss().value(
            tf.constant(IMAGE_NOW[:, rows]),
            tf.nest.map_structure(lambda each, rows=rows: each[:, rows], target()),
            SIZE,
        )
        for rows in (slice(0, 5), slice(5, 16))
    ]
    assert float(sum(parts)) == pytest.approx(formula(IMAGE_NOW), rel=1e-5)


def test_gradient_of_the_objective_is_the_difference_of_its_values() -> None:
    pyramid = Pyramid(*SIZE, 3, 1.0)
    loss = 30 * TemporalLoss() + GamutPenalty() + 0 * ContentLoss(("block1_conv1",))
    objective = WholeObjective(load_lite(), pyramid, loss.terms, "max")
    targets = {"temporal": {IMAGE: target()}, **objective.content_targets(IMAGE_NOW)}
    variables = pyramid.variables(0.3 * IMAGE_NOW)
    found = objective(variables, targets, loss)
    assert found.parts["temporal"].value == pytest.approx(formula(objective.image(variables)), rel=1e-5)
    norm = float(np.linalg.norm(found.gradient))
    assert norm > 1e-3, "a term without a gradient keeps nothing in its place"
    step = 0.05 * found.gradient / norm
    # The loss is quadratic, so the central difference is exact but for rounding.
    totals = [objective(variables + sign * step, targets, loss).total for sign in (1, -1)]
    assert (totals[0] - totals[1]) / (2 * 0.05) == pytest.approx(norm, rel=1e-3)
    for index in RANDOM.choice(variables.size, 5, replace=False):
        one = np.zeros_like(variables)
        one[index] = 0.5
        totals = [objective(variables + sign * one, targets, loss).total for sign in (1, -1)]
        assert totals[0] - totals[1] == pytest.approx(found.gradient[index], abs=2e-5 * totals[0])
