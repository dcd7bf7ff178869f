"""The inputs of a transfer: names of pictures, shares of styles, rejected values."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfstyle.errors import InvalidInputError
from tfstyle.inputs import Inputs, Style, Temporal, content_and_style, inputs_by_name, inputs_from_files, is_mask

TWO = Inputs("photo", (Style("oils", 3.0), Style("ink", 1.0, "where")))


def test_pictures_have_the_names_used_in_messages() -> None:
    assert list(content_and_style("photo", "oils").pictures()) == [("content", "photo"), ("style", "oils")]
    names = ["content", "styles[0]", "styles[1]", "styles[1].mask"]
    assert [name for name, _ in TWO.pictures()] == names


def test_map_converts_each_picture_once_and_keeps_the_rest() -> None:
    seen = []

    def convert(name: str, picture: str) -> int:
        seen.append(name)
        return len(picture)

    assert TWO.map(convert) == Inputs(5, (Style(4, 3.0), Style(3, 1.0, 5)))
    assert seen == [name for name, _ in TWO.pictures()]


def test_further_pictures_have_names_too_and_survive_the_map() -> None:
    styles = Style("oils", 1.0, "m", "r"), Style("ink")
    full = Inputs("photo", styles, "begin", "stay")
    names = ["content", "styles[0]", "styles[0].mask", "styles[0].region", "styles[1]", "start_picture", "keep"]
    assert [name for name, _ in full.pictures()] == names
    assert full.map(lambda _, picture: picture) == full
    mapped = Inputs("photo", (Style("oils", regions="map"),), regions="colours")
    assert [name for name, _ in mapped.pictures()] == ["content", "style", "style.regions", "regions"]
    assert [name for name in (*names, "style.regions", "regions") if is_mask(name)] == [
        *("styles[0].mask", "styles[0].region", "keep", "style.regions", "regions")
    ]


def test_earlier_results_have_names_and_survive_the_map_and_their_names() -> None:
    earlier = Temporal("near"), Temporal("far", 0.5, "where")
    inputs = Inputs("photo", (Style("oils", 3.0),), "begin", temporal=earlier)
    names = ["content", "style", "start_picture", "temporal[0]", "temporal[1]", "temporal[1].weights"]
    assert [name for name, _ in inputs.pictures()] == names
    assert [name for name in names if is_mask(name)] == ["temporal[1].weights"]
    assert inputs.map(lambda _, picture: picture) == inputs
    weights = {name: each.weight for name, each in (*inputs.named_styles(), *inputs.named_temporal())}
    assert weights == {"style": 3.0, "temporal[0]": 1.0, "temporal[1]": 0.5}
    assert inputs_by_name(dict(inputs.pictures()), weights) == inputs
    with pytest.raises(InvalidInputError, match="must be those of a transfer"):
        inputs_by_name({"content": "photo", "style": "oils", "temporal[0].weights": "where"}, {})


def test_shares_add_up_to_one() -> None:
    assert TWO.shares == (0.75, 0.25)
    assert content_and_style("photo", "oils").shares == (1.0,)


@pytest.mark.parametrize(
    ("styles", "field", "says"),
    [
        ((), "styles", "must be 1 to 8; got 0"),
        ((Style("a"),) * 9, "styles", "must be 1 to 8; got 9"),
        ((Style("a", -1.0),), "styles[0].weight", "from 0 to 1e9; got -1"),
        ((Style("a"), Style("b", float("nan"))), "styles[1].weight", "from 0 to 1e9; got nan"),
        ((Style("a", 0.0), Style("b", 0.0)), "styles", "not all"),
        ((Style("a", 1e308), Style("b", 1.0)), "styles[0].weight", "from 0 to 1e9"),
        ((Style("a", "1"), Style("b", 1.0)), "styles[0].weight", "from 0 to 1e9; got '1'"),
    ],
)
def test_wrong_styles_are_rejected_by_name(styles: tuple[Style[str], ...], field: str, says: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Inputs("photo", styles)
    (violation,) = caught.value.violations
    assert violation.field == field
    assert says in violation.description


OIL, INK = Style(b"oils"), Style(b"ink", 2.0, b"where")


@pytest.mark.parametrize(
    ("style", "styles"),
    [
        (b"oils", (OIL,)),
        (bytearray(b"oils"), (OIL,)),
        (memoryview(b"oils"), (OIL,)),
        (OIL, (OIL,)),
        ([b"oils", b"ink"], (OIL, Style(b"ink"))),
        ((style for style in (OIL, INK)), (OIL, INK)),
    ],
)
def test_one_or_several_styles_are_taken_in_any_form(style: object, styles: tuple[Style[bytes], ...]) -> None:
    assert inputs_from_files(b"photo", style) == Inputs(b"photo", styles)


@pytest.mark.parametrize(
    ("content", "style", "field", "got"),
    [
        ("photo.jpg", b"oils", "content", "'photo.jpg'"),
        (b"photo", "oils.jpg", "style", "'oils.jpg'"),
        (b"photo", Path("oils.jpg"), "style", "Path"),
        (b"photo", [b"oils", 7], "styles[1]", "7"),
        (b"photo", Style(b"oils", 1.0, "mask.png"), "style.mask", "'mask.png'"),
    ],
)
def test_anything_that_is_no_file_is_refused_by_name(content: object, style: object, field: str, got: str) -> None:
    with pytest.raises(InvalidInputError, match="must be the bytes of a picture file; got") as caught:
        inputs_from_files(content, style)
    (violation,) = caught.value.violations
    assert violation.field == field
    assert got in violation.description
