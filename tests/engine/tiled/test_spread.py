"""A picture whose areas are computed by several parties has the loss and gradient of one machine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from spread_pictures import HEIGHT, WIDTH, evaluate, small_network

from tfstyle.borders import REPLICATE, ZERO, wraps_of
from tfstyle.losses import (
    ContentLoss,
    GamutPenalty,
    GramLoss,
    MomentsLoss,
    SquaredVariation,
    WassersteinLoss,
)
from tfstyle.networks.lite import load_lite
from tfstyle.networks.network import Network
from tfstyle.objective import Evaluation, WholeObjective
from tfstyle.options import TransferOptions
from tfstyle.pyramid import Pyramid
from tfstyle.tiled import segment, spread
from tfstyle.tiled.crew import Crew
from tfstyle.tiled.objective import TiledObjective
from tfstyle.tiled.party import LocalParty
from tfstyle.tiled.spread import SpreadNetwork

STYLE_LAYERS = TransferOptions().style_layers


@pytest.fixture(autouse=True)
def _small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    tiles = (64, 32, 16)
    cuts = tuple(dataclasses.replace(cut, tile=tile) for cut, tile in zip(segment.CUTS, tiles, strict=True))
    monkeypatch.setattr(segment, "CUTS", cuts)


def check(found: Evaluation, whole: Evaluation, values: float = 1e-5) -> None:
    """The gradient agrees to 1e-5 of its largest value."""
    for name, part in whole.parts.items():
        assert list(found.parts[name].by_layer) == list(part.by_layer)
        for layer, value in part.by_layer.items():
            assert found.parts[name].by_layer[layer] == pytest.approx(value, rel=values), (name, layer)
    assert found.total == pytest.approx(whole.total, rel=values)
    scale = np.abs(whole.gradient).max()
    assert scale > 0
    np.testing.assert_allclose(found.gradient / scale, whole.gradient / scale, rtol=0, atol=1e-5)


LOSS = ContentLoss(("block2_conv2", "block4_conv2")) + 2 * GramLoss(STYLE_LAYERS) + SquaredVariation() + GamutPenalty()
KINDS = {
    "gram": LOSS,
    "moments": ContentLoss(("block4_conv2",)) + 2 * MomentsLoss(STYLE_LAYERS),
    "wasserstein": ContentLoss(("block4_conv2",)) + 2 * WassersteinLoss(STYLE_LAYERS),
    "two styles": 3 * GramLoss(STYLE_LAYERS) + WassersteinLoss(STYLE_LAYERS[1:]),
}
slow = pytest.mark.slow


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("gram", {}),
        pytest.param("gram", {"regions": True, "kept": True}, marks=slow),
        pytest.param("moments", {}, marks=slow),
        pytest.param("wasserstein", {}, marks=slow),
        pytest.param("two styles", {}, marks=slow),
        pytest.param("gram", {"weighted": True}, marks=slow),
        pytest.param("two styles", {"regions": True, "kept": True}, marks=slow),
    ],
)
def test_values_and_gradient_are_those_of_one_machine(kind: str, how: dict[str, bool]) -> None:
    network, loss = small_network(), KINDS[kind]
    pyramid = Pyramid(HEIGHT, WIDTH, 4, 1.0)
    whole = evaluate(WholeObjective(network, pyramid, loss.terms, "max"), network, loss, **how)
    with Crew([LocalParty(), LocalParty()], 2) as crew:
        objective = TiledObjective(network, pyramid, 5, loss.terms, "max", crew=crew)
        # Covariances are small differences of sums, whose rounding is another.
        check(evaluate(objective, network, loss, **how), whole, values=1e-5 if kind == "gram" else 1e-4)


@slow
@pytest.mark.parametrize(
    ("make", "padding", "seamless", "size", "whole_from", "parties"),
    [
        (small_network, ZERO, "none", (331, 420), 5, 4),
        (small_network, REPLICATE, "none", (331, 420), 4, 3),
        (small_network, ZERO, "x", (160, 448), 3, 2),
        (small_network, REPLICATE, "both", (368, 400), 5, 4),
        (load_lite, ZERO, "none", (203, 250), 5, 2),
    ],
)
def test_any_borders_and_any_number_of_areas(
    make: Callable[[], Network], padding: str, seamless: str, size: tuple[int, int], whole_from: int, parties: int
) -> None:
    network, pyramid = make(), Pyramid(*size, 4, 1.0, wraps_of(seamless))
    loss = ContentLoss(("block2_conv2", "block4_conv2")) + 2 * GramLoss(STYLE_LAYERS)
    whole = evaluate(WholeObjective(network, pyramid, loss.terms, "max", padding=padding), network, loss)
    with Crew([LocalParty() for _ in range(parties)], parties) as crew:
        objective = TiledObjective(network, pyramid, whole_from, loss.terms, "max", padding=padding, crew=crew)
        tiled = objective._tiled
        assert isinstance(tiled, SpreadNetwork)
        assert len(tiled.areas) == parties, "the picture is really divided"
        check(evaluate(objective, network, loss), whole)


@pytest.mark.slow
def test_too_small_a_reach_changes_the_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    network, pyramid = small_network(), Pyramid(HEIGHT, WIDTH, 4, 1.0)
    whole = evaluate(WholeObjective(network, pyramid, LOSS.terms, "max"), network, LOSS)
    monkeypatch.setattr(spread, "seen", lambda network, terms: (64, 16))
    with Crew([LocalParty()], 2) as crew:
        objective = TiledObjective(network, pyramid, 5, LOSS.terms, "max", crew=crew)
        found = evaluate(objective, network, LOSS)
    assert np.abs(found.gradient - whole.gradient).max() > 1e-4 * np.abs(whole.gradient).max()
