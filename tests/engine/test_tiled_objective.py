"""Tiled is untiled: the same losses and the same gradient, borders included, for both networks' forms."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import tfstyle.tiled_objective
from tfstyle.networks.lite import load_lite
from tfstyle.networks.network import Network
from tfstyle.objective import Evaluation, Objective, Targets
from tfstyle.options import PRESETS
from tfstyle.pyramid import Pyramid
from tfstyle.tiled_objective import TiledObjective

OPTIONS = PRESETS["default"]
WEIGHTS = (1.0, 2e5, 10.0, 1000.0)
# Odd sides: poolings drop a row at every level, and tiles end unevenly.
HEIGHT, WIDTH = 203, 278


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    cuts = [
        dataclasses.replace(cut, tile=tile)
        for cut, tile in zip(tfstyle.tiled_objective.CUTS, (32, 16, 16), strict=True)
    ]
    monkeypatch.setattr(tfstyle.tiled_objective, "CUTS", tuple(cuts))


@pytest.fixture(scope="module")
def network() -> Network:
    return load_lite()


def images_for(pooling: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Photo, painting, and variables near the photo."""
    random = np.random.default_rng(0)
    photo, painting = (random.normal(0, 1, (1, *size, 3)).astype(np.float32) for size in ((HEIGHT, WIDTH), (150, 131)))
    pyramid = Pyramid(HEIGHT, WIDTH, 5, 1.0)
    variables = pyramid.variables(photo) + random.normal(0, 0.1, pyramid.size).astype(np.float32)
    if pooling == "max":
        # Where two features are all but equal, the last bit of the picture decides which of them has the gradient; with
        # the coarse levels empty the picture has the same bits however it is interpolated.
        variables[HEIGHT * WIDTH * 3 :] = 0
    return photo, painting, variables


def evaluate(objective: Objective | TiledObjective, images: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Evaluation:
    photo, painting, variables = images
    targets = Targets(objective.content_features(photo), objective.style_grams(painting))
    return objective(variables, targets, WEIGHTS)


@pytest.mark.usefixtures("small_tiles")
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
def test_losses_and_gradient_are_those_of_the_picture_seen_whole(
    network: Network, whole_from: int, pooling: str
) -> None:
    images = images_for(pooling)
    # A content layer and a style layer in every part, tiled or not.
    layers = ("block2_conv2", "block3_conv4", "block4_conv4"), OPTIONS.style_layers
    pyramid = Pyramid(HEIGHT, WIDTH, 5, 1.0)
    whole = evaluate(Objective(network, pyramid, *layers, pooling), images)
    tiled = evaluate(TiledObjective(network, pyramid, whole_from, *layers, pooling), images)
    assert tiled.total == pytest.approx(whole.total, rel=1e-5)
    for part, by_layer in whole.parts.items():
        assert list(tiled.parts[part]) == list(by_layer)
        for layer, value in by_layer.items():
            assert tiled.parts[part][layer] == pytest.approx(value, rel=1e-5), (part, layer)
    scale = np.abs(whole.gradient).max()
    np.testing.assert_allclose(tiled.gradient / scale, whole.gradient / scale, rtol=0, atol=1e-5)
    finest = [gradient[: HEIGHT * WIDTH * 3].reshape(HEIGHT, WIDTH, 3) for gradient in (whole.gradient, tiled.gradient)]
    for border in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        difference = np.linalg.norm(finest[1][border] - finest[0][border])
        assert difference < 1e-5 * np.linalg.norm(finest[0][border])


@pytest.mark.usefixtures("small_tiles")
def test_a_tile_that_is_computed_with_too_small_a_margin_shows(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = images_for("max")
    layers = OPTIONS.content_layers, OPTIONS.style_layers
    pyramid = Pyramid(HEIGHT, WIDTH, 5, 1.0)
    whole = evaluate(Objective(network, pyramid, *layers, "max"), images)
    monkeypatch.setattr(tfstyle.tiled_objective, "margin", lambda convolutions, pooled: 8)
    tiled = evaluate(TiledObjective(network, pyramid, 3, *layers, "max"), images)
    assert np.abs(tiled.gradient - whole.gradient).max() > 1e-4 * np.abs(whole.gradient).max()
