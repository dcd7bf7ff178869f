"""Names of options and pictures become paths of fields in the request."""

from __future__ import annotations

import pytest

from tfstyle.errors import Violation
from tfstyle_server.field_paths import in_creation, in_request, of_image


@pytest.mark.parametrize(
    ("name", "shorthand", "inputs"),
    [
        ("content", "content", "inputs.content"),
        ("style", "style", "inputs.styles[0].picture"),
        ("style.mask", "style.mask", "inputs.styles[0].mask"),
        ("styles[1]", "styles[1]", "inputs.styles[1].picture"),
        ("styles[1].mask", "styles[1].mask", "inputs.styles[1].mask"),
        ("styles[1].weight", "styles[1].weight", "inputs.styles[1].weight"),
        ("styles[1].region", "styles[1].region", "inputs.styles[1].region"),
        ("styles", "styles", "inputs.styles"),
        ("keep", "keep", "inputs.keep"),
        ("temporal", "temporal", "inputs.temporal"),
        ("temporal[1]", "temporal[1]", "inputs.temporal[1].picture"),
        ("temporal[1].weights", "temporal[1].weights", "inputs.temporal[1].weights"),
        ("temporal[1].weight", "temporal[1].weight", "inputs.temporal[1].weight"),
        ("start_picture", "start_picture", "inputs.start_picture"),
        ("start", "options.start", "options.start"),
        ("size", "options.size", "options.size"),
        ("style_weight", "options.style_weight", "options.style_weight"),
        ("preset", "preset", "preset"),
    ],
)
def test_paths(name: str, shorthand: str, inputs: str) -> None:
    assert in_request(Violation(name, "x"), shorthand=True) == Violation(shorthand, "x")
    assert in_request(Violation(name, "x"), shorthand=False) == Violation(inputs, "x")


def test_paths_of_images_and_of_creations() -> None:
    assert of_image("style", shorthand=True) == "style_image"
    assert of_image("style", shorthand=False) == "inputs.styles[0].picture"
    assert in_creation(Violation("content", "x")) == Violation("transfer.content", "x")
