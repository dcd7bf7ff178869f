"""Transfers whose content is drawn here, in place of a photo: textures on an empty canvas, and letters on a sheet."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from tfstyle.canvas import canvas, texture_options
from tfstyle.errors import InvalidInputError, Violation
from tfstyle.inputs import BESIDES, OF_A_STYLE, Size
from tfstyle.presets import resolve_options
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client.dashboard.callers import Caller
from tfstyle_client.dashboard.context import Dashboard
from tfstyle_client.dashboard.given_pictures import is_digest
from tfstyle_client.dashboard.letterings import PREFIX, Colour, Setting
from tfstyle_client.dashboard.request_forms import digest_of
from tfstyle_client.dashboard.transfers import Choices, choices_of, creation_of, estimate_of, size_in
from tfstyle_client.errors import ClientError, refusal
from tfstyle_client.lettering.recipe import ALONE, ON_A_PAINTING, Recipe, Words, words_of

DRAWN = ("texture", "letters")
"""Fields of a request in place of `content`."""
_GREY = (128, 128, 128)


async def transfer_of(body: Mapping[str, Any], dashboard: Dashboard, caller: Caller) -> pb.StylizeRequest:
    """The transfer that a request asks for; what it draws is uploaded. Raises `InvalidInputError`, `ClientError`."""
    given = _given(body)
    if given == "texture":
        size, choices = _texture(body)
        if body.get("keep") is not None:
            raise InvalidInputError([Violation("keep", "has no effect on a texture, which has no photo")])
        empty = await asyncio.to_thread(canvas, size)
        return creation_of({**body, "content": await _uploaded(caller, empty)}, choices)
    if given == "letters":
        return await _lettering(body, dashboard, caller)
    return creation_of(body)


async def estimate_request_of(body: Mapping[str, Any], dashboard: Dashboard, caller: Caller) -> Any:
    """The question what a transfer would be. Raises `InvalidInputError`, `ClientError`."""
    given = _given(body)
    if given == "texture":
        size, choices = _texture(body)
    elif given == "letters":
        styles = _paintings(body, 1)
        words, choices, side = _letters(body, _recipe(styles))
        setting = Setting(words, side, *[_GREY for _ in styles])
        size = await dashboard.letterings.size(caller.mark, setting, _font_reader(caller, words))
        sheet = {"width": size[0], "height": size[1]}
        if len(styles) < 2:
            body = {**body, "keep": sheet}
        else:
            body = {**body, "styles": [{**styles[0], "region": sheet}, styles[1]]}
    else:
        return estimate_of(body)
    return estimate_of({**body, "content": {"width": size[0], "height": size[1]}}, choices)


async def sheet_preview(body: Mapping[str, Any], dashboard: Dashboard, caller: Caller) -> tuple[bytes, int, int]:
    """The sheet of letters as WebP, and its width and height; paintings may be missing.

    Raises `InvalidInputError`, `ClientError`.
    """
    styles = _paintings({"styles": [], **body}, 0)
    words, _, side = _letters(body, _recipe(styles))
    colours = [await _colour(dashboard, caller, style.get("image")) for style in styles]
    setting = Setting(words, side, *colours)
    return await dashboard.letterings.preview(caller.mark, setting, _font_reader(caller, words))


def _given(body: Mapping[str, Any]) -> str | None:
    """What is drawn; None where a picture is named, or nothing."""
    named = [name for name in ("content", *DRAWN) if body.get(name) is not None]
    if len(named) > 1:
        raise InvalidInputError([Violation(named[1], f"cannot be combined with {named[0]}")])
    return named[0] if named and named[0] in DRAWN else None


def _texture(body: Mapping[str, Any]) -> tuple[Size, Choices]:
    size, choices = size_in("texture", body["texture"]), choices_of(body)
    if "size" in choices.overrides:
        raise InvalidInputError([Violation("size", "is that of the texture; leave it out")])
    try:
        overrides = texture_options(size, choices.preset, choices.overrides)
    except InvalidInputError as error:
        names = {"size": "texture"}
        renamed = [Violation(names.get(each.field, each.field), each.description) for each in error.violations]
        raise InvalidInputError(renamed) from None
    resolve_options(choices.preset, overrides)
    return size, Choices(choices.preset, overrides)


def _letters(body: Mapping[str, Any], recipe: Recipe) -> tuple[Words, Choices, int]:
    """Words, options, and the sheet's longer side in pixels. Raises `InvalidInputError`."""
    words = words_of(body["letters"], PREFIX)
    if words.font and not is_digest(words.font):
        raise InvalidInputError([Violation(f"{PREFIX}font", "must be the digest of a font")])
    chosen = choices_of({**body, "preset": body.get("preset") or recipe.preset})
    overrides = recipe.overrides(chosen.preset, chosen.overrides)
    options = resolve_options(chosen.preset, overrides)
    if complaints := recipe.complaints(options):
        raise InvalidInputError(complaints)
    return words, Choices(chosen.preset, overrides), options.size


def _paintings(body: Mapping[str, Any], least: int) -> list[dict[str, Any]]:
    """The styles of a request for letters, of which there are at least so many. Raises `InvalidInputError`."""
    styles = body.get("styles")
    if isinstance(styles, list) and least <= len(styles) <= 2 and all(isinstance(each, dict) for each in styles):
        return styles
    why = "must be the painting of the letters, and that of the ground, if it is painted too"
    raise InvalidInputError([Violation("styles", why)])


def _recipe(styles: list[dict[str, Any]]) -> Recipe:
    return ALONE if len(styles) < 2 else ON_A_PAINTING


async def _lettering(body: Mapping[str, Any], dashboard: Dashboard, caller: Caller) -> pb.StylizeRequest:
    styles = _paintings(body, 1)
    if violations := [Violation(name, "has no effect on letters") for name in _of_photos(body, styles)]:
        raise InvalidInputError(violations)
    words, choices, side = _letters(body, _recipe(styles))
    # What is wrong with the paintings is said before anything is drawn.
    creation_of({**body, "content": "0" * 64}, choices)
    setting = Setting(words, side, *[await _colour(dashboard, caller, style["image"]) for style in styles])
    content, mask = [
        await _uploaded(caller, part)
        for part in await dashboard.letterings.sheet(caller.mark, setting, _font_reader(caller, words))
    ]
    drawn: dict[str, Any] = {**body, "content": content}
    if setting.ground is None:
        drawn["keep"] = mask
    else:
        drawn["styles"] = [{**styles[0], "region": mask}, styles[1]]
    return creation_of(drawn, choices)


def _of_photos(body: Mapping[str, Any], styles: list[dict[str, Any]]) -> Iterator[str]:
    """The fields of a request for letters that only one with a photo can have."""
    yield from (name for name in BESIDES if body.get(name) is not None)
    for index, style in enumerate(styles):
        yield from (f"styles[{index}].{name}" for name in OF_A_STYLE if style.get(name) is not None)
        if style.get("weight") not in (None, 1):
            yield f"styles[{index}].weight"


async def _colour(dashboard: Dashboard, caller: Caller, digest: object) -> Colour:
    """The mean colour of a painting; grey where it is not known."""
    if not is_digest(digest):
        return _GREY
    read = partial(caller.client.image, f"images/{digest}")
    return await dashboard.letterings.colour(caller.mark, str(digest), read) or _GREY


def _font_reader(caller: Caller, words: Words) -> Any:
    async def read() -> bytes:
        try:
            return await caller.client.image(f"images/{words.font}")
        except ClientError as error:
            if error.code != "NOT_FOUND":
                raise
            # No `InvalidInputError`, which would be kept for this font, also when it is there again.
            raise refusal(f"{PREFIX}font", "is no longer on the server; choose it again") from None

    return read


async def _uploaded(caller: Caller, picture: bytes) -> str:
    return str(digest_of(await caller.client.upload(picture)))
