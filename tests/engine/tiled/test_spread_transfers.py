"""Transfers whose large stages a crew computes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tfstyle import Engine, Picture, content_and_style, resolve_options
from tfstyle.checkpoint import read_checkpoint
from tfstyle.losses import GramLoss, NeighboursLoss
from tfstyle.networks.lite import load_lite
from tfstyle.pyramid import Pyramid
from tfstyle.tiled import segment
from tfstyle.tiled.crew import Crew
from tfstyle.tiled.party import LocalParty
from tfstyle.tiled.spread import is_spread
from tfstyle.tiled.tasks import Backward, Task

LARGE = Pyramid(96, 300, 3, 1.0)


@pytest.fixture(autouse=True)
def _small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    cuts = tuple(dataclasses.replace(cut, tile=tile) for cut, tile in zip(segment.CUTS, (64, 32, 16), strict=True))
    monkeypatch.setattr(segment, "CUTS", cuts)


class Counted:
    """A party that counts its backward passes."""

    def __init__(self) -> None:
        self.party, self.passes = LocalParty(), 0

    def do(self, task: Task) -> Any:
        self.passes += isinstance(task, Backward)
        return self.party.do(task)

    def close(self) -> None:
        pass


def test_what_a_crew_computes() -> None:
    network = load_lite()
    terms = GramLoss(("block3_conv1",)) * 1.0
    with Crew([LocalParty()], 2, least_windows=4) as crew:
        assert is_spread(crew, network, LARGE, terms.terms, "zero")
        assert not is_spread(crew, network, Pyramid(96, 96, 3, 1.0), terms.terms, "zero"), "few windows"
        neighbours = NeighboursLoss(("block3_conv1",)) * 1.0
        assert not is_spread(crew, network, LARGE, neighbours.terms, "zero"), "its targets need the whole picture"
    with Crew([LocalParty()], 1) as crew:
        assert not is_spread(crew, network, LARGE, terms.terms, "zero"), "one area"


@pytest.mark.slow
def test_a_transfer_goes_on_to_the_bit_and_is_that_of_one_machine(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    photo, painting = (Picture(random.integers(0, 255, (*size, 3), np.uint8), None) for size in ((100, 300), (90, 120)))
    inputs = content_and_style(photo, painting)
    # Two scales, of which the larger one has enough windows.
    options = resolve_options(
        "default",
        {"network": "vgg19-lite", "size": 300, "coarsest_scale": 128, "steps": 10, "style_loss": "gram"}
        | {"precision": "float32"},
    )
    engine = Engine()
    alone = engine.prepare(inputs, options)
    totals = [iterate.total for iterate in alone.iterates()]

    def run(stop: int | None = None, resume: Path | None = None) -> tuple[list[float], bytes]:
        parties = [Counted(), Counted()]
        with Crew(parties, 2, least_windows=4) as crew:
            transfer = engine.prepare(inputs, options, resume and read_checkpoint(resume), crew)
            found = []
            for iterate in transfer.iterates():
                found.append(iterate.total)
                if iterate.evaluation == stop:
                    transfer.checkpoint(tmp_path / "checkpoint")
                    return found, b""
            png = transfer.file(transfer.deliver(), "default")
        large = sum(stage.evaluations for stage in transfer.stages if stage.size[0] == 300)
        assert {party.passes for party in parties} <= {large + 1, large + 1 - (len(totals) - len(found))}
        return found, png

    found, png = run()
    assert found == pytest.approx(totals, rel=1e-3)
    assert len(found) == len(totals)
    before, _ = run(stop=len(totals) - 3)
    after, same = run(resume=tmp_path / "checkpoint")
    assert before + after == found
    assert same == png
