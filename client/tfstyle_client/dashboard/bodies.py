"""The bodies of requests, read within limits of size and time."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from tempfile import SpooledTemporaryFile
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from tfstyle.inputs import BESIDES, MOST_STYLES, OF_A_STYLE
from tfstyle_client.dashboard.problems import ProblemError

JSON_BYTES = 256 * 1024
FIELD_BYTES = 4096
MOST_FIELDS = 100
MOST_FILES = 1 + len(BESIDES) + MOST_STYLES * (1 + len(OF_A_STYLE))
JSON_SECONDS = 30.0
SECONDS = 300.0
"""Time for a body with pictures to arrive."""
PIECE_SECONDS = 30.0
"""Time between two pieces of it."""
LONGEST_NUMBER = 18
"""Digits of a whole number."""
FORM_PICTURES = 4
"""A form may have as many bytes as so many pictures of the largest size."""
OF_ALL = 24
"""Bodies with pictures that arrive at once."""
OF_A_CALLER = 3
"""Bodies with pictures of one caller that arrive at once."""
IN_MEMORY = 4
"""Pictures of all callers that are in memory at once."""
LARGEST_IN_MEMORY = 2**20
"""Bytes of a body that need no temporary file."""


class PictureBodies:
    """Places for bodies with pictures: some while they arrive, a few of them for each caller, and a few in memory.

    What arrives goes to temporary files, so that slow callers cost little, and hold up nobody but themselves.
    """

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(OF_ALL)
        self._arriving: dict[str, tuple[asyncio.Semaphore, int]] = {}
        """{caller: (places, number of requests that have one or wait)}."""
        self.memory = asyncio.Semaphore(IN_MEMORY)

    @asynccontextmanager
    async def arriving(self, caller: str) -> AsyncIterator[None]:
        """A place for one body of the caller. Raises `ProblemError` where it does not arrive in time."""
        places, users = self._arriving.get(caller) or (asyncio.Semaphore(OF_A_CALLER), 0)
        self._arriving[caller] = places, users + 1
        try:
            async with places, self._all, asyncio.timeout(SECONDS):
                yield
        except TimeoutError:
            raise ProblemError(408, "the picture did not arrive in time", "image") from None
        finally:
            users = self._arriving[caller][1] - 1
            self._arriving[caller] = places, users
            if not users:
                del self._arriving[caller]


async def json_of(request: Request) -> Any:
    """The JSON in a request. Raises `ProblemError`."""
    try:
        async with asyncio.timeout(JSON_SECONDS):
            body = b"".join([piece async for piece in _within(request, JSON_BYTES)])
    except TimeoutError:
        raise ProblemError(408, "the request did not arrive in time") from None
    try:
        value = json.loads(body, parse_int=_whole_number, parse_float=_number, parse_constant=_number)
        # Half a surrogate pair is valid JSON, and no text that could be sent on.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ProblemError(400, "the body must be JSON, with numbers that are finite and texts in Unicode") from None
    return value


def _whole_number(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError
    return int(digits)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


@asynccontextmanager
async def file_of(
    request: Request, most_bytes: int, field: str = "image"
) -> AsyncIterator[SpooledTemporaryFile[bytes]]:
    """The file that is the body, a picture or what `field` names, as an open file. Raises `ProblemError`."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise ProblemError(415, "the body must be the file itself, not a form", field)
    with SpooledTemporaryFile(LARGEST_IN_MEMORY) as file:
        async for piece in _within(request, most_bytes, field):
            await asyncio.to_thread(file.write, piece)
        if not file.tell():
            raise ProblemError(422, "is empty", field)
        file.seek(0)
        yield file


@asynccontextmanager
async def form_of(request: Request, most_bytes: int) -> AsyncIterator[FormData]:
    """The form in a request, whose files have at most `most_bytes` each. Raises `ProblemError`."""
    parser = MultiPartParser(
        request.headers,
        _within(request, FORM_PICTURES * most_bytes),
        max_files=MOST_FILES,
        max_fields=MOST_FIELDS,
        max_part_size=FIELD_BYTES,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise ProblemError(400, f"the form cannot be read: {error.message}") from None
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile) and (value.size or 0) > most_bytes:
                raise ProblemError(413, _too_large(most_bytes), name)
        yield form
    finally:
        await form.close()


async def _within(request: Request, most_bytes: int, field: str = "image") -> AsyncGenerator[bytes, None]:
    """The body in pieces. Raises `ProblemError` as soon as it is known to be larger."""
    announced = request.headers.get("content-length", "")
    left = most_bytes
    if announced.isascii() and announced.isdecimal() and (len(announced) > 15 or int(announced) > most_bytes):
        raise ProblemError(413, _too_large(most_bytes), field)
    pieces = request.stream()
    try:
        while True:
            async with asyncio.timeout(PIECE_SECONDS):
                piece = await anext(pieces, None)
            if piece is None:
                return
            left -= len(piece)
            if left < 0:
                raise ProblemError(413, _too_large(most_bytes), field)
            yield piece
    except ClientDisconnect:
        raise ProblemError(400, "the connection ended before the request did") from None


def _too_large(most_bytes: int) -> str:
    return f"is too large: at most {most_bytes:,} bytes are accepted"
