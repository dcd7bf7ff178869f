"""Options: presets, validation, and messages that name the field."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tfstyle.errors import InvalidInputError
from tfstyle.options import PRESETS, ProgressOptions, TransferOptions, resolve_options


def test_reference_preset_has_the_published_values() -> None:
    reference = PRESETS["reference"]
    assert (reference.content_weight, reference.style_weight, reference.tv_weight) == (1, 1e4, 10)
    assert (reference.optimizer, reference.learning_rate, reference.max_evaluations) == ("adam", 0.3, 500)
    assert (reference.learning_rate_decay, reference.learning_rate_decay_every) == (0.8, 50)
    assert reference.content_layers == ("block4_conv4",)
    assert reference.style_layers == tuple(f"block{i}_conv1" for i in range(1, 6))
    assert (reference.pyramid_levels, reference.gamut_weight) == (1, 0)


def test_default_style_weight_is_twenty_times_the_published_one() -> None:
    assert PRESETS["default"].style_weight == 20 * PRESETS["reference"].style_weight
    assert (PRESETS["default"].optimizer, PRESETS["default"].max_evaluations) == ("lbfgs", 100)


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
        InvalidInputError, match="preset: there is no preset 'turbo'; the presets are default, fast, cascade, reference"
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
