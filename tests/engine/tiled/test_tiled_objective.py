"""The tiled objective gives the same values and gradient as the whole one, borders included, for every term."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pytest

from tfstyle.losses import (
    IMAGE,
    ContentLoss,
    GamutPenalty,
    GramLoss,
    Loss,
    MomentsLoss,
    SquaredVariation,
    TemporalLoss,
    TotalVariation,
    WassersteinLoss,
    Weighted,
    relative,
)
from tfstyle.masks import BlockWeights
from tfstyle.networks.lite import load_lite
from tfstyle.networks.network import Network
from tfstyle.objective import Evaluation, Kept, Objective, Targets, WholeObjective, region_targets, style_targets
from tfstyle.presets import PRESETS
from tfstyle.pyramid import Pyramid
from tfstyle.tiled import segment
from tfstyle.tiled.objective import TiledObjective

STYLE_LAYERS = PRESETS["default"].style_layers
# A content layer and a style layer in every part, tiled or not, and two terms of the same kind.
ALL = (
    ContentLoss(("block2_conv2", "block3_conv4", "block4_conv4"))
    + 4 * ContentLoss(("block3_conv1", "block4_conv4"))
    + 2e5 * GramLoss(STYLE_LAYERS)
    + 10 * TotalVariation()
    + 1000 * GamutPenalty()
    + 30 * TemporalLoss()
)
TERMS = ALL.terms


def alone(name: str) -> Loss:
    """The loss in which only the term `name` has a weight above 0."""
    return Loss({n: Weighted(part.term, part.weight * (n == name)) for n, part in ALL.weighted.items()})


FACTORS = Loss(
    {
        n: Weighted(part.term, part.weight, {"block1_conv1": 9.0} if n == "style" else {})
        for n, part in ALL.weighted.items()
    }
)
LOSSES = {"all": ALL, **{name: alone(name) for name in TERMS}}
# Sides at which poolings drop rows or columns, and tiles end unevenly.
HEIGHT, WIDTH = 203, 278
PYRAMID = Pyramid(HEIGHT, WIDTH, 4, 1.0)


@pytest.fixture(autouse=True, scope="module")
def _small_tiles() -> Iterator[None]:
    tiles = (32, 16, 16)
    cuts = tuple(dataclasses.replace(cut, tile=tile) for cut, tile in zip(segment.CUTS, tiles, strict=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segment, "CUTS", cuts)
        yield


@pytest.fixture(scope="module")
def network() -> Network:
    return load_lite()


@pytest.fixture(scope="module")
def whole(network: Network) -> Callable[[str], Objective]:
    """The whole objective for a kind of pooling, made once."""
    return cache(lambda pooling: WholeObjective(network, PYRAMID, TERMS, pooling))


@cache
def images() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Photo, painting, weights of the painting's pixels, and variables near the photo.

    If two features are almost equal, or one is almost 0, the last bit of the picture decides which of them has a
    gradient. The variables are therefore multiples of powers of two, so that interpolation is exact in any order.
    """
    random = np.random.default_rng(0)
    photo, painting = (random.normal(0, 1, (1, *size, 3)).astype(np.float32) for size in ((HEIGHT, WIDTH), (150, 131)))
    weights = np.zeros((150, 131), np.float32)
    weights[:, 40:] = np.linspace(0, 1, 91)
    finest = photo.size
    variables = PYRAMID.variables(photo)
    variables[:finest] = np.round((variables[:finest] + random.normal(0, 0.1, finest)) * 256) / 256
    variables[finest:] = np.round(random.normal(0, 0.5, variables.size - finest) * 4) / 4
    return photo, painting, weights, variables


def targets(objective: Objective, weighted: bool = False) -> Targets:
    photo, painting, weights, _ = images()
    down = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None].repeat(WIDTH, 1)
    earlier = [(photo[:, ::-1], down), (photo[:, :, ::-1], 1 - down)]
    return {
        **objective.content_targets(photo),
        **objective.style_statistics(painting, weights if weighted else None),
        "temporal": {IMAGE: TemporalLoss().target(earlier)},
    }


def evaluate(objective: Objective, wanted: Targets, loss: Loss) -> Evaluation:
    return objective(images()[-1], wanted, loss)


def check(tiled: Evaluation, whole: Evaluation, tolerance: float = 1e-5) -> None:
    assert tiled.total == pytest.approx(whole.total, rel=tolerance)
    assert tiled.total == pytest.approx(sum(part.weighted for part in tiled.parts.values()))
    assert list(tiled.parts) == list(whole.parts)
    for name, part in whole.parts.items():
        assert list(tiled.parts[name].by_layer) == list(part.by_layer)
        for layer, value in part.by_layer.items():
            assert tiled.parts[name].by_layer[layer] == pytest.approx(value, rel=tolerance), (name, layer)
    scale = np.abs(whole.gradient).max()
    assert scale > 0
    np.testing.assert_allclose(tiled.gradient / scale, whole.gradient / scale, rtol=0, atol=tolerance)
    finest = [gradient[: HEIGHT * WIDTH * 3].reshape(HEIGHT, WIDTH, 3) for gradient in (whole.gradient, tiled.gradient)]
    for border in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        difference = np.linalg.norm(finest[1][border] - finest[0][border])
        assert difference < tolerance * np.linalg.norm(finest[0][border]) + 1e-9 * scale


@pytest.mark.parametrize(
    ("whole_from", "pooling"),
    [
        pytest.param(3, "max", marks=pytest.mark.slow),
        pytest.param(4, "max", marks=pytest.mark.slow),
        (5, "max"),
        pytest.param(3, "average", marks=pytest.mark.slow),
        pytest.param(4, "average", marks=pytest.mark.slow),
        pytest.param(5, "average", marks=pytest.mark.slow),
    ],
)
def test_every_term_at_every_whole_from(
    network: Network, whole: Callable[[str], Objective], whole_from: int, pooling: str
) -> None:
    objectives = TiledObjective(network, PYRAMID, whole_from, TERMS, pooling), whole(pooling)
    wanted = [targets(objective) for objective in objectives]

    def both(loss: Loss) -> list[Evaluation]:
        return [evaluate(objective, own, loss) for objective, own in zip(objectives, wanted, strict=True)]

    losses = LOSSES.values() if (whole_from, pooling) == (5, "max") else [ALL]
    for loss in losses:
        check(*both(loss))
    if len(losses) > 1:
        tiled, factored = both(FACTORS)
        check(tiled, factored)
        plain = both(ALL)[1]
        more = 8 * ALL.weighted["style"].weight * plain.parts["style"].by_layer["block1_conv1"]
        assert factored.total - plain.total == pytest.approx(more, rel=1e-3)
        wanted = [targets(objective, weighted=True) for objective in objectives]
        check(*both(ALL))


@pytest.mark.parametrize(("kind", "tolerance"), [(MomentsLoss, 1e-5), (WassersteinLoss, 1e-4)])
def test_other_style_losses_relative_to_the_pair(
    network: Network, kind: type[MomentsLoss | WassersteinLoss], tolerance: float
) -> None:
    loss = ContentLoss(("block4_conv2",)) + 2 * kind(STYLE_LAYERS) + SquaredVariation()
    found = []
    for objective in (
        TiledObjective(network, PYRAMID, 5, loss.terms, "max"),
        WholeObjective(network, PYRAMID, loss.terms, "max"),
    ):
        photo, painting, weights, _ = images()
        statistics = objective.style_statistics(painting, weights)
        wanted = {
            **objective.content_targets(photo),
            **style_targets(loss.terms, statistics, network.metrics),
        }
        balanced = relative(loss, wanted, network.metrics)
        assert set(balanced.weighted["style"].units) == set(STYLE_LAYERS)
        found.append(evaluate(objective, wanted, balanced))
    check(*found, tolerance=tolerance)


@pytest.mark.slow
def test_regions_and_what_is_kept(network: Network) -> None:
    loss = ContentLoss(("block4_conv2",)) + 2 * WassersteinLoss(STYLE_LAYERS) + 3 * GramLoss(STYLE_LAYERS)
    left = np.zeros((HEIGHT, WIDTH), np.float32)
    left[:, : WIDTH // 2] = 1
    left[:, WIDTH // 2 : 200] = np.linspace(1, 0, 200 - WIDTH // 2)
    photo, painting, weights, variables = images()
    down = np.linspace(1, 0, HEIGHT, dtype=np.float32)
    kept = Kept(np.tile(down[None, :, None, None], (1, 1, WIDTH, 1)), photo)
    found = []
    for objective in (
        TiledObjective(network, PYRAMID, 5, loss.terms, "max"),
        WholeObjective(network, PYRAMID, loss.terms, "max"),
    ):
        regions = [
            (BlockWeights(left), objective.style_statistics(painting, None)),
            (BlockWeights(1 - left), objective.style_statistics(painting, weights)),
        ]
        wanted = {
            **objective.content_targets(photo),
            **region_targets(loss.terms, regions, network.metrics, relative=True),
        }
        balanced = relative(loss, wanted, network.metrics)
        assert balanced.weighted["style"].units == {}
        found.append(objective(variables, wanted, balanced, kept))
        np.testing.assert_allclose(objective.image(variables, kept)[:, 0], photo[:, 0], atol=1e-5)
    check(*found, tolerance=1e-4)
    plain = objective(variables, wanted, balanced)
    assert plain.total != pytest.approx(found[1].total, rel=0.01)


def test_too_small_a_margin_changes_the_gradient(
    network: Network, whole: Callable[[str], Objective], monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = evaluate(whole("max"), targets(whole("max")), ALL)
    monkeypatch.setattr(segment, "margin", lambda convolutions, pooled: 8)
    objective = TiledObjective(network, PYRAMID, 3, TERMS, "max")
    tiled = evaluate(objective, targets(objective), ALL)
    assert np.abs(tiled.gradient - exact.gradient).max() > 1e-4 * np.abs(exact.gradient).max()


def test_style_pictures_of_the_same_size_share_a_trace(network: Network) -> None:
    _, painting, _, _ = images()
    objective = TiledObjective(network, Pyramid(64, 64, 3, 1.0), 3, TERMS, "max")
    for _ in range(2):
        objective.style_statistics(painting, None)
    assert objective.traces == 2
    objective.style_statistics(painting[:, :64, :64], None)
    assert objective.traces == 2, "this style picture has the size of the result"
