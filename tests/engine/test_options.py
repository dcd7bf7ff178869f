"""Options: presets, validation, and messages that name the field."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

import pytest

from tfstyle.errors import InvalidInputError
from tfstyle.options import ProgressOptions, TransferOptions, schedule
from tfstyle.presets import PRESETS, resolve_options


def test_reference_preset_has_the_published_values() -> None:
    reference = PRESETS["reference"]
    assert (reference.content_weight, reference.style_weight, reference.tv_weight) == (1, 1e4, 10)
    assert (reference.optimizer, reference.learning_rate, reference.max_evaluations) == ("adam", 0.3, 500)
    assert (reference.learning_rate_decay, reference.learning_rate_decay_every) == (0.8, 50)
    assert reference.content_layers == ("block4_conv4",)
    assert reference.style_layers == tuple(f"block{i}_conv1" for i in range(1, 6))
    assert (reference.pyramid_levels, reference.gamut_weight) == (1, 0)


def test_reference_preset_has_none_of_what_came_later() -> None:
    reference = PRESETS["reference"]
    assert (reference.balance, reference.style_loss, reference.tv_form) == ("absolute", "gram", "absolute")
    assert (reference.coarsest_scale, reference.scales, reference.style_layer_weights) == (0, (), ())


def test_default_is_the_middle_of_the_strengths() -> None:
    assert resolve_options("default", {"strength": 0.5}) == PRESETS["default"]
    assert resolve_options("default", {"strength": "medium"}) == PRESETS["default"]


def test_strength_moves_weights_and_coarsest_scale_in_equal_ratios() -> None:
    options = [resolve_options("default", {"strength": value}) for value in (0, "mild", 0.5, "strong", 1)]
    ratios = [each.style_weight / each.content_weight for each in options]
    steps = [after / before for before, after in itertools.pairwise(ratios)]
    assert steps == pytest.approx([100**0.25] * 4, rel=0.02)
    assert (ratios[0], ratios[-1]) == (pytest.approx(0.2, rel=0.01), pytest.approx(20, rel=0.01))
    coarsest = [each.coarsest_scale for each in options]
    assert coarsest == sorted(set(coarsest), reverse=True)
    assert resolve_options("bold") == resolve_options("default", {"strength": 0.8})
    assert resolve_options("default", {"strength": 1, "coarsest_scale": 256}).coarsest_scale == 256


@pytest.mark.parametrize(
    ("preset", "overrides", "says"),
    [
        ("default", {"strength": 1.5}, "must be 0 to 1, or mild, or medium, or strong; got 1.5"),
        ("default", {"strength": "wild"}, "must be a number, or mild, or medium, or strong; got 'wild'"),
        ("default", {"strength": 0.5, "style_weight": 3.0}, "sets style_weight; give only one of the two"),
        ("reference", {"strength": 0.5}, "needs relative losses; with balance absolute, set style_weight"),
    ],
)
def test_unusable_strengths_are_rejected(preset: str, overrides: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(says)) as caught:
        resolve_options(preset, overrides)
    assert [violation.field for violation in caught.value.violations] == ["strength"]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("max_evaluations", 0, "1 to 10000"),
        ("max_evaluations", 2.5, "whole number"),
        ("max_evaluations", True, "whole number"),
        ("size", 15, "16 to 8192"),
        ("size", 8193, "16 to 8192"),
        ("style_weight", -1.0, "0 to 1e9"),
        ("content_weight", math.nan, "finite"),
        ("tv_weight", math.inf, "finite"),
        ("tv_weight", "much", "number"),
        ("learning_rate", 0.0, "above 0"),
        ("learning_rate_decay", 1.5, "above 0 to 1"),
        ("optimizer", "sgd", "lbfgs, adam"),
        ("network", "resnet", "vgg19-lite"),
        ("pooling", "", "max, average"),
        ("style_layers", (), "at least one"),
        ("style_layers", ("block9_conv1",), "no layer 'block9_conv1'"),
        ("style_layers", ("block1_conv1", "block1_conv1"), "twice"),
        ("content_layers", "block1_conv1", "tuple"),
        ("style_layer_weights", (1.0, 2.0), "must be as many as style_layers, 5; got 2"),
        ("style_layer_weights", (1.0, -1.0, 1.0, 1.0, 1.0), "from 0 to 1e9 for each layer; got -1"),
        ("style_layer_weights", (1.0, math.nan, 1.0, 1.0, 1.0), "from 0 to 1e9 for each layer; got nan"),
        ("content_layer_weights", (0.0,), "not be 0 for every layer"),
        ("content_layer_weights", ("1",), "tuple of numbers"),
        ("style_loss", "sliced", "gram, moments, wasserstein"),
        ("balance", "", "relative, absolute"),
        ("tv_form", "cubed", "squared, absolute"),
        ("coarsest_scale", 15, "16 to 8192, or none"),
    ],
)
def test_invalid_values_are_rejected_by_name(name: str, value: Any, says: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        resolve_options("default", {name: value})
    assert [violation.field for violation in caught.value.violations] == [name]
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_invalid_fields_are_reported_at_once() -> None:
    with pytest.raises(InvalidInputError) as caught:
        TransferOptions(max_evaluations=0, size=1, pooling="none")
    assert {violation.field for violation in caught.value.violations} == {"max_evaluations", "size", "pooling"}


def test_unknown_presets_and_options_are_rejected() -> None:
    with pytest.raises(
        InvalidInputError,
        match="preset: there is no preset 'turbo'; "
        "the presets are default, fast, subtle, bold, detail, cascade, reference",
    ):
        resolve_options("turbo")
    with pytest.raises(InvalidInputError, match="stile_weight: there is no such option"):
        resolve_options("default", {"stile_weight": 1})


def test_lite_rejects_layers_that_it_does_not_have() -> None:
    with pytest.raises(InvalidInputError, match="content_layers: vgg19-lite ends at block5_conv1; block5_conv4"):
        TransferOptions(network="vgg19-lite", content_layers=("block5_conv4",))
    assert TransferOptions(network="vgg19", content_layers=("block5_conv4",)).content_layers == ("block5_conv4",)


def test_cascade_needs_evaluations_and_layers_for_both_networks() -> None:
    with pytest.raises(InvalidInputError, match=r"lite_evaluations: must be less than max_evaluations \(20\); got 20"):
        TransferOptions(max_evaluations=20, lite_evaluations=20)
    with pytest.raises(InvalidInputError, match="content_layers: vgg19-lite ends at block5_conv1; block5_conv4"):
        resolve_options("cascade", {"content_layers": ("block5_conv4",)})


def test_progress_reports_first_last_multiples_and_previews() -> None:
    progress = ProgressOptions(every=10, preview_every=7)
    assert [n for n in range(1, 26) if progress.reports(n, 25)] == [1, 7, 10, 14, 20, 21, 25]
    assert [n for n in range(1, 26) if progress.previews(n)] == [7, 14, 21]
    assert not any(ProgressOptions().previews(n) for n in range(1, 26))


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (
            {"style_loss": "gram", "split_evaluations": 5},
            "split_evaluations: needs style_loss neighbours or auto; with gram",
        ),
        ({"split_evaluations": 100}, r"split_evaluations: must be less than max_evaluations \(100\); got 100"),
        (
            {"split_evaluations": 40, "lite_evaluations": 60},
            r"lite_evaluations: must be less than max_evaluations \(100\) less split_evaluations \(40\); got 60",
        ),
        (
            {"split_evaluations": 40, "scales": ((64, 60),)},
            r"scales: must leave some of max_evaluations \(100\) less split_evaluations \(40\) to the last scale",
        ),
        ({"style_layers": ("block5_conv4",), "network": "vgg19-lite"}, "style_layers: vgg19-lite ends at block5_conv1"),
        ({"style_layers": ("block6_conv1",)}, "style_layers: there is no layer 'block6_conv1'"),
        (
            {"style_loss": "nearest"},
            "style_loss: must be one of auto, gram, moments, wasserstein, neighbours; got 'nearest'",
        ),
    ],
)
def test_unusable_options_of_neighbours_are_rejected(overrides: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        resolve_options("default", overrides)


def test_split_evaluations_follow_those_of_the_scales() -> None:
    options = resolve_options("default", {"split_evaluations": 20, "coarsest_scale": 128, "size": 384})
    assert [scale.evaluations for scale in schedule(options, 384)] == [20, 20, 20, 20]


@pytest.mark.parametrize(
    ("every", "kept", "last", "expected"),
    [
        (5, 4, 40, [10, 20, 30, 40]),  # 8 previews, every second one
        (5, 8, 40, [5, 10, 15, 20, 25, 30, 35, 40]),
        (5, 3, 40, [15, 30]),
        (1, 200, 3, [1, 2, 3]),
        (7, 1, 20, [14]),
        (5, 0, 40, []),
        (50, 4, 40, []),
    ],
)
def test_kept_previews_are_evenly_spread_and_not_more_than_asked_for(
    every: int, kept: int, last: int, expected: list[int]
) -> None:
    progress = ProgressOptions(preview_every=every, kept_previews=kept)
    assert [evaluation for evaluation in range(1, last + 1) if progress.keeps(evaluation, last)] == expected


def test_kept_previews_need_previews() -> None:
    with pytest.raises(InvalidInputError, match=r"^kept_previews: needs previews: set preview_every$"):
        ProgressOptions(kept_previews=3)
