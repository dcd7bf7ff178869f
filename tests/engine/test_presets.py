"""The strength is found again in the options that it stands for, and nowhere else."""

from __future__ import annotations

import dataclasses

import pytest

from tfstyle.presets import PRESET_DOCS, PRESETS, resolve_options, strength_of


@pytest.mark.parametrize("strength", [0.0, 0.01, 0.2, 0.37, 0.5, 0.99, 1.0])
@pytest.mark.parametrize("preset", ["default", "fast", "bold"])
def test_strength_is_found_again(preset: str, strength: float) -> None:
    assert strength_of(resolve_options(preset, {"strength": strength})) == strength


@pytest.mark.parametrize(
    ("preset", "strength"), [("default", 0.5), ("subtle", 0.2), ("bold", 0.8), ("reference", None)]
)
def test_presets_have_their_strength(preset: str, strength: float | None) -> None:
    assert strength_of(PRESETS[preset]) == strength


@pytest.mark.parametrize(
    "changed", [{"style_weight": 2.1}, {"content_weight": 0.9}, {"coarsest_scale": 96}, {"style_weight": 1e9}]
)
def test_other_weights_are_no_strength(changed: dict[str, float]) -> None:
    assert strength_of(dataclasses.replace(PRESETS["default"], **changed)) is None


def test_every_preset_says_what_it_gives() -> None:
    assert list(PRESET_DOCS) == list(PRESETS)
