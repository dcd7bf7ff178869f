"""Letters, which a program of its own draws and cuts out: it reads strangers' fonts."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfstyle.errors import InvalidInputError, Violation
from tfstyle_client.dashboard.apart import TooSlowError, run_apart
from tfstyle_client.dashboard.kept_pictures import KeptPictures
from tfstyle_client.lettering.recipe import Words

PROGRAM = Path(__file__).with_name("letter_program.py")
SECONDS = 40.0
AT_ONCE = 2
CACHE_BYTES = 64 * 2**20
MOST_SIDE = 4096
"""Pixels of a sheet's longer side that is drawn here: two seconds, and 0.3 GB."""
MOST_FONT_BYTES = 32 * 2**20
PREFIX = "letters."
"""Of fields in errors."""
_NOT_OF_WORDS = ("size", "styles[0]")
Colour = tuple[int, int, int]
Read = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True)
class Answer:
    """What the program has answered: facts, and files."""

    facts: dict[str, Any]
    parts: tuple[bytes, ...]


@dataclass(frozen=True)
class Setting:
    """What a sheet is drawn from: the words, its longer side in pixels, and the mean colours of the paintings.

    `ground` is None where only the letters are painted.
    """

    words: Words
    size: int
    ink: Colour | None = None
    ground: Colour | None = None


class Letterings:
    """Draws letters for callers, one drawing for each caller and a few in all at a time, and keeps the latest."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self._kept: KeptPictures[Answer | InvalidInputError] = KeptPictures(CACHE_BYTES)

    async def colour(self, caller: str, digest: str, read: Read) -> Colour | None:
        """The mean colour of a painting; None where it cannot be told, or takes too long."""

        async def asked() -> Answer:
            return await _ask({"do": "colour"}, [await read()])

        try:
            found = (await self._once(caller, ("colour", digest), asked)).facts["colour"]
        except InvalidInputError:
            return None
        return None if found is None else tuple(found)

    async def font(self, caller: str, data: bytes) -> dict[str, str]:
        """Family and style of a font file. Raises `InvalidInputError`, naming `font`."""

        async def asked() -> Answer:
            return await _ask({"do": "font"}, [data])

        facts = (await self._once(caller, ("font", hashlib.sha256(data).hexdigest()), asked)).facts
        return {name: str(facts[name])[:100] for name in ("family", "style")}

    async def size(self, caller: str, setting: Setting, read_font: Read) -> tuple[int, int]:
        """Width and height of a sheet. Raises `InvalidInputError`."""
        facts = (await self._drawn("size", caller, setting, read_font)).facts
        return facts["width"], facts["height"]

    async def preview(self, caller: str, setting: Setting, read_font: Read) -> tuple[bytes, int, int]:
        """A sheet as a WebP file to look at, and its width and height. Raises `InvalidInputError`."""
        answer = await self._drawn("preview", caller, setting, read_font)
        return answer.parts[0], answer.facts["width"], answer.facts["height"]

    async def sheet(self, caller: str, setting: Setting, read_font: Read) -> tuple[bytes, bytes]:
        """The content picture of a transfer, and its mask: what is kept, or with a ground the letters' region.

        Raises `InvalidInputError`.
        """
        content, mask = (await self._drawn("sheet", caller, setting, read_font)).parts
        return content, mask

    async def finish(self, caller: str, digest: str, read_content: Read, read_result: Read) -> bytes | None:
        """The letters as they are delivered, from the result `digest` of a transfer; None where it has none."""

        async def asked() -> Answer:
            return await _ask({"do": "finish"}, [await read_content(), await read_result()])

        try:
            parts = (await self._once(caller, ("finish", digest), asked)).parts
        except InvalidInputError:
            return None
        return parts[0] if parts else None

    async def _drawn(self, task: str, caller: str, setting: Setting, read_font: Read) -> Answer:
        if setting.size > MOST_SIDE:
            why = f"must be at most {MOST_SIDE} for letters here; got {setting.size}"
            raise InvalidInputError([Violation("size", why)])

        async def asked() -> Answer:
            font = await read_font() if setting.words.font else b""
            question = {
                "do": task,
                "words": setting.words.as_json(),
                "size": setting.size,
                "ink": setting.ink,
                "ground": setting.ground,
            }
            return await _ask(question, [font])

        return await self._once(caller, (task, setting), asked)

    async def _once(self, caller: str, what: Hashable, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer, asked for once; what could not be drawn is kept too. Raises `InvalidInputError`."""
        key = caller, what
        async with self._kept.getting(key), self._kept.getting(caller):
            found = self._kept.get(key)
            if found is None:
                async with self._places:
                    try:
                        found = await ask()
                    except InvalidInputError as error:
                        found = error
                # A key has the caller's words, however long, in up to 4 bytes each character.
                size = 1000 + 4 * len(repr(what))
                if isinstance(found, Answer):
                    size += sum(map(len, found.parts))
                self._kept.keep(key, found, size)
        if isinstance(found, InvalidInputError):
            raise found
        return found


async def _ask(question: dict[str, Any], parts: list[bytes]) -> Answer:
    """Raises `InvalidInputError`."""
    head = json.dumps({**question, "parts": [len(part) for part in parts]}).encode()
    try:
        output = await run_apart(PROGRAM, (), b"\n".join([head, b"".join(parts)]), SECONDS, tfstyle=True)
    except TooSlowError:
        raise InvalidInputError([Violation(_blamed(question), "takes too long to be drawn")]) from None
    line, _, rest = output.partition(b"\n")
    try:
        facts = json.loads(line)
    except ValueError:  # it was killed, by its own limits or by the font
        raise InvalidInputError([Violation(_blamed(question), "cannot be drawn; choose another font")]) from None
    if "errors" in facts:
        raise InvalidInputError([Violation(_place(question, field), message) for field, message in facts["errors"]])
    made = []
    for length in facts["parts"]:
        made.append(rest[:length])
        rest = rest[length:]
    return Answer(facts, tuple(made))


def _place(question: dict[str, Any], field: str) -> str:
    """The field of a request in an error."""
    return field if question["do"] == "font" or field in _NOT_OF_WORDS else PREFIX + field


def _blamed(question: dict[str, Any]) -> str:
    """The field that is at fault where the program does not tell."""
    return _place(question, "font" if question["do"] == "font" or question.get("words", {}).get("font") else "text")
