"""Tiled equals whole: the same values and the same gradient, borders included, for every term."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pytest

from tfstyle.losses import ContentLoss, GamutPenalty, GramLoss, Loss, TotalVariation, Weighted
from tfstyle.networks.lite import load_lite
from tfstyle.networks.network import Network
from tfstyle.objective import Evaluation, Objective, WholeObjective
from tfstyle.options import PRESETS
from tfstyle.pyramid import Pyramid
from tfstyle.tiled import segment
from tfstyle.tiled.objective import TiledObjective

STYLE_LAYERS = PRESETS["default"].style_layers
# A content layer and a style layer in every part, tiled or not, and two terms of a kind.
ALL = (
    ContentLoss(("block2_conv2", "block3_conv4", "block4_conv4"))
    + 4 * ContentLoss(("block3_conv1", "block4_conv4"))
    + 2e5 * GramLoss(STYLE_LAYERS)
    + 10 * TotalVariation()
    + 1000 * GamutPenalty()
)
TERMS = ALL.terms


def alone(name: str) -> Loss:
    """The loss in which only the term `name` counts."""
    return Loss({n: Weighted(part.term, part.weight * (n == name)) for n, part in ALL.weighted.items()})


FACTORS = Loss(
    {
        n: Weighted(part.term, part.weight, {"block1_conv1": 9.0} if n == "style" else {})
        for n, part in ALL.weighted.items()
    }
)
LOSSES = {"all": ALL, **{name: alone(name) for name in TERMS}}
# Odd sides: poolings drop a row at every level, and tiles end unevenly.
HEIGHT, WIDTH = 203, 278


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
    """The whole objective for a kind of pooling, compiled once."""
    return cache(lambda pooling: WholeObjective(network, Pyramid(HEIGHT, WIDTH, 5, 1.0), TERMS, pooling))


def images_for(pooling: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Photo, painting, weights of the painting's pixels, and variables near the photo."""
    random = np.random.default_rng(0)
    photo, painting = (random.normal(0, 1, (1, *size, 3)).astype(np.float32) for size in ((HEIGHT, WIDTH), (150, 131)))
    weights = np.zeros((150, 131), np.float32)
    weights[:, 40:] = np.linspace(0, 1, 91)
    pyramid = Pyramid(HEIGHT, WIDTH, 5, 1.0)
    variables = pyramid.variables(photo) + random.normal(0, 0.1, pyramid.size).astype(np.float32)
    if pooling == "max":
        # Where two features are all but equal, the last bit of the picture decides which of them has the gradient; with
        # the coarse levels empty the picture has the same bits however it is interpolated.
        variables[HEIGHT * WIDTH * 3 :] = 0
    return photo, painting, weights, variables


def evaluate(objective: Objective, loss: Loss, pooling: str, weighted: bool = False) -> Evaluation:
    photo, painting, weights, variables = images_for(pooling)
    styles = objective.style_targets(painting, weights if weighted else None)
    return objective(variables, {**objective.content_targets(photo), **styles}, loss)


def check(tiled: Evaluation, whole: Evaluation) -> None:
    assert tiled.total == pytest.approx(whole.total, rel=1e-5)
    assert tiled.total == pytest.approx(sum(part.weighted for part in tiled.parts.values()))
    assert list(tiled.parts) == list(whole.parts)
    for name, part in whole.parts.items():
        assert list(tiled.parts[name].by_layer) == list(part.by_layer)
        for layer, value in part.by_layer.items():
            assert tiled.parts[name].by_layer[layer] == pytest.approx(value, rel=1e-5), (name, layer)
    scale = np.abs(whole.gradient).max()
    assert scale > 0
    np.testing.assert_allclose(tiled.gradient / scale, whole.gradient / scale, rtol=0, atol=1e-5)
    finest = [gradient[: HEIGHT * WIDTH * 3].reshape(HEIGHT, WIDTH, 3) for gradient in (whole.gradient, tiled.gradient)]
    for border in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        difference = np.linalg.norm(finest[1][border] - finest[0][border])
        assert difference < 1e-5 * np.linalg.norm(finest[0][border]) + 1e-9 * scale


@pytest.mark.parametrize(
    ("whole_from", "pooling"),
    [
        (3, "max"),
        (4, "max"),
        (5, "max"),
        pytest.param(3, "average", marks=pytest.mark.slow),
        pytest.param(4, "average", marks=pytest.mark.slow),
        (5, "average"),
    ],
)
def test_every_term_at_every_cut(
    network: Network, whole: Callable[[str], Objective], whole_from: int, pooling: str
) -> None:
    tiled = TiledObjective(network, Pyramid(HEIGHT, WIDTH, 5, 1.0), whole_from, TERMS, pooling)
    # With average pooling the coarse levels count, so the two pictures differ in their last bits and a ReLU may flip;
    # a term by itself would show that.
    losses = LOSSES.values() if pooling == "max" and whole_from != 4 else [ALL]
    for loss in losses:
        check(evaluate(tiled, loss, pooling), evaluate(whole(pooling), loss, pooling))
    if (whole_from, pooling) == (5, "max"):
        check(evaluate(tiled, ALL, pooling, weighted=True), evaluate(whole(pooling), ALL, pooling, weighted=True))
        plain, factored = (evaluate(whole(pooling), loss, pooling) for loss in (ALL, FACTORS))
        more = 8 * ALL.weighted["style"].weight * plain.parts["style"].by_layer["block1_conv1"]
        assert factored.total - plain.total == pytest.approx(more, rel=1e-3)
        check(evaluate(tiled, FACTORS, pooling), factored)


def test_a_margin_that_is_too_small_shows(
    network: Network, whole: Callable[[str], Objective], monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = evaluate(whole("max"), ALL, "max")
    monkeypatch.setattr(segment, "margin", lambda convolutions, pooled: 8)
    tiled = evaluate(TiledObjective(network, Pyramid(HEIGHT, WIDTH, 5, 1.0), 3, TERMS, "max"), ALL, "max")
    assert np.abs(tiled.gradient - exact.gradient).max() > 1e-4 * np.abs(exact.gradient).max()


def test_style_pictures_of_one_size_share_a_compilation(network: Network) -> None:
    _, painting, _, _ = images_for("max")
    objective = TiledObjective(network, Pyramid(64, 64, 3, 1.0), 3, TERMS, "max")
    for _ in range(2):
        objective.style_targets(painting, None)
    assert objective.compilations == 2
    objective.style_targets(painting[:, :64, :64], None)
    assert objective.compilations == 2, "it has the size of the result"
