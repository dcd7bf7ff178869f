"""The whole optimisation loop with vgg19-lite, at small sizes."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tfstyle
from tfstyle.checkpoint import Checkpoint
from tfstyle.colour import standardise
from tfstyle.engine import SIZE_SECONDS, TRACING_SECONDS, Engine
from tfstyle.errors import InvalidInputError
from tfstyle.images import Picture
from tfstyle.inputs import content_and_style
from tfstyle.presets import resolve_options
from tfstyle.pyramid import Pyramid
from tfstyle.stage import Stage


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="module")
def pictures(landscape: bytes, painting: bytes) -> tuple[Picture, Picture]:
    return tfstyle.decode(landscape, "content"), tfstyle.decode(painting, "style")


def test_losses_fall_and_the_delivered_picture_keeps_the_loss(
    engine: Engine, pictures: tuple[Picture, Picture]
) -> None:
    transfer = engine.prepare(
        content_and_style(*pictures), resolve_options("default", {"size": 96, "steps": 60, "precision": "float32"})
    )
    iterates = list(transfer.iterates())
    assert [iterate.evaluation for iterate in iterates] == list(range(1, 61))
    totals = [iterate.total for iterate in iterates]
    assert all(later <= earlier for earlier, later in itertools.pairwise(totals))
    assert totals[-1] < totals[0] * 0.6
    assert iterates[0].losses["content"].value < 1e-6, "the picture starts as the photo"
    assert set(iterates[0].losses["style"].by_layer) == set(transfer.options.style_layers)
    seconds = [iterate.seconds for iterate in iterates]
    assert all(later > earlier for earlier, later in itertools.pairwise(seconds))
    delivered = transfer.deliver()
    assert delivered.total == pytest.approx(totals[-1], rel=0.01), "8 bits and clipping change the loss by at most 1 %"
    assert delivered.picture.size == transfer.size == (96, 64)
    np.testing.assert_array_equal(iterates[-1].picture().pixels, delivered.picture.pixels)
    np.testing.assert_array_equal(
        iterates[0].picture().pixels, tfstyle.images.resize(pictures[0], (96, 64)).pixels
    )  # fmt: skip


def test_pictures_of_the_same_size_share_one_trace(engine: Engine, pictures: tuple[Picture, Picture]) -> None:
    before = engine.traces
    seen = []
    counts = []
    for weight in (1e3, 1e5):
        options = resolve_options("default", {"size": 48, "steps": 3, "style_weight": weight})
        transfer = engine.prepare(content_and_style(*pictures), options)
        list(transfer.iterates())
        shared: Any = transfer._problem(0).objective
        seen.append(shared)
        parts = shared._picture_loss, shared._feature_loss
        counts.append([part._function.experimental_get_tracing_count() for part in parts])
    assert engine.traces == before + 1
    assert seen[0] is seen[1]
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        pytest.param({}, 0.0, id="the same"),
        pytest.param({"style_weight": 9.0}, 0.0, id="another weight"),
        pytest.param({"size": 64}, SIZE_SECONDS, id="another size"),
        pytest.param({"tv_weight": 0.0}, 0.0, id="no weight"),
        pytest.param({"tv_form": "absolute"}, SIZE_SECONDS, id="another term of the picture itself"),
        pytest.param({"style_loss": "gram"}, SIZE_SECONDS + TRACING_SECONDS, id="another loss"),
        pytest.param({"pooling": "average"}, SIZE_SECONDS + TRACING_SECONDS, id="another pooling"),
        pytest.param({"padding": "replicate"}, SIZE_SECONDS + TRACING_SECONDS, id="other borders"),
    ],
)
def test_estimate_counts_what_is_still_to_be_traced(
    changes: dict[str, object], seconds: float, pictures: tuple[Picture, Picture]
) -> None:
    engine, first = Engine(), {"size": 48, "steps": 1, "coarsest_scale": "none"}
    inputs = content_and_style(*pictures)
    transfer = engine.prepare(inputs, resolve_options("fast", first))
    assert transfer.estimate.tracing == pytest.approx(SIZE_SECONDS + TRACING_SECONDS)
    transfer.stages[0].problem(None)
    assert engine.prepare(inputs, resolve_options("fast", first | changes)).estimate.tracing == pytest.approx(seconds)


def test_other_borders_are_traced_for_each_size(pictures: tuple[Picture, Picture]) -> None:
    engine, inputs = Engine(), content_and_style(*pictures)
    for size in (48, 64):
        options = resolve_options("fast", {"size": size, "coarsest_scale": "none", "padding": "replicate"})
        transfer = engine.prepare(inputs, options)
        assert transfer.estimate.tracing == pytest.approx(SIZE_SECONDS + TRACING_SECONDS)
        transfer.stages[0].problem(None)


def test_next_scale_begins_without_the_targets_of_the_finished_one(pictures: tuple[Picture, Picture]) -> None:
    """As when a worker was lost while the next one was prepared."""
    options = resolve_options("fast", {"size": 64, "scales": ((32, 3),), "steps": 5, "network": "vgg19-lite"})
    inputs = content_and_style(*pictures)
    first = Engine().prepare(inputs, options)
    iterates = first.iterates()
    assert [next(iterates).stage_follows for _ in range(3)] == [False, False, True]
    arrays, notes = first._state()
    resumed = Engine().prepare(inputs, options, Checkpoint({name: each.copy() for name, each in arrays.items()}, notes))
    opened = []

    def noted(number: int, stage: Stage) -> Stage:
        return dataclasses.replace(stage, problem=lambda start: (opened.append(number), stage.problem(start))[1])

    resumed.stages = [noted(number, stage) for number, stage in enumerate(resumed.stages)]
    rest = [iterate.total for iterate in resumed.iterates()]
    assert opened == [1]
    assert rest == [iterate.total for iterate in iterates]


def test_weights_follow_the_options_with_a_shared_trace(engine: Engine, pictures: tuple[Picture, Picture]) -> None:
    for overrides in ({"tv_weight": 0.0}, {"tv_weight": 7.0, "style_weight": 3e4, "gamut_weight": 0.0}):
        options = resolve_options("default", {"size": 48, "steps": 1, **overrides})
        (first,) = engine.prepare(content_and_style(*pictures), options).iterates()
        weights = {
            "content": options.content_weight,
            "neighbours": 3 * options.style_weight,
            "style": options.style_weight,
            "tv": options.tv_weight,
            "gamut": options.gamut_weight,
        }
        for name, part in first.losses.items():
            assert part.weighted == pytest.approx(weights[name] * sum(part.by_layer.values()))
        assert first.total == pytest.approx(sum(part.weighted for part in first.losses.values()), rel=1e-5)


def test_gradient_agrees_with_finite_differences(engine: Engine, pictures: tuple[Picture, Picture]) -> None:
    # With average pooling and without total variation, the loss is smooth except for the ReLUs.
    options = resolve_options("default", {"size": 48, "pooling": "average", "tv_weight": 0.0, "precision": "float32"})
    transfer = engine.prepare(content_and_style(*pictures), options)
    random = np.random.default_rng(0)
    variables = transfer.stages[0].pyramid.variables(standardise(pictures[0].pixels[:32, :48]))
    variables += random.normal(0, 0.3, variables.shape).astype(np.float32)
    gradient = transfer._evaluate(variables).gradient
    for _ in range(3):
        direction = random.normal(size=variables.shape).astype(np.float32)
        direction = direction / np.linalg.norm(direction) + gradient / np.linalg.norm(gradient)
        step = np.float32(0.05)
        ahead, back = (transfer._evaluate(variables + sign * step * direction).total for sign in (1, -1))
        assert (ahead - back) / (2 * float(step)) == pytest.approx(float(gradient @ direction), rel=0.02)


def test_adam_optimises_the_pixels_themselves(engine: Engine, pictures: tuple[Picture, Picture]) -> None:
    transfer = engine.prepare(
        content_and_style(*pictures), resolve_options("reference", {"size": 48, "steps": 8, "network": "vgg19-lite"})
    )
    assert transfer.stages[0].pyramid.size == 3 * 48 * 32
    iterates = list(transfer.iterates())
    assert iterates[-1].total < iterates[0].total
    # Adam's first step moves each pixel by the learning rate, up or down, in standardised RGB.
    options = resolve_options("reference", {"size": 48, "steps": 1, "network": "vgg19-lite"})
    one_step = engine.prepare(content_and_style(*pictures), options)
    start = one_step._optimizer.point
    (first,) = one_step.iterates()
    np.testing.assert_array_equal(first.picture().pixels, tfstyle.images.resize(pictures[0], (48, 32)).pixels)
    moved = np.abs(one_step._optimizer.point - start)
    assert np.median(moved) == pytest.approx(0.3, rel=1e-3)


def test_second_stage_continues_from_the_first_ones_picture(engine: Engine, pictures: tuple[Picture, Picture]) -> None:
    overrides = {"size": 48, "steps": 12, "lite_evaluations": 8, "network": "vgg19-lite", "style_loss": "wasserstein"}
    transfer = engine.prepare(content_and_style(*pictures), resolve_options("default", overrides))
    iterates = list(transfer.iterates())
    assert [iterate.evaluation for iterate in iterates] == list(range(1, 13))
    assert {iterate.max_evaluations for iterate in iterates} == {12}
    assert iterates[8].total == pytest.approx(iterates[7].total, rel=1e-5), "the same picture on the same network"
    np.testing.assert_array_equal(iterates[8].picture().pixels, iterates[7].picture().pixels)
    assert iterates[11].total < iterates[7].total
    unknown = [iterate.evaluation for iterate in iterates if iterate.remaining is None]
    assert unknown == [1, 9], "a network's first evaluation may trace"
    assert iterates[11].remaining == 0


def test_remaining_time_accounts_for_the_cost_of_each_network(
    engine: Engine, pictures: tuple[Picture, Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    overrides = {"size": 48, "steps": 12, "lite_evaluations": 8, "network": "vgg19-lite"}
    transfer = engine.prepare(content_and_style(*pictures), resolve_options("default", overrides))
    costly = dataclasses.replace(transfer.stages[1].network, weights={})
    monkeypatch.setattr(type(costly), "work", property(lambda network: 1.0 if network.weights else 7.0))
    larger = Pyramid(64, 96, 7, 1.0)
    stages = (
        *transfer.stages[:1],
        *(
            dataclasses.replace(transfer.stages[1], network=costly, pyramid=each)
            for each in (transfer.stages[1].pyramid, larger)
        ),
    )
    monkeypatch.setattr(transfer, "stages", stages)
    for stage, made, left in ((0, 5, 3 + 4 * 7 + 4 * 4 * 7), (1, 1, 3 + 4 * 4), (2, 3, 1)):
        monkeypatch.setattr(transfer, "_stage", stage)
        monkeypatch.setattr(transfer, "_made", made)
        assert transfer._evaluations_left() == left


def test_result_has_the_alpha_of_the_photo(engine: Engine, pictures: tuple[Picture, Picture]) -> None:
    photo = pictures[0].pixels
    alpha = np.zeros(photo.shape[:2], np.uint8)
    alpha[:, : photo.shape[1] // 2] = 255
    transfer = engine.prepare(
        content_and_style(Picture(photo, alpha), pictures[1]), resolve_options("default", {"size": 48, "steps": 1})
    )
    list(transfer.iterates())
    delivered = transfer.deliver().picture
    assert delivered.alpha is not None
    assert delivered.alpha[:, :20].min() == 255
    assert delivered.alpha[:, 28:].max() == 0


def test_style_scale_and_fit_change_the_target(engine: Engine, pictures: tuple[Picture, Picture]) -> None:
    def first_style(**overrides: object) -> float:
        options = resolve_options("default", {"size": 64, "steps": 1, **overrides})
        (first,) = engine.prepare(content_and_style(*pictures), options).iterates()
        return first.losses["style"].value

    values = {first_style(), first_style(style_scale=2.0), first_style(style_fit="stretch")}
    assert len(values) == 3


def test_number_of_cached_objectives_is_bounded(pictures: tuple[Picture, Picture]) -> None:
    engine = Engine(keep=2)

    def open_stage(size: int) -> None:
        options = resolve_options("fast", {"size": size})
        engine.prepare(content_and_style(*pictures), options).stages[0].problem(None)

    for size in (32, 40, 48):
        open_stage(size)
    assert engine.traces == 3
    assert len(engine._objectives) == 2
    open_stage(48)
    assert engine.traces == 3


def test_auto_rejects_deep_layers_if_it_chooses_lite(engine: Engine, pictures: tuple[Picture, Picture]) -> None:
    options = resolve_options("default", {"content_layers": ("block5_conv2",), "size": 48})
    with pytest.raises(InvalidInputError, match="content_layers: vgg19-lite ends at block5_conv1"):
        engine.prepare(content_and_style(*pictures), options)


def test_stylize_returns_a_png(landscape: bytes, painting: bytes) -> None:
    seen = []
    result = tfstyle.stylize(landscape, painting, size=48, steps=3, on_iterate=seen.append)
    assert len(seen) == 3
    assert result.options.size == 48
    again = tfstyle.decode(result.png, "result")
    np.testing.assert_array_equal(again.pixels, result.delivered.picture.pixels)


def test_a_start_without_a_finite_loss_is_refused(oils: Picture) -> None:
    flat = Picture(np.full((40, 40, 3), (200, 30, 90), np.uint8))
    inputs = content_and_style(flat, oils)
    options = {"size": 32, "steps": 2, "network": "vgg19-lite", "style_loss": "wasserstein", "padding": "replicate"}
    engine = Engine()
    with pytest.raises(InvalidInputError, match="content: gives a loss that is not finite"):
        list(engine.prepare(inputs, resolve_options("fast", options)).iterates())
    transfer = engine.prepare(inputs, resolve_options("fast", {**options, "start": "noise"}))
    assert all(math.isfinite(each.total) for each in transfer.iterates())


def test_same_input_gives_the_same_bytes(landscape: bytes, painting: bytes) -> None:
    first, second = (tfstyle.stylize(landscape, painting, size=64, steps=12).png for _ in range(2))
    assert first == second


def test_scales_go_from_coarse_to_fine_in_one_run(engine: Engine, pictures: tuple[Picture, Picture]) -> None:
    options = resolve_options("default", {"size": 96, "steps": 24, "scales": ((40, 10), (64, 8))})
    transfer = engine.prepare(content_and_style(*pictures), options)
    assert [stage.size for stage in transfer.stages] == [(40, 27), (64, 43), (96, 64)]
    assert transfer.size == (96, 64)
    iterates = list(transfer.iterates())
    assert [iterate.evaluation for iterate in iterates] == list(range(1, 25))
    assert [iterate.stage for iterate in iterates] == [1] * 10 + [2] * 8 + [3] * 6
    assert all(
        iterate.picture().size == iterate.size == transfer.stages[iterate.stage - 1].size for iterate in iterates
    )
    # Each scale begins with the enlarged picture of the one before.
    for last, first in ((iterates[9], iterates[10]), (iterates[17], iterates[18])):
        enlarged = Image.fromarray(last.picture().pixels).resize(first.size, Image.Resampling.BICUBIC)
        assert np.abs(np.asarray(enlarged).astype(int) - first.picture().pixels).mean() < 1
    for stage in (1, 2, 3):
        totals = [iterate.total for iterate in iterates if iterate.stage == stage]
        assert all(later <= earlier for earlier, later in itertools.pairwise(totals))
    assert iterates[23].remaining == 0
    delivered = transfer.deliver()
    assert delivered.picture.size == (96, 64)
    assert delivered.total == pytest.approx(iterates[-1].total, rel=0.02)


def test_transfer_may_be_delivered_before_its_last_scale(engine: Engine, pictures: tuple[Picture, Picture]) -> None:
    options = resolve_options("default", {"size": 96, "steps": 24, "scales": ((40, 10), (64, 8))})
    transfer = engine.prepare(content_and_style(*pictures), options)
    small = list(itertools.islice(transfer.iterates(), 10))[-1].picture()
    delivered = transfer.deliver()
    assert delivered.picture.size == (96, 64)
    enlarged = np.asarray(Image.fromarray(small.pixels).resize((96, 64), Image.Resampling.BICUBIC))
    assert np.abs(enlarged.astype(int) - delivered.picture.pixels).mean() < 1
    assert np.isfinite(delivered.total)


@pytest.mark.parametrize("style", ["tiny", "plain"])
def test_style_without_variance_has_finite_losses(
    engine: Engine, pictures: tuple[Picture, Picture], style: str
) -> None:
    painting = pictures[1] if style == "tiny" else Picture(np.full((60, 80, 3), (124, 117, 104), np.uint8))
    overrides = {"size": 64, "steps": 4, "style_scale": 0.4 if style == "tiny" else 1.0}
    transfer = engine.prepare(content_and_style(pictures[0], painting), resolve_options("default", overrides))
    totals = [iterate.total for iterate in transfer.iterates()]
    assert len(totals) == 4
    assert np.isfinite(totals).all()
    assert totals[-1] < totals[0]


def test_cascade_leaves_the_last_scale_to_its_network(engine: Engine, pictures: tuple[Picture, Picture]) -> None:
    overrides = {"size": 64, "network": "vgg19-lite", "lite_evaluations": "coarse", "coarsest_scale": 32, "steps": 26}
    stages = engine.prepare(content_and_style(*pictures), resolve_options("default", overrides)).stages
    assert [(stage.size[0], stage.evaluations) for stage in stages] == [(32, 13), (64, 13)]
    overrides["steps"] = 4
    (stage,) = engine.prepare(content_and_style(*pictures), resolve_options("default", overrides)).stages
    assert (stage.size[0], stage.evaluations) == (64, 4)


def test_networks_and_scales_divide_the_evaluations(engine: Engine, pictures: tuple[Picture, Picture]) -> None:
    overrides = {"size": 64, "steps": 10, "scales": ((40, 6),), "lite_evaluations": 4, "network": "vgg19-lite"}
    transfer = engine.prepare(content_and_style(*pictures), resolve_options("default", overrides))
    assert [(stage.size[0], stage.evaluations) for stage in transfer.stages] == [(40, 4), (40, 2), (64, 4)]
    assert [iterate.stage for iterate in transfer.iterates()] == [1] * 4 + [2] * 2 + [3] * 4


@pytest.mark.slow
def test_one_weight_gives_one_balance(engine: Engine, pictures: tuple[Picture, Picture]) -> None:
    """A painting of low contrast has Gram matrices a hundred times smaller; relative losses do not depend on it."""
    photo, oils = pictures
    pale = Picture((oils.pixels // 4 + 96).astype(np.uint8))
    contents = {}
    for balance, weight in (("relative", 2.0), ("absolute", 2e5)):
        for name, style in (("oils", oils), ("pale", pale)):
            overrides = {"balance": balance, "style_weight": weight, "style_loss": "gram"}
            options = resolve_options("default", {"size": 96, "steps": 40, **overrides})
            transfer = engine.prepare(content_and_style(photo, style), options)
            list(transfer.iterates())
            contents[balance, name] = transfer.deliver().losses["content"].value
    apart = {balance: abs(np.log(contents[balance, "oils"] / contents[balance, "pale"])) for balance, _ in contents}
    assert apart["relative"] < apart["absolute"] / 2
