"""The loss of a picture itself: one trace for all sizes, with the numbers of its terms and a gradient of their sum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfstyle.borders import Wraps
from tfstyle.losses import ContentLoss, GamutPenalty, SquaredVariation, TemporalLoss, Term, TotalVariation
from tfstyle.picture_loss import PictureLoss, picture_loss
from tfstyle.tensorflow_backend import tf

RANDOM = np.random.default_rng(8)
SIZES = ((9, 14), (10, 13), (2, 5), (30, 2))


def named(*terms: Term) -> dict[str, Any]:
    return {term.name: term for term in terms}


def made(terms: dict[str, Any], size: tuple[int, int]) -> tuple[np.ndarray, dict[str, Any], dict[str, tf.Tensor]]:
    """A picture, the targets of the terms and their weights."""
    image = RANDOM.normal(0, 2, (1, *size, 3)).astype(np.float32)
    earlier = RANDOM.normal(size=(1, *size, 3)).astype(np.float32), RANDOM.uniform(size=size).astype(np.float32)
    targets = {"temporal": TemporalLoss().target([earlier])} if "temporal" in terms else {}
    return image, targets, {name: tf.constant([2.0 + place]) for place, name in enumerate(terms)}


@pytest.mark.parametrize(
    "terms",
    [
        named(SquaredVariation(), GamutPenalty()),
        named(TotalVariation()),
        named(GamutPenalty(), TemporalLoss()),
        named(SquaredVariation(Wraps(True, True)), TemporalLoss()),
        named(TotalVariation(Wraps(across=True)), GamutPenalty()),
    ],
    ids=lambda terms: " ".join(terms),
)
def test_values_are_those_of_the_terms_and_the_gradient_is_of_their_weighted_sum(terms: dict[str, Any]) -> None:
    loss = PictureLoss(terms)
    for height, width in SIZES[:2]:
        image, targets, weights = made(terms, (height, width))
        values, gradient = loss(tf.constant(image), targets, weights)
        expected = [
            term.value(tf.constant(image), targets[name], (height, width))
            if name in targets
            else term.value(tf.constant(image), height, (height, width))
            for name, term in terms.items()
        ]
        np.testing.assert_allclose(values, expected, rtol=1e-5)
        # Along a random direction, by differences.
        direction, step = RANDOM.normal(size=image.shape).astype(np.float32), 2e-3
        sums = []
        for sign in (1, -1):
            there, _ = loss(tf.constant(image + sign * np.float32(step) * direction), targets, weights)
            sums.append(sum(float(weights[name][0]) * float(value) for name, value in zip(terms, there, strict=True)))
        slope = float((gradient.numpy().astype(float) * direction).sum())
        assert slope == pytest.approx((sums[0] - sums[1]) / (2 * step), rel=2e-2, abs=1e-3)


def test_all_sizes_share_one_trace() -> None:
    terms = named(SquaredVariation(), GamutPenalty(), TemporalLoss())
    loss = PictureLoss(terms)
    for size in SIZES:
        image, targets, weights = made(terms, size)
        assert np.isfinite(loss(tf.constant(image), targets, weights)[1]).all()
    assert loss._function.experimental_get_tracing_count() == 1


def test_objectives_share_it_and_have_none_without_such_terms() -> None:
    content = ContentLoss(("block3_conv1",))
    one, other = (picture_loss(named(content, GamutPenalty(), SquaredVariation())) for _ in range(2))
    assert one is not None
    assert one is other
    assert one.names == ("gamut", "tv")
    assert picture_loss(named(content)) is None
