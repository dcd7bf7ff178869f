"""The inputs of a transfer: names of pictures, shares of styles, rejected values."""

from __future__ import annotations

import pytest

from tfstyle.errors import InvalidInputError
from tfstyle.inputs import Inputs, Style, content_and_style

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


def test_shares_add_up_to_one() -> None:
    assert TWO.shares == (0.75, 0.25)
    assert content_and_style("photo", "oils").shares == (1.0,)


@pytest.mark.parametrize(
    ("styles", "field", "says"),
    [
        ((), "styles", "must be 1 to 8; got 0"),
        ((Style("a"),) * 9, "styles", "must be 1 to 8; got 9"),
        ((Style("a", -1.0),), "styles[0].weight", "at least 0; got -1"),
        ((Style("a"), Style("b", float("nan"))), "styles[1].weight", "finite"),
        ((Style("a", 0.0), Style("b", 0.0)), "styles", "not all"),
    ],
)
def test_wrong_styles_are_rejected_by_name(styles: tuple[Style[str], ...], field: str, says: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Inputs("photo", styles)
    (violation,) = caught.value.violations
    assert violation.field == field
    assert says in violation.description
