"""Tiled and whole objectives agree with every kind of border, also where windows reach beyond a picture that wraps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from tfstyle.borders import REPLICATE, ZERO, borders_of, wraps_of
from tfstyle.losses import ContentLoss, GramLoss, SquaredVariation
from tfstyle.networks.lite import load_lite
from tfstyle.networks.network import LayerMetric, Network
from tfstyle.networks.topology import CONVOLUTIONS, LITE_CONVOLUTIONS
from tfstyle.objective import Evaluation, Objective, WholeObjective
from tfstyle.options import TransferOptions
from tfstyle.pyramid import Pyramid
from tfstyle.tiled import segment
from tfstyle.tiled.objective import TiledObjective

RANDOM = np.random.default_rng(6)


@pytest.fixture(autouse=True)
def _small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    tiles = (32, 16, 16)
    cuts = tuple(dataclasses.replace(cut, tile=tile) for cut, tile in zip(segment.CUTS, tiles, strict=True))
    monkeypatch.setattr(segment, "CUTS", cuts)


def small_network() -> Network:
    """VGG19's topology with 4 channels a layer and random weights."""
    random = np.random.default_rng(3)
    weights = {
        name: (
            random.normal(0, 0.3, (3, 3, 3 if name == CONVOLUTIONS[0] else 4, 4)).astype(np.float32),
            random.normal(0, 0.1, 4).astype(np.float32),
        )
        for name in LITE_CONVOLUTIONS
    }
    return Network("vgg19", "random", "", weights, {name: LayerMetric(4) for name in weights}, caffe_input=False)


@pytest.mark.parametrize(
    ("make", "padding", "seamless", "size", "whole_from"),
    [
        (small_network, REPLICATE, "none", (107, 102), 5),
        pytest.param(load_lite, REPLICATE, "x", (80, 112), 4, marks=pytest.mark.slow),
        pytest.param(load_lite, REPLICATE, "none", (107, 102), 5, marks=pytest.mark.slow),
        pytest.param(load_lite, ZERO, "both", (112, 192), 5, marks=pytest.mark.slow),
    ],
)
def test_values_and_gradients_agree(
    make: Callable[[], Network], padding: str, seamless: str, size: tuple[int, int], whole_from: int
) -> None:
    wraps = wraps_of(seamless)
    loss = (
        ContentLoss(("block2_conv2", "block4_conv2"))
        + 2e5 * GramLoss(TransferOptions().style_layers)
        + 10 * SquaredVariation(wraps)
    )
    pyramid = Pyramid(*size, 4, 1.0, wraps)
    # Multiples of powers of two, so that interpolation is exact in any order (see test_tiled_objective.py).
    photo, image = (RANDOM.integers(-512, 512, (1, *size, 3)).astype(np.float32) / 256 for _ in range(2))
    painting = RANDOM.normal(size=(1, 64, 80, 3)).astype(np.float32)

    def evaluate(objective: Objective) -> Evaluation:
        targets = {**objective.content_targets(photo), **objective.style_statistics(painting, None)}
        return objective(pyramid.variables(image), targets, loss)

    network = make()
    whole = evaluate(WholeObjective(network, pyramid, loss.terms, "max", padding=padding))
    made = TiledObjective(network, pyramid, whole_from, loss.terms, "max", padding=padding)
    first = made._tiled.segments[0]
    assert len(first._tiles) > 4, "the picture is really divided"
    assert (min(rows.start for rows, _ in first._tiles) < 0) == wraps.down
    assert (min(columns.start for _, columns in first._tiles) < 0) == wraps.across
    tiled = evaluate(made)
    for name, part in whole.parts.items():
        for layer, value in part.by_layer.items():
            assert tiled.parts[name].by_layer[layer] == pytest.approx(value, rel=1e-5), (name, layer)
    scale = np.abs(whole.gradient).max()
    np.testing.assert_allclose(tiled.gradient / scale, whole.gradient / scale, rtol=0, atol=1e-5)
    plain = evaluate(WholeObjective(network, pyramid, loss.terms, "max"))
    assert borders_of(padding, wraps) != borders_of(ZERO)
    assert np.abs(plain.gradient - whole.gradient).max() > 1e-3 * scale or padding == ZERO, "the option has an effect"
