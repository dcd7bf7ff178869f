"""The loss of features: one trace for all sizes, and the same numbers as with a trace for each size."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tfstyle.borders import ZERO_BORDERS, borders_of
from tfstyle.feature_loss import FeatureLoss, feature_loss
from tfstyle.losses import (
    ContentLoss,
    GramLoss,
    LayerNeighboursLoss,
    Loss,
    MatchedTerm,
    MomentsLoss,
    NeighboursLoss,
    TotalVariation,
    WassersteinLoss,
)
from tfstyle.networks.lite import load_lite
from tfstyle.objective import WholeObjective, style_targets, weight_tensors
from tfstyle.precision import BFLOAT16, FLOAT32
from tfstyle.pyramid import Pyramid
from tfstyle.tensorflow_backend import tf

NETWORK = load_lite()
LAYERS = ("block1_conv1", "block3_conv1", "block4_conv1")
CONTENT = ContentLoss(("block3_conv1",))
STYLES = (
    GramLoss(LAYERS),
    MomentsLoss(LAYERS),
    WassersteinLoss(LAYERS),
    NeighboursLoss(LAYERS),
    LayerNeighboursLoss(LAYERS),
)
SIZES = ((48, 64), (49, 67))


def picture(size: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(1, *size, 3)).astype(np.float32)


Targets = dict[str, Mapping[str, Any]]


def targets_of(loss: Loss, size: tuple[int, int], precision: str, padding: str = "zero") -> Targets:
    made = WholeObjective(NETWORK, Pyramid(*size, 1, 1.0), loss.terms, "max", precision, padding)
    painting = picture((40, 56), 1)
    targets: Targets = {**made.content_targets(picture(size, 0))}
    targets |= style_targets(loss.terms, made.style_statistics(painting, None), NETWORK.metrics)
    for name, term in loss.terms.items():
        if isinstance(term, MatchedTerm):
            targets[name] = made.match(term, picture(size, 0), made.columns(term, [(painting, None)]))
    return targets


def evaluated(made: FeatureLoss, loss: Loss, size: tuple[int, int], targets: Any) -> tuple[np.ndarray, np.ndarray]:
    weights = weight_tensors(loss)
    values, gradient = made(tf.constant(picture(size, 2)), targets, [weights[name] for name in made.layers])
    return values.numpy(), gradient.numpy()


def difference(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def with_own_trace(loss: Loss, size: tuple[int, int], precision: str, targets: Any) -> tuple[np.ndarray, np.ndarray]:
    own = FeatureLoss(NETWORK, loss.terms, "max", precision, ZERO_BORDERS)
    own._has_open_size = False
    return evaluated(own, loss, size, targets)


@pytest.mark.parametrize("style", STYLES, ids=lambda style: type(style).__name__)
def test_one_trace_serves_all_sizes_with_the_numbers_of_a_trace_for_each(style: Any) -> None:
    loss = 0.7 * CONTENT + 3.0 * style
    made = FeatureLoss(NETWORK, loss.terms, "max", FLOAT32, ZERO_BORDERS)
    for size in SIZES:
        targets = targets_of(loss, size, FLOAT32)
        both = evaluated(made, loss, size, targets), with_own_trace(loss, size, FLOAT32, targets)
        for found, expected in zip(*both, strict=True):
            assert difference(found, expected) < 5e-6
    assert made._function.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("style", STYLES, ids=lambda style: type(style).__name__)
def test_one_trace_is_as_exact_in_bfloat16_as_one_for_each_size(style: Any) -> None:
    """Other operations are fused, so gradients move by half a per cent; bfloat16 itself moves them by 5 to 9."""
    loss, size = 0.7 * CONTENT + 3.0 * style, SIZES[1]
    made = FeatureLoss(NETWORK, loss.terms, "max", BFLOAT16, ZERO_BORDERS)
    targets = targets_of(loss, size, BFLOAT16)
    exact = with_own_trace(loss, size, FLOAT32, targets_of(loss, size, FLOAT32))
    opened, own = evaluated(made, loss, size, targets), with_own_trace(loss, size, BFLOAT16, targets)
    for found, expected, true in zip(opened, own, exact, strict=True):
        assert difference(found, true) == pytest.approx(difference(expected, true), rel=0.01)


def test_gradient_is_that_of_the_weighted_sum() -> None:
    loss, size = 0.7 * CONTENT + 3.0 * STYLES[0], SIZES[1]
    made = FeatureLoss(NETWORK, loss.terms, "max", FLOAT32, ZERO_BORDERS)
    targets, weights = targets_of(loss, size, FLOAT32), weight_tensors(loss)
    factors = np.concatenate([weights[name].numpy() for name in made.layers])
    direction, step = picture(size, 3).astype(float), 1e-3

    def total(image: np.ndarray) -> float:
        values, _ = made(tf.constant(image.astype(np.float32)), targets, [weights[name] for name in made.layers])
        return float(factors @ values.numpy())

    _, gradient = evaluated(made, loss, size, targets)
    ahead, back = (total(picture(size, 2) + sign * step * direction) for sign in (1, -1))
    assert np.vdot(gradient, direction) == pytest.approx((ahead - back) / (2 * step), rel=1e-2)


def test_values_are_in_the_order_of_the_layers() -> None:
    style, size = STYLES[0], SIZES[0]
    loss = 1.0 * style + 1.0 * CONTENT
    made = FeatureLoss(NETWORK, loss.terms, "max", FLOAT32, ZERO_BORDERS)
    assert made.layers == {"style": LAYERS, "content": ("block3_conv1",)}
    targets = targets_of(loss, size, FLOAT32)
    backwards = {**targets, "style": dict(reversed(targets["style"].items()))}
    both = evaluated(made, loss, size, backwards), evaluated(made, loss, size, targets)
    for found, expected in zip(*both, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_other_borders_are_traced_for_each_size() -> None:
    loss = 1.0 * CONTENT + 1.0 * STYLES[0]
    made = FeatureLoss(NETWORK, loss.terms, "max", FLOAT32, borders_of("replicate"))
    for size in (*SIZES, *SIZES):
        evaluated(made, loss, size, targets_of(loss, size, FLOAT32, "replicate"))
    assert made._function.experimental_get_tracing_count() == 2


def test_objectives_of_all_sizes_share_it_for_as_long_as_one_of_them_is_in_use() -> None:
    terms = (CONTENT + TotalVariation() + 2.0 * STYLES[0]).terms
    first, second = (WholeObjective(NETWORK, Pyramid(*size, 3, 1.0), terms, "max") for size in SIZES)
    shared: Any = first._feature_loss
    assert shared is second._feature_loss
    assert shared is not WholeObjective(NETWORK, Pyramid(*SIZES[0], 3, 1.0), terms, "average")._feature_loss
    number, alive = id(shared), weakref.ref(shared)
    del first, shared
    gc.collect()
    third = WholeObjective(NETWORK, Pyramid(*SIZES[0], 3, 1.0), terms, "max")
    assert id(third._feature_loss) == number
    del second, third
    gc.collect()
    assert alive() is None


def test_traces_for_one_size_go_with_their_objective() -> None:
    terms = (CONTENT + 2.0 * STYLES[0]).terms
    first, second = (
        WholeObjective(NETWORK, Pyramid(*size, 3, 1.0), terms, "max", padding="replicate") for size in SIZES
    )
    assert first._feature_loss is not second._feature_loss


def test_without_feature_terms_there_is_none() -> None:
    assert feature_loss(NETWORK, {"tv": TotalVariation()}, "max", FLOAT32, ZERO_BORDERS) is None
