"""Seamless results: everything that is computed goes round the borders, so no place of the picture is special."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tfstyle.borders import Wraps, wraps_of
from tfstyle.engine import Engine
from tfstyle.images import Picture, resize
from tfstyle.inputs import content_and_style
from tfstyle.losses import Loss, loss_from_options, relative, split_loss_from_options
from tfstyle.networks.lite import load_lite
from tfstyle.objective import Evaluation, WholeObjective, matched_terms, style_targets
from tfstyle.options import TransferOptions
from tfstyle.pyramid import Pyramid

RANDOM = np.random.default_rng(8)
HEIGHT, WIDTH = 64, 96
PHOTO, START, IMAGE = (RANDOM.normal(size=(1, HEIGHT, WIDTH, 3)).astype(np.float32) for _ in range(3))
PAINTING = RANDOM.normal(size=(1, 48, 48, 3)).astype(np.float32)
ALL = TransferOptions(
    split_evaluations=10, seamless="both", style_layers=("block2_conv1", "block3_conv1", "block4_conv1")
)


class Rolled:
    """The objective of a picture of which photo, start and iterate are all moved by `shift` (down, across) pixels."""

    def __init__(self, loss: Loss, wraps: Wraps) -> None:
        self.pyramid = Pyramid(HEIGHT, WIDTH, 5, 1.0, wraps)
        self.loss = loss
        self.objective = WholeObjective(load_lite(), self.pyramid, loss.terms, "max")

    def __call__(self, shift: tuple[int, int]) -> Evaluation:
        """The evaluation at the moved picture."""
        photo, start, image = (np.roll(each, shift, (1, 2)) for each in (PHOTO, START, IMAGE))
        metrics = load_lite().metrics
        statistics = self.objective.style_statistics(PAINTING, None)
        targets = {**self.objective.content_targets(photo), **style_targets(self.loss.terms, statistics, metrics)}
        for name, term in matched_terms(self.loss.terms).items():
            columns = self.objective.columns(term, [(PAINTING, None)])
            targets[name] = self.objective.match(term, term.query(photo, start, None), columns)
        balanced = relative(self.loss, targets, metrics)
        self.targets, self.balanced = targets, balanced
        return self.objective(self.pyramid.variables(image), targets, balanced)

    def finest(self, evaluation: Evaluation) -> np.ndarray:
        """The gradient with respect to the picture's own pixels [h, w, 3]."""
        return evaluation.gradient[: HEIGHT * WIDTH * 3].reshape(HEIGHT, WIDTH, 3)


@cache
def rolled(split: bool) -> Rolled:
    """With the loss of `ALL`, or that of its `split_evaluations`."""
    return Rolled(split_loss_from_options(ALL) if split else loss_from_options(ALL), wraps_of("both"))


@pytest.mark.parametrize("split", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_moving_everything_round_the_borders_moves_the_gradient_and_keeps_the_loss(split: bool) -> None:
    """Only a computation without borders has this property: network, neighbours, pyramid and variation."""
    made = rolled(split)
    here = made((0, 0))
    for shift in ((16, 0), (32, 48)):
        there = made(shift)
        assert there.total == pytest.approx(here.total, rel=1e-5)
        for name, part in here.parts.items():
            assert there.parts[name].value == pytest.approx(part.value, rel=1e-4), name
        expected = np.roll(made.finest(here), shift, (0, 1))
        assert np.linalg.norm(made.finest(there) - expected) < 1e-3 * np.linalg.norm(expected)


@pytest.mark.slow
def test_along_an_axis_with_borders_the_same_move_changes_the_loss() -> None:
    options = TransferOptions(style_loss="wasserstein", seamless="x", style_layers=ALL.style_layers)
    made = Rolled(loss_from_options(options), wraps_of("x"))
    here, across, down = (made(shift) for shift in ((0, 0), (0, 32), (32, 0)))
    assert across.total == pytest.approx(here.total, rel=1e-5)
    assert abs(down.total - here.total) > 1e-4 * here.total
    moved = np.roll(made.finest(here), (32, 0), (0, 1))
    assert np.linalg.norm(made.finest(down) - moved) > 0.02 * np.linalg.norm(moved)


def test_gradient_of_the_whole_objective_is_that_of_differences() -> None:
    made = rolled(split=False)
    here = made((0, 0))
    variables = made.pyramid.variables(IMAGE)
    for start in (0, HEIGHT * WIDTH * 3):  # along the gradient of all levels, and of the coarse levels alone
        direction = here.gradient.copy()
        direction[:start] = 0
        direction /= np.linalg.norm(direction)
        step = np.float32(0.25)
        above, below = (
            made.objective(variables + sign * step * direction, made.targets, made.balanced).total for sign in (1, -1)
        )
        assert (above - below) / (2 * step) == pytest.approx(float(here.gradient @ direction), rel=0.02)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def seams(picture: Picture, axis: int) -> float:
    """The mean difference between the two ends of the picture along an axis, relative to that of inner neighbours."""
    pixels = picture.pixels.astype(float)
    ends = np.abs(np.take(pixels, 0, axis) - np.take(pixels, -1, axis)).mean()
    return float(ends / np.abs(np.diff(pixels, axis=axis)).mean())


@pytest.mark.slow
def test_result_has_no_seam_where_it_is_asked_for(engine: Engine, photo: Picture, oils: Picture) -> None:
    inputs = content_and_style(resize(photo, (192, 128)), oils)
    found = {}
    for seamless, scales, evaluations in (("none", (), 6), ("both", ((64, 8),), 20)):
        options = TransferOptions(
            network="vgg19-lite",
            precision="float32",
            style_loss="wasserstein",
            size=96,
            coarsest_scale=0,
            scales=scales,
            max_evaluations=evaluations,
            seamless=seamless,
        )
        transfer = engine.prepare(inputs, options)
        for _ in transfer.iterates():
            pass
        found[seamless] = transfer.deliver().picture
        assert found[seamless].size == (96, 64)
    for axis in (0, 1):
        assert seams(found["both"], axis) < 1.2
        assert seams(found["both"], axis) < 0.5 * seams(found["none"], axis)


def test_sides_become_multiples_of_16_at_every_scale_which_a_warning_tells(engine: Engine) -> None:
    pictures = content_and_style(Picture(np.zeros((300, 400, 3), np.uint8)), Picture(np.zeros((50, 50, 3), np.uint8)))
    options = TransferOptions(network="vgg19-lite", size=204, seamless="x", coarsest_scale=70, max_evaluations=48)
    transfer = engine.prepare(pictures, options)
    sizes = [stage.size for stage in transfer.stages]
    assert sizes[-1] == (208, 153)
    assert all(width % 16 == 0 for width, _ in sizes)
    assert len(sizes) > 2
    assert list(transfer.warnings) == [
        "seamless: the result has 208 x 153 pixels instead of 204 x 153, "
        "because sides along which it repeats must be multiples of 16"
    ]
    assert transfer.stages[-1].pyramid.wraps == (False, True)
    exact = TransferOptions(network="vgg19-lite", size=192, seamless="both", max_evaluations=4)
    assert engine.prepare(pictures, exact).warnings == ()
