"""Whole transfers with style_loss neighbours: stages, targets, several styles, masks, and what is remembered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tfstyle import Engine, Inputs, Picture, Style, content_and_style, read_checkpoint, resolve_options
from tfstyle.borders import NO_WRAPS
from tfstyle.colour import standardise
from tfstyle.images import resize
from tfstyle.losses import NeighboursLoss
from tfstyle.networks.extractor import extractor
from tfstyle.networks.lite import load_lite
from tfstyle.options import TransferOptions

LAYERS = resolve_options("default").style_layers


def detail(**overrides: object) -> TransferOptions:
    chosen = {"size": 96, "network": "vgg19-lite", "precision": "float32", "style_loss": "neighbours"}
    return resolve_options("default", {**chosen, **overrides})


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def targets(
    engine: Engine, inputs: Inputs[Picture], start: np.ndarray | None = None, **overrides: object
) -> dict[str, np.ndarray]:
    """Targets of the only stage; it begins at `start`, by default at the photo."""
    (stage,) = engine.prepare(inputs, detail(steps=5, **overrides)).stages
    begin = standardise(resize(inputs.content, stage.size).pixels) if start is None else start
    return {layer: np.array(target) for layer, target in stage.problem(begin).targets["neighbours"].items()}


def rows(parts: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([part.reshape(-1, part.shape[-1]) for part in parts.values()], 1)


def test_loss_falls_in_every_scale_and_is_that_of_the_delivered_picture(
    engine: Engine, photo: Picture, oils: Picture
) -> None:
    transfer = engine.prepare(content_and_style(photo, oils), detail(steps=30, scales=((48, 15),), content_weight=0.1))
    found = [iterate.losses["neighbours"].value for iterate in transfer.iterates()]
    assert found[14] < 0.7 * found[0]
    assert found[29] < 0.8 * found[15]
    delivered = transfer.deliver()
    assert delivered.losses["neighbours"].value == pytest.approx(found[29], rel=0.05)
    assert set(delivered.losses) == {"content", "neighbours", "style", "tv", "gamut"}


def test_targets_come_from_the_painting_in_four_turns(engine: Engine, photo: Picture, oils: Picture) -> None:
    network = load_lite()
    extract = extractor(network, LAYERS)
    term = NeighboursLoss(LAYERS)
    small = standardise(resize(oils, (96, 72)).pixels)
    columns = [
        rows({layer: np.array(part) for layer, part in term._parts(extract(turned), network.metrics, NO_WRAPS).items()})
        for turned in (small, np.rot90(small, 1, (1, 2)), np.rot90(small, 2, (1, 2)), np.rot90(small, 3, (1, 2)))
    ]
    among = np.concatenate(columns)
    among /= np.linalg.norm(among, axis=1, keepdims=True)
    found = rows(targets(engine, content_and_style(photo, oils)))
    similar = found @ among.T
    np.testing.assert_allclose(similar.max(1), 1, rtol=1e-4)
    turns = similar.argmax(1) // len(columns[0])
    assert set(turns) == {0, 1, 2, 3}


@pytest.mark.slow
def test_neighbours_depend_on_where_the_stage_begins(engine: Engine, photo: Picture, oils: Picture) -> None:
    inputs = content_and_style(photo, oils)
    once, again = targets(engine, inputs), targets(engine, inputs)
    other = targets(engine, inputs, np.zeros((1, 64, 96, 3), np.float32))
    np.testing.assert_array_equal(rows(once), rows(again))
    moved = np.any(rows(once) != rows(other), axis=1).mean()
    assert 0.05 < moved < 1


def test_targets_of_several_styles_are_averaged_by_weight(engine: Engine, photo: Picture, oils: Picture) -> None:
    negative = Picture(255 - oils.pixels)
    one, other = (rows(targets(engine, content_and_style(photo, style))) for style in (oils, negative))
    both = rows(targets(engine, Inputs(photo, (Style(oils, 3.0), Style(negative, 1.0)))))
    np.testing.assert_allclose(both, 0.75 * one + 0.25 * other, rtol=1e-4, atol=1e-6)


def test_the_black_part_of_a_mask_is_never_chosen(engine: Engine, photo: Picture, oils: Picture) -> None:
    half = np.zeros_like(oils.pixels)
    half[:, : half.shape[1] // 2] = 255
    repainted = oils.pixels.copy()
    repainted[:, repainted.shape[1] * 7 // 8 :] = (255, 0, 0)
    # Deeper layers would see the repainted part from the other half.
    shallow = ("block1_conv1", "block3_conv1")

    def found(painted: Picture, mask: Picture | None) -> np.ndarray:
        return rows(targets(engine, Inputs(photo, (Style(painted, 1.0, mask),)), style_layers=shallow))

    plain, masked = ([found(each, mask) for each in (oils, Picture(repainted))] for mask in (None, Picture(half)))
    assert np.any(plain[0] != plain[1], axis=1).mean() > 0.05
    np.testing.assert_allclose(masked[0], masked[1], rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_split_evaluations_choose_anew_in_rounds_at_the_last_scale(photo: Picture, oils: Picture) -> None:
    engine = Engine()
    options = detail(steps=45, scales=((48, 12),), split_evaluations=23)
    transfer = engine.prepare(content_and_style(photo, oils), options)
    assert [(stage.size[0], stage.evaluations) for stage in transfer.stages] == [
        (48, 12), (96, 10), (96, 10), (96, 10), (96, 3)
    ]  # fmt: skip
    iterates = list(transfer.iterates())
    assert [iterate.stage for iterate in iterates] == [1] * 12 + [2] * 10 + [3] * 10 + [4] * 10 + [5] * 3
    assert engine.traces == 3, "one for each scale, and one for all rounds"
    # The same picture is nearer to neighbours that were chosen for it.
    assert iterates[32].losses["neighbours"].value < iterates[31].losses["neighbours"].value
    assert iterates[-1].losses["neighbours"].value < 0.9 * iterates[22].losses["neighbours"].value


def test_lite_hands_neighbours_over_to_another_network(engine: Engine, photo: Picture, oils: Picture) -> None:
    options = detail(steps=14, lite_evaluations=6, split_evaluations=4)
    stages = engine.prepare(content_and_style(photo, oils), options).stages
    assert [stage.evaluations for stage in stages] == [6, 4, 4]
    assert all(stage.remembers for stage in stages)
    others = engine.prepare(content_and_style(photo, oils), resolve_options("fast", {"size": 96, "steps": 4})).stages
    assert not any(stage.remembers for stage in others)


@pytest.mark.slow
def test_a_plain_painting_has_finite_losses(engine: Engine, photo: Picture) -> None:
    plain = Picture(np.full((60, 80, 3), (124, 117, 104), np.uint8))
    transfer = engine.prepare(content_and_style(photo, plain), detail(steps=6, split_evaluations=2))
    totals = [iterate.total for iterate in transfer.iterates()]
    assert len(totals) == 6
    assert np.isfinite(totals).all()


@pytest.mark.slow
def test_transfer_may_be_delivered_and_judged_before_its_last_stage(
    engine: Engine, photo: Picture, oils: Picture
) -> None:
    options = detail(steps=20, scales=((48, 8),), split_evaluations=6)
    inputs = content_and_style(photo, oils)
    undisturbed = [iterate.total for iterate in engine.prepare(inputs, options).iterates()]
    transfer = engine.prepare(inputs, options)
    totals = []
    for iterate in transfer.iterates():
        totals.append(iterate.total)
        if iterate.evaluation == 5:
            delivered = transfer.deliver()
            assert delivered.picture.size == (96, 64)
            other = resize(oils, (96, 64))
            judged = [transfer.judge(picture).total for picture in (delivered.picture, other, delivered.picture)]
            assert judged[0] == judged[2] == delivered.total != judged[1]
    assert totals == undisturbed


@pytest.mark.parametrize(
    "overrides",
    [
        pytest.param({"size": 24, "split_evaluations": 6}, marks=pytest.mark.slow),
        {"style_layers": ("block4_conv1", "block5_conv1"), "split_evaluations": 3},
        {"style_layers": ("block2_conv2",)},
        {"content_weight": 0.0},
        pytest.param({"balance": "absolute", "split_evaluations": 3}, marks=pytest.mark.slow),
        pytest.param(
            {"style_layer_weights": (0.0, 1.0, 1.0, 1.0, 1e-3), "split_evaluations": 3}, marks=pytest.mark.slow
        ),
        {"style_fit": "stretch", "style_scale": 0.5},
    ],
)
def test_losses_fall_with_other_options(
    engine: Engine, photo: Picture, oils: Picture, overrides: dict[str, object]
) -> None:
    transfer = engine.prepare(content_and_style(photo, oils), detail(steps=12, coarsest_scale=0, **overrides))
    iterates = list(transfer.iterates())
    assert len(iterates) == 12
    for stage in range(1, len(transfer.stages) + 1):
        totals = [iterate.total for iterate in iterates if iterate.stage == stage]
        assert np.isfinite(totals).all()
        assert totals[-1] < totals[0]
    refused = sum(not iterate.accepted for iterate in iterates)
    assert refused <= 3
    assert np.isfinite(transfer.deliver().total)


@pytest.mark.slow
def test_several_styles_and_grey_pictures_with_split_evaluations(photo: Picture, oils: Picture) -> None:
    styles = (Style(oils, 2.0), Style(Picture(255 - oils.pixels), 1.0))
    grey = Inputs(photo, styles).map(lambda _, picture: picture.in_grey())
    transfer = Engine().prepare(grey, detail(steps=10, split_evaluations=4))
    totals = [iterate.total for iterate in transfer.iterates()]
    assert totals[9] < totals[6]
    pixels = transfer.deliver().picture.pixels
    np.testing.assert_array_equal(pixels[..., 0], pixels[..., 2])


@pytest.mark.slow
def test_bfloat16_finds_about_the_same_picture(photo: Picture, oils: Picture) -> None:
    found = []
    for precision in ("float32", "bfloat16"):
        transfer = Engine().prepare(content_and_style(photo, oils), detail(steps=12, precision=precision))
        list(transfer.iterates())
        found.append(transfer.deliver())
    judged = [each.losses["neighbours"].value for each in found]
    assert judged[1] == pytest.approx(judged[0], rel=0.1)
    apart = np.abs(found[0].picture.pixels.astype(int) - found[1].picture.pixels)
    assert 0 < apart.mean() < 12


def test_lite_hands_its_picture_to_vgg19_whose_neighbours_are_its_own(
    photo: Picture, oils: Picture, vgg19_weights: Path, tmp_path: Path
) -> None:
    engine = Engine(str(vgg19_weights))
    options = resolve_options("default", {"size": 48, "network": "vgg19", "steps": 12, "lite_evaluations": 6})
    inputs = content_and_style(photo, oils)
    transfer = engine.prepare(inputs, options)
    iterates = []
    for iterate in transfer.iterates():
        iterates.append(iterate)
        if iterate.evaluation == 9:
            transfer.checkpoint(tmp_path / "c.npz")
    assert [stage.network.name for stage in transfer.stages] == ["vgg19-lite", "vgg19"]
    assert iterates[11].total < iterates[6].total
    again = engine.prepare(inputs, options, read_checkpoint(tmp_path / "c.npz"))
    assert [iterate.total for iterate in again.iterates()] == [iterate.total for iterate in iterates[9:]]
