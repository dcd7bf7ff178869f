"""What the memory allows: the style loss and the tiling of each stage, and what a resumed transfer keeps of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tfstyle import Checkpoint, Engine, Inputs, InvalidInputError, Picture, content_and_style, read_checkpoint
from tfstyle.options import TransferOptions
from tfstyle.presets import resolve_options


def options(**overrides: object) -> TransferOptions:
    chosen = {"size": 160, "network": "vgg19-lite", "precision": "float32", "steps": 14, "scales": ((64, 6),)}
    return resolve_options("default", {**chosen, **overrides})


@pytest.fixture(scope="module")
def inputs(photo: Picture, oils: Picture) -> Inputs[Picture]:
    return content_and_style(photo, oils)


@pytest.fixture(scope="module")
def need(inputs: Inputs[Picture]) -> int:
    """Bytes for neighbours at the last scale."""
    return Engine().prepare(inputs, options(style_loss="neighbours")).estimate.memory


def test_auto_takes_neighbours_where_they_fit(inputs: Inputs[Picture], need: int) -> None:
    transfer = Engine(memory=need).prepare(inputs, options())
    assert [layout.style_loss for layout in transfer.estimate.layouts] == ["neighbours", "neighbours"]
    assert transfer.estimate.memory == need
    assert transfer.warnings == ()


def test_auto_takes_wasserstein_at_scales_where_neighbours_do_not_fit_and_says_so(
    inputs: Inputs[Picture], need: int
) -> None:
    transfer = Engine(memory=need - 1).prepare(inputs, options())
    assert transfer.estimate.layouts == (("neighbours", 1), ("wasserstein", 1))
    assert transfer.estimate.memory < need
    (warning,) = transfer.warnings
    assert re.fullmatch(
        r"style_loss: from 160 x 107 pixels on, wasserstein takes the place of neighbours, "
        r"which would need 0\.\d GB of memory; 0\.\d GB are free",
        warning,
    )
    found = ["neighbours" in iterate.losses for iterate in transfer.iterates()]
    assert found == [True] * 6 + [False] * 8
    assert "neighbours" not in transfer.deliver().losses


def test_neighbours_asked_for_are_refused_where_they_do_not_fit(inputs: Inputs[Picture], need: int) -> None:
    with pytest.raises(InvalidInputError, match=r"style_loss neighbours, which cannot be tiled.*style_loss auto would"):
        Engine(memory=need - 1).prepare(inputs, options(style_loss="neighbours"))


def test_split_evaluations_fall_back_as_well(inputs: Inputs[Picture], need: int) -> None:
    transfer = Engine(memory=need - 1).prepare(inputs, options(split_evaluations=3))
    assert [layout.style_loss for layout in transfer.estimate.layouts] == ["neighbours", "wasserstein", "wasserstein"]
    assert [stage.evaluations for stage in transfer.stages] == [6, 5, 3]
    assert [stage.remembers for stage in transfer.stages] == [True, False, False]


def interrupted(engine: Engine, inputs: Inputs[Picture], at: int, path: Path) -> tuple[Checkpoint, list[float]]:
    """A checkpoint written after `at` evaluations, and the totals of those that follow."""
    transfer = engine.prepare(inputs, options())
    totals = []
    for iterate in transfer.iterates():
        totals.append(iterate.total)
        if iterate.evaluation == at:
            transfer.checkpoint(path)
    return read_checkpoint(path), totals[at:]


@pytest.mark.slow
def test_resumed_transfer_keeps_its_style_losses_when_there_is_more_memory(
    inputs: Inputs[Picture], need: int, tmp_path: Path
) -> None:
    checkpoint, following = interrupted(Engine(memory=need - 1), inputs, 9, tmp_path / "c.npz")
    resumed = Engine().prepare(inputs, options(), checkpoint)
    assert [layout.style_loss for layout in resumed.estimate.layouts] == ["neighbours", "wasserstein"]
    assert [iterate.total for iterate in resumed.iterates()] == following


@pytest.mark.slow
@pytest.mark.parametrize("at", [3, 9])
def test_resumed_transfer_goes_on_without_neighbours_when_there_is_less_memory(
    inputs: Inputs[Picture], need: int, tmp_path: Path, at: int
) -> None:
    checkpoint, _ = interrupted(Engine(), inputs, at, tmp_path / "c.npz")
    resumed = Engine(memory=need - 1).prepare(inputs, options(), checkpoint)
    iterates = list(resumed.iterates())
    assert [iterate.evaluation for iterate in iterates] == list(range(at + 1, 15))
    last_scale = [iterate for iterate in iterates if iterate.stage == 2]
    assert not any("neighbours" in iterate.losses for iterate in last_scale)
    assert last_scale[-1].total < last_scale[0].total


def test_an_outline_from_sizes_is_what_a_transfer_of_such_pictures_becomes(inputs: Inputs[Picture], need: int) -> None:
    engine, chosen = Engine(memory=need - 1), options(split_evaluations=3)
    transfer = engine.prepare(inputs, chosen)
    outline = engine.outline(inputs.map(lambda _, picture: picture.size), chosen)
    assert outline.estimate == transfer.estimate
    assert outline.warnings == transfer.warnings
    found = [(step.network.name, step.demand.pyramid.width, step.evaluations) for step in outline.steps]
    assert found == [(stage.network.name, stage.size[0], stage.evaluations) for stage in transfer.stages]


def test_an_outline_refuses_what_does_not_fit_into_the_given_memory(inputs: Inputs[Picture]) -> None:
    with pytest.raises(InvalidInputError, match=r"^size: 160 x 107 pixels need"):
        Engine().outline(inputs.map(lambda _, picture: picture.size), options(), available=10**6)
