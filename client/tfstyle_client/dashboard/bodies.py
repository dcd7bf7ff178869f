"""The bodies of requests, read within limits of size and time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from tfstyle.inputs import MOST_STYLES
from tfstyle_client.dashboard.problems import ProblemError

JSON_BYTES = 256 * 1024
FIELD_BYTES = 4096
MOST_FIELDS = 100
SECONDS = 300.0
"""Time for a body to arrive."""
AT_ONCE = 4
"""Bodies with pictures that are in memory at once."""


class PictureBodies:
    """Reads bodies with pictures, a few at a time."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A place for one body, and time for it. Raises `ProblemError` where it does not arrive in time."""
        async with self._places:
            try:
                async with asyncio.timeout(SECONDS):
                    yield
            except TimeoutError:
                raise ProblemError(408, "the picture did not arrive in time", "image") from None


async def json_of(request: Request) -> Any:
    """The JSON in a request. Raises `ProblemError`."""
    async with asyncio.timeout(SECONDS):
        body = b"".join([piece async for piece in _within(request, JSON_BYTES)])
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise ProblemError(400, "the body must be JSON") from None


async def picture_of(request: Request, most_bytes: int) -> bytes:
    """The picture file that is the body. Raises `ProblemError`."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise ProblemError(415, "the body must be the picture file itself, not a form", "image")
    picture = bytearray()
    async for piece in _within(request, most_bytes):
        picture += piece
    if not picture:
        raise ProblemError(422, "is empty", "image")
    return bytes(picture)


@asynccontextmanager
async def form_of(request: Request, most_bytes: int) -> AsyncIterator[FormData]:
    """The form in a request, whose files have at most `most_bytes` each. Raises `ProblemError`."""
    most_files = 2 * MOST_STYLES + 1
    parser = MultiPartParser(
        request.headers,
        _within(request, most_files * most_bytes),
        max_files=most_files,
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


async def _within(request: Request, most_bytes: int) -> AsyncGenerator[bytes, None]:
    """The body in pieces. Raises `ProblemError` as soon as it is known to be larger."""
    announced = request.headers.get("content-length", "")
    left = most_bytes
    if announced.isascii() and announced.isdecimal() and int(announced) > most_bytes:
        raise ProblemError(413, _too_large(most_bytes), "image")
    async for piece in request.stream():
        left -= len(piece)
        if left < 0:
            raise ProblemError(413, _too_large(most_bytes), "image")
        yield piece


def _too_large(most_bytes: int) -> str:
    return f"is too large: at most {most_bytes:,} bytes are accepted"
