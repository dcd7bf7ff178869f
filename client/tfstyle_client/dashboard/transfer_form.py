"""A form with files, as the JSON that asks for the same transfer."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.datastructures import FormData, UploadFile

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.inputs import BESIDES, OF_A_STYLE
from tfstyle_client.dashboard.option_table import OPTION_NAMES
from tfstyle_client.dashboard.problems import ProblemError
from tfstyle_client.lettering.recipe import RULES as NUMBERS_OF_LETTERS
from tfstyle_client.lettering.recipe import Words

ONCE = ("content", *BESIDES)
"""Files of which there is one."""
FOR_EACH_STYLE = {"mask": "mask", "region": "region", "style_regions": "regions"}
"""{file that is given for each style, in their order: field of a style}."""
FILES = (*ONCE, "style", *FOR_EACH_STYLE, "font")
OF_LETTERS = tuple(field.name for field in dataclasses.fields(Words) if field.name != "font")
assert set(FOR_EACH_STYLE.values()) == set(OF_A_STYLE)


async def transfer_of_form(form: FormData, upload: Callable[[UploadFile], Awaitable[str]]) -> dict[str, Any]:
    """The JSON. `upload` sends a file to the server, and returns its digest.

    A field `texture` has the form WIDTHxHEIGHT; `font` is a file, and the other fields of letters stand beside it. What
    is given for each style is in the order of the styles; an empty file, or an empty weight, stands for none.
    Raises `ProblemError` and `InvalidInputError`.
    """
    body: dict[str, Any] = {"options": {}}
    styles: list[str] = []
    letters: dict[str, Any] = {}
    lists: dict[str, list[Any]] = {name: [] for name in ("weight", *FOR_EACH_STYLE)}
    for name, value in form.multi_items():
        if name in FILES:
            if not isinstance(value, UploadFile):
                raise ProblemError(422, "must be a file; with curl: -F content=@photo.jpg", name)
            optional = name not in ("content", "style")
            digest = None if optional and not value.size else await upload(value)
            if name == "font":
                letters["font"] = digest
            elif name == "style":
                styles.append(str(digest))
            elif name in ONCE:
                body[name] = digest
            else:
                lists[name].append(digest)
        elif not isinstance(value, str):
            raise ProblemError(422, "there is no such field", name)
        elif name == "texture":
            body["texture"] = _size(value)
        elif name in OF_LETTERS:
            letters[name] = _number(name, value) if name in NUMBERS_OF_LETTERS else value
        elif name == "weight":
            lists[name].append(_number(name, value))
        elif name == "preset":
            body[name] = value
        elif name in OPTION_NAMES:
            body["options"][name] = value
        else:
            raise ProblemError(422, "there is no such field", name)
    body["strength"] = body["options"].pop("strength", None)
    body["styles"] = _styles(styles, lists)
    if letters:
        body["letters"] = letters
    return body


def _styles(images: list[str], lists: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Raises `InvalidInputError` for more of anything than there are styles."""
    if violations := [
        Violation(name, f"must be at most one for each style, {len(images)}; got {len(values)}")
        for name, values in lists.items()
        if len(values) > len(images)
    ]:
        raise InvalidInputError(violations)
    fields = {"weight": "weight", **FOR_EACH_STYLE}
    return [
        {"image": image, **{field: lists[name][index] for name, field in fields.items() if index < len(lists[name])}}
        for index, image in enumerate(images)
    ]


def _number(name: str, text: str) -> float | None:
    try:
        return float(text) if text.strip() else None
    except ValueError:
        raise ProblemError(422, "must be a number of 0 or more", name) from None


def _size(text: str) -> dict[str, int]:
    match = re.fullmatch(r"(\d{1,6})[xX×](\d{1,6})", text.strip())
    if match is None:
        raise ProblemError(422, "must be WIDTHxHEIGHT in pixels, such as 1024x512", "texture")
    return {"width": int(match[1]), "height": int(match[2])}
