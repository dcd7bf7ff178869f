"""Every option is in the table, and its values find their way from JSON and from forms."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from tfstyle.errors import InvalidInputError
from tfstyle.options import RULES
from tfstyle.presets import PRESETS, resolve_options
from tfstyle_client.dashboard.option_table import GROUPS, option_table, parsed, plain


def test_every_option_is_there_with_its_default_in_each_preset() -> None:
    table = json.loads(json.dumps(option_table()))
    entries = {entry["name"]: entry for entry in table["options"]}
    assert set(entries) == {"strength", *RULES}
    assert [preset["name"] for preset in table["presets"]] == list(PRESETS)
    assert {entry["group"] for entry in entries.values()} == set(GROUPS) == {each["name"] for each in table["groups"]}
    for preset, options in PRESETS.items():
        defaults = {name: entries[name]["defaults"][preset] for name in RULES}
        assert resolve_options(preset, parsed(defaults)) == options
    assert {preset: entries["strength"]["defaults"][preset] for preset in ("default", "bold", "reference")} == {
        "default": 0.5,
        "bold": 0.8,
        "reference": None,
    }


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("form", ["JSON", "form"])
def test_values_survive_the_way_out_and_back(preset: str, form: str) -> None:
    values = {name: plain(name, value) for name, value in dataclasses.asdict(PRESETS[preset]).items()}
    if form == "form":
        values = {name: str(value) for name, value in values.items()}
    assert resolve_options("default", parsed(json.loads(json.dumps(values)))) == PRESETS[preset]


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"size": "big"}, "size: must be 16 to 8192, or original; got 'big'"),
        ({"size": 2.5}, "size: must be 16 to 8192"),
        ({"size": True}, "size: must be 16 to 8192"),
        ({"size": [1]}, "size: must be 16 to 8192"),
        ({"steps": "1.5"}, "steps: must be 1 to 10000; got '1.5'"),
        ({"style_loss": 3}, "style_loss: must be one of auto, gram"),
        ({"scales": 3}, "scales: must be auto, or SIZE:EVALUATIONS"),
        ({"scales": "96"}, "scales: must be auto, or SIZE:EVALUATIONS"),
        ({"hue": 1, "strength": {}}, "hue: there is no such option; strength: must be 0 to 1, or mild"),
    ],
)
def test_what_is_no_value_names_the_option(values: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parsed(values)
    assert str(caught.value).startswith(complaint)


def test_what_is_empty_is_not_set() -> None:
    assert parsed({"size": "", "strength": None, "steps": 20.0}) == {"steps": 20}
