"""The algebra of loss terms: adding, scaling, unique names, and the reported parts."""

from __future__ import annotations

import numpy as np
import pytest

from tfstyle.losses import (
    ContentLoss,
    GamutPenalty,
    GramLoss,
    LayerNeighboursLoss,
    Loss,
    MomentsLoss,
    NeighboursLoss,
    SquaredVariation,
    TotalVariation,
    WassersteinLoss,
    Weighted,
    loss_from_options,
    split_loss_from_options,
)
from tfstyle.presets import PRESETS, resolve_options

VALUES = {"a": 0.5, "b": 0.25}


def test_terms_add_and_scale() -> None:
    loss = 2 * (ContentLoss(("a",)) + 10 * TotalVariation()) + 0.5 * GamutPenalty()
    assert {name: part.weight for name, part in loss.weighted.items()} == {"content": 2, "tv": 20, "gamut": 0.5}
    assert str(loss) == "2 content + 20 tv + 0.5 gamut"


def test_terms_of_the_same_kind_keep_separate_weights() -> None:
    loss = ContentLoss(("a",)) + 4 * ContentLoss(("b",)) + ContentLoss(("a",))
    assert list(loss.weighted) == ["content", "content-2", "content-3"]
    parts = [loss.part(name, {layer: 1.0}) for name, layer in (("content", "a"), ("content-2", "b"))]
    assert [part.value for part in parts] == [1.0, 1.0]
    assert sum(part.weighted for part in parts) == 5.0


def test_part_reports_its_contribution_to_the_total() -> None:
    part = (3 * GramLoss(("a", "b"))).part("style", VALUES)
    assert (part.value, part.weighted) == (0.75, 2.25)
    factored = Loss({"style": Weighted(GramLoss(("a", "b")), 3.0, {"b": 8.0})}).part("style", VALUES)
    assert (factored.value, factored.weighted) == (0.75, 3 * (0.5 + 8 * 0.25))


def test_equal_terms_are_equal_keys() -> None:
    assert GramLoss(("a",)) == GramLoss(("a",))
    assert len({GramLoss(("a",)), GramLoss(("a",)), ContentLoss(("a",)), TotalVariation()}) == 3


@pytest.mark.parametrize("preset", PRESETS)
def test_loss_from_options_has_their_weights_and_layers(preset: str) -> None:
    options = PRESETS[preset]
    loss = loss_from_options(options)
    weights = [part.weight for part in loss.weighted.values()]
    neighbours = options.style_loss == "auto"
    names = ["content", "neighbours", "style", "tv", "gamut"] if neighbours else ["content", "style", "tv", "gamut"]
    assert list(loss.weighted) == names
    style = options.style_weight * np.array([3, 1] if neighbours else [1])
    np.testing.assert_array_equal(weights, [options.content_weight, *style, options.tv_weight, options.gamut_weight])
    if neighbours:
        assert loss.weighted["neighbours"].term == NeighboursLoss(options.style_layers)
    kinds = {"gram": GramLoss, "moments": MomentsLoss, "wasserstein": WassersteinLoss, "auto": WassersteinLoss}
    assert loss.weighted["style"].term == kinds[options.style_loss](options.style_layers)
    assert loss.weighted["content"].term == ContentLoss(options.content_layers)
    variations = {"absolute": TotalVariation, "squared": SquaredVariation}
    assert loss.weighted["tv"].term == variations[options.tv_form]()


def test_layer_weights_are_factors_of_the_layers() -> None:
    overrides = {"style_layers": ("block1_conv1", "block3_conv1"), "style_layer_weights": (4.0, 0.5)}
    loss = loss_from_options(resolve_options("default", overrides))
    assert dict(loss.weighted["style"].layer_factors) == {"block1_conv1": 4.0, "block3_conv1": 0.5}
    assert not loss.weighted["content"].layer_factors
    assert loss.part("style", {"block1_conv1": 1.0, "block3_conv1": 2.0}).weighted == 2.0 * (4 + 1)


def test_layer_weights_shape_hypercolumns_and_are_factors_where_layers_have_their_own_neighbours() -> None:
    overrides = {"style_layers": ("block1_conv1", "block3_conv1"), "style_layer_weights": (4.0, 0.5)}
    options = resolve_options("default", overrides)
    together, split = loss_from_options(options), split_loss_from_options(options)
    assert together.weighted["neighbours"].term == NeighboursLoss(options.style_layers, (4.0, 0.5))
    assert not together.weighted["neighbours"].layer_factors
    assert split.weighted["neighbours"].term == LayerNeighboursLoss(options.style_layers)
    assert split.weighted["neighbours"].weight == together.weighted["neighbours"].weight / 2, "the mean of two layers"
    factors = {"block1_conv1": 4.0, "block3_conv1": 0.5}
    assert dict(split.weighted["neighbours"].layer_factors) == factors
    assert dict(together.weighted["style"].layer_factors) == dict(split.weighted["style"].layer_factors) == factors
