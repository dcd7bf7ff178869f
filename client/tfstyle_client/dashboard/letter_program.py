"""A program of its own, which draws letters with strangers' fonts: `python letter_program.py < QUESTION > ANSWER`.

It limits its own memory and time first. A question is a line of JSON, `{"do": NAME, "parts": [BYTES, ...], ...}`, and
the parts behind it; an answer has the same form, or is `{"errors": [[FIELD, MESSAGE], ...]}`.
"""

from __future__ import annotations

import io
import json
import os
import resource
import sys
from typing import Any

from PIL import Image

from tfstyle.errors import InvalidInputError
from tfstyle_client.errors import BadRequestError
from tfstyle_client.lettering import Lettering, Sheet, Typeface, draw
from tfstyle_client.lettering.finish import finish_of
from tfstyle_client.lettering.recipe import ALONE, DEFAULT_MARGIN, ON_A_PAINTING, Words, words_of
from tfstyle_client.picture_formats import mean_colour

MEMORY = 3 * 2**30
CPU_SECONDS = 20
NICE = 10
"""Jobs on the same machine come first."""
PREVIEW_SIDE = 1024
Question = dict[str, Any]
Parts = list[bytes]


def colour(_: Question, parts: Parts) -> tuple[Question, Parts]:
    """The mean colour of a painting, [red, green, blue]; null where it cannot be told."""
    return {"colour": mean_colour(parts[0])}, []


def font(_: Question, parts: Parts) -> tuple[Question, Parts]:
    """The names of a font."""
    family, style = Typeface(parts[0]).at(16).getname()
    return {"family": family or "", "style": style or ""}, []


def size(question: Question, parts: Parts) -> tuple[Question, Parts]:
    """The size of the sheet."""
    width, height = _lettering(question, parts).size
    return {"width": width, "height": height}, []


def preview(question: Question, parts: Parts) -> tuple[Question, Parts]:
    """The sheet as WebP, no larger than a page shows it."""
    made = _sheet(question, parts)
    shown = made.content.copy()
    shown.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    buffer = io.BytesIO()
    shown.save(buffer, "WEBP", quality=90)
    width, height = made.lettering.size
    return {"width": width, "height": height}, [buffer.getvalue()]


def sheet(question: Question, parts: Parts) -> tuple[Question, Parts]:
    """The content picture of the transfer, and the mask: what is kept, or the region of the letters."""
    inputs = _sheet(question, parts).inputs
    return {}, [inputs.content, inputs.keep or inputs.styles[0].region or b""]


def finish(_: Question, parts: Parts) -> tuple[Question, Parts]:
    """The letters as they are delivered, from the content picture and the result; nothing where there are none."""
    content, result = parts
    found = finish_of(content)
    if found is None:
        return {}, []
    try:
        return {}, [found.apply(result)]
    except (OSError, ValueError):  # the result has another size
        return {}, []


def _sheet(question: Question, parts: Parts) -> Sheet:
    # Only the mean colours of the paintings matter, which are known.
    ink, ground = (None if found is None else _flat(found) for found in (question["ink"], question["ground"]))
    return Sheet(_lettering(question, parts), ink or b"", ground, words_of(question["words"]).background)


def _lettering(question: Question, parts: Parts) -> Lettering:
    words: Words = words_of(question["words"])
    usual = ALONE if question["ground"] is None else ON_A_PAINTING
    return draw(
        words.text,
        Typeface(parts[0] if words.font else None),
        size=question["size"],
        reach=usual.reach if words.reach is None else words.reach,
        margin=DEFAULT_MARGIN if words.margin is None else words.margin,
        bold=words.bold,
        tracking=words.tracking,
    )


def _flat(levels: list[int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (1, 1), tuple(levels)).save(buffer, "PNG")
    return buffer.getvalue()


TASKS = {"colour": colour, "font": font, "size": size, "preview": preview, "sheet": sheet, "finish": finish}


def main() -> None:
    """Answer the question on standard input."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    os.nice(NICE)
    question = json.loads(sys.stdin.buffer.readline())
    parts = [sys.stdin.buffer.read(length) for length in question["parts"]]
    try:
        answer, made = TASKS[question["do"]](question, parts)
    except (BadRequestError, InvalidInputError) as error:
        answer, made = {"errors": [[each.field, each.description] for each in error.violations]}, []
    answer["parts"] = [len(part) for part in made]
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + b"".join(made))


if __name__ == "__main__":
    main()
