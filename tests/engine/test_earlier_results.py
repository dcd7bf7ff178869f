"""Transfers that follow earlier results: what the inputs become at a scale, and what they do to the picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from tfstyle.colour import standardise
from tfstyle.engine import Engine
from tfstyle.errors import InvalidInputError
from tfstyle.images import Picture, resize
from tfstyle.inputs import Inputs, Style, Temporal
from tfstyle.losses import NeighboursLoss
from tfstyle.options import TransferOptions
from tfstyle.presets import resolve_options
from tfstyle.scaled_inputs import digest, scaled_inputs, sizes_of
from tfstyle.tiled.objective import TiledObjective
from tfstyle.transfer import Transfer

SIDES = 72, 48


def rough(width: int, height: int, seed: int) -> Picture:
    random = np.random.default_rng(seed)
    return resize(Picture(random.integers(0, 256, (height // 6, width // 6, 3), np.uint8)), (width, height))


PHOTO, PAINTING, BEFORE = rough(*SIDES, 0), rough(60, 60, 1), rough(*SIDES, 2)
LEFT = np.zeros((48, 72, 3), np.uint8)
LEFT[:, :36] = 255
OPTIONS = {"size": 72, "max_evaluations": 16, "coarsest_scale": "none", "precision": "float32"}


def following(*temporal: Temporal[Picture], **more: Any) -> Inputs[Picture]:
    return Inputs(PHOTO, (Style(PAINTING),), temporal=temporal, **more)


def made(engine: Engine, inputs: Inputs[Picture], **options: Any) -> Transfer:
    transfer = engine.prepare(inputs, resolve_options("fast", {**OPTIONS, **options}))
    for _ in transfer.iterates():
        pass
    return transfer


def distances(transfer: Transfer) -> tuple[float, float]:
    """Mean absolute differences from the earlier result in lightness, on the left and on the right, in 8 bits."""
    picture = resize(transfer.deliver().picture, SIDES).in_depth(8)
    one, two = (each.in_luma().pixels[..., 0].astype(int) for each in (picture, BEFORE))
    differences = np.abs(one - two).mean(0)
    return float(differences[:34].mean()), float(differences[38:].mean())


def test_the_temporal_term_moves_the_picture_where_it_has_weight() -> None:
    engine = Engine()
    inputs = following(Temporal(BEFORE, weights=Picture(LEFT)))
    free, held = (made(engine, inputs, temporal_weight=weight) for weight in (0, 300))
    assert engine.traces == 1, "the weight is an argument of the traced function"
    assert min(distances(free)) > 25
    left, right = distances(held)
    assert left < 0.15 * distances(free)[0]
    assert right > 25
    losses = [transfer.deliver().losses["temporal"].value for transfer in (free, held)]
    assert losses[1] < 0.05 * losses[0]


@pytest.mark.slow
def test_losses_and_factors_of_several_earlier_results_add_up() -> None:
    engine, other = Engine(), rough(*SIDES, 3)

    def start_value(*temporal: Temporal[Picture]) -> float:
        return made(engine, following(*temporal), max_evaluations=1).deliver().losses["temporal"].value

    one, two = start_value(Temporal(BEFORE)), start_value(Temporal(other))
    assert start_value(Temporal(BEFORE, 0.5), Temporal(other, 2.0)) == pytest.approx(0.5 * one + 2 * two, rel=1e-3)
    assert engine.traces == 1, "their number is no matter of the traced function"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "options"),
    [
        ({}, {"scales": ((48, 8),)}),
        ({}, {"seamless": "both"}),
        ({}, {"colour": "luminance"}),
        ({"keep": Picture(255 - LEFT)}, {}),
        ({}, {"network": "vgg19-lite", "style_loss": "neighbours", "split_evaluations": 4}),
        ({}, {"depth": 16, "optimizer": "adam", "learning_rate": 0.1, "max_evaluations": 40}),
    ],
)
def test_earlier_results_are_followed_with_every_other_wish(more: Mapping[str, Any], options: dict[str, Any]) -> None:
    inputs = following(Temporal(BEFORE, weights=Picture(LEFT)), **more)
    free, held = (made(Engine(), inputs, temporal_weight=weight, **options) for weight in (0, 300))
    assert distances(held)[0] < 0.6 * distances(free)[0]
    for transfer in (free, held):
        assert "temporal" in transfer.deliver().losses


@pytest.mark.slow
def test_a_tiled_picture_follows_them_by_the_same_loss() -> None:
    inputs = following(Temporal(BEFORE, weights=Picture(LEFT)))
    whole = made(Engine(), inputs, max_evaluations=1)
    engine = Engine()
    need = engine.outline(sizes_of(inputs), resolve_options("fast", OPTIONS)).estimate.memory
    for available in (need - 1, need - 2 * 10**6):  # the estimate's constants decide how much less is too little
        engine = Engine(memory=available)
        try:
            tiled = made(engine, inputs, max_evaluations=1)
            break
        except InvalidInputError:
            continue
    else:
        pytest.skip("no tiling is smaller than the whole at this size")
    assert any(isinstance(each, TiledObjective) for each in engine._objectives.values())
    assert tiled.deliver().losses["temporal"].value == pytest.approx(whole.deliver().losses["temporal"].value, rel=1e-5)


def test_weights_are_those_of_mask_factor_and_transparency_at_the_scale() -> None:
    visible = np.full((48, 72), 255, np.uint8)
    visible[:24] = 0
    before = dataclasses.replace(BEFORE, alpha=visible)
    scaled = scaled_inputs(following(Temporal(before, 0.5, Picture(LEFT))), TransferOptions(), 36, grey=False)
    (reference,) = scaled.temporal
    assert reference.picture.size == (36, 24)
    np.testing.assert_allclose(reference.weights[14:, :15], 0.5, rtol=1e-3)
    assert reference.weights[:10].max() < 0.01
    assert reference.weights[:, 22:].max() < 0.01
    (everywhere,) = scaled_inputs(following(Temporal(BEFORE)), TransferOptions(), 36, grey=False).temporal
    assert (everywhere.weights == 1).all()


def test_places_are_looked_up_by_earlier_results_where_the_picture_starts_from_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[Any] = []
    look_up = NeighboursLoss.query

    def query(term: NeighboursLoss, content: Any, start: Any, held: Any) -> Any:
        given.append(held)
        return look_up(term, content, start, held)

    monkeypatch.setattr(NeighboursLoss, "query", query)
    twice = Temporal(BEFORE, weights=Picture(LEFT)), Temporal(BEFORE, weights=Picture(LEFT))
    engine, options = Engine(), {"style_loss": "neighbours", "max_evaluations": 1}
    for inputs in (following(*twice, start_picture=BEFORE), following(*twice)):
        made(engine, inputs, **options)
    held, beside = given
    assert held.shape == (1, 48, 72, 1)
    np.testing.assert_allclose(held[0, 24, [0, 20, 50, 71], 0], [1, 1, 0, 0], atol=1e-3)
    assert beside is None, "it starts from the photo"


def test_sixteen_bits_are_not_rounded_to_eight() -> None:
    fine = Picture(np.random.default_rng(0).integers(20_000, 20_200, (48, 72, 3)).astype(np.uint16))
    (reference,) = scaled_inputs(following(Temporal(fine)), TransferOptions(), 72, grey=False).temporal
    found = standardise(reference.picture.pixels)
    assert np.unique(found).size > 400, "200 levels in each of 3 channels; in 8 bits there are 2"


@pytest.mark.slow
def test_grey_pictures_stay_grey_whatever_they_follow() -> None:
    grey = Inputs(PHOTO.in_grey(), (Style(PAINTING.in_grey()),), temporal=(Temporal(BEFORE),))
    pixels = made(Engine(), grey, max_evaluations=3).deliver().picture.pixels
    assert (pixels == pixels[..., :1]).all()


def test_digest_depends_on_what_is_followed() -> None:
    variants = [
        following(),
        following(Temporal(BEFORE)),
        following(Temporal(PHOTO)),
        following(Temporal(BEFORE, 0.5)),
        following(Temporal(BEFORE, weights=Picture(LEFT))),
        following(Temporal(BEFORE), Temporal(PHOTO)),
    ]
    assert len({digest(each) for each in variants}) == len(variants)


def test_the_estimate_counts_what_is_followed() -> None:
    engine, options = Engine(memory=10**11), resolve_options("fast", {"size": 1024})
    plain, followed = (
        engine.outline(sizes_of(each), options).estimate.memory for each in (following(), following(Temporal(BEFORE)))
    )
    assert followed - plain == pytest.approx(5 * 4 * 1024 * 683, rel=0.01)


SMALL, COLOURED = rough(48, 48, 4), Picture(np.broadcast_to(np.uint8([255, 0, 0]), (48, 72, 3)).copy())


@pytest.mark.parametrize(
    ("temporal", "says"),
    [
        ((Temporal(SMALL),), r"temporal\[0\]: is 48 x 48 pixels; it needs the aspect ratio of the content picture"),
        ((Temporal(BEFORE), Temporal(BEFORE, 1.0, SMALL)), r"temporal\[1\].weights: is 48 x 48 pixels"),
        ((Temporal(BEFORE, 1.0, COLOURED),), r"temporal\[0\].weights: is coloured; it must be grey"),
    ],
)
def test_pictures_that_do_not_fit_are_refused_by_name(temporal: tuple[Temporal[Picture], ...], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        scaled_inputs(following(*temporal), TransferOptions(), 72, grey=False)


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: following(*[Temporal(BEFORE)] * 9), "temporal: must be at most 8; got 9"),
        (lambda: following(Temporal(BEFORE, -1.0)), r"temporal\[0\].weight: must be a number from 0 to 1e9; got -1"),
        (lambda: following(Temporal(BEFORE, "1")), r"temporal\[0\].weight: must be a number"),
    ],
)
def test_wrong_numbers_are_refused_by_name(build: Callable[[], object], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        build()
