"""What is drawn again to repeat a result without a photo: the empty canvas of a texture, the sheet of letters."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tfstyle.options import TransferOptions
from tfstyle.presets import changed_options
from tfstyle.provenance import Provenance
from tfstyle_client.cli.app import complain
from tfstyle_client.errors import refusal
from tfstyle_client.lettering.kept_words import kept_words
from tfstyle_client.lettering.recipe import Words
from tfstyle_client.repetition import canvas_of

FONT = "font"
"""The name of the font's file among those that are given for letters."""


def _as_it_is(png: bytes) -> bytes:
    return png


@dataclass(frozen=True)
class DrawnAgain:
    """Pictures that nobody has to give, by their names as of `Inputs.pictures`, and what is made of the result."""

    pictures: Mapping[str, bytes]
    finish: Callable[[bytes], bytes] = _as_it_is


def texture_again(made: Provenance) -> DrawnAgain:
    """The canvas of a result that is a texture; nothing for others. Raises `InvalidInputError`."""
    canvas = canvas_of(made)
    return DrawnAgain({} if canvas is None else {"content": canvas})


def words_in(result: bytes) -> Words | None:
    """The words of a result that is letters, as its file says; None for other pictures."""
    found = kept_words(result)
    return None if found is None else found[0].words


def letters_again(
    words: Words, made: Provenance, given: Mapping[str, bytes], changes: Mapping[str, Any], result: str
) -> DrawnAgain:
    """The sheet of letters that were `made` so, from the paintings and the font that are `given` by name.

    Raises `BadRequestError`, `InvalidInputError`.
    """
    from tfstyle_client.lettering import Sheet, Typeface, draw

    styles = [given[name] for name in ("style", "styles[0]", "styles[1]") if name in given]
    painted = sum(source.name in ("style", "styles[0]", "styles[1]") for source in made.pictures)
    if len(styles) != painted:
        raise refusal("style", f"{result} was made with {painted}; give --style FILE{' FILE' * (painted - 1)}")
    options: TransferOptions = changed_options(made.transfer_options(), changes)
    lettering = draw(
        words.text,
        Typeface(_font(words, given, result)),
        size=options.size,
        **{name: value for name, value in words.measures().items() if value is not None},
    )
    ground = styles[1] if len(styles) > 1 else None
    sheet = Sheet(lettering, styles[0], ground, words.background)
    drawn = {name: data for name, data in sheet.inputs.pictures() if name not in given}
    return DrawnAgain(drawn, sheet.finish)


def _font(words: Words, given: Mapping[str, bytes], result: str) -> bytes | None:
    """The font's file; None for Pillow's own. Raises `BadRequestError`."""
    font = given.get(FONT)
    if (font is None) == bool(words.font):
        why = f"is missing; {result} was made with one; give --picture {FONT}=FILE"
        raise refusal(FONT, why if font is None else f"is one too many; {result} was made without one")
    if font is not None and hashlib.sha256(font).hexdigest() != words.font:
        complain(f"warning: {FONT}: is not the file that {result} was made from")
    return font
