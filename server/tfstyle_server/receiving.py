"""Receives requests once their caller is known, and requests with pictures only a few per caller at a time.

A message that the server does not read stays with its sender: gRPC's flow control stops it after some kilobytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from google.protobuf.message import DecodeError

from tfstyle.errors import InvalidInputError, Violation
from tfstyle_server.admission import LimitError
from tfstyle_server.slots import Slots
from tfstyle_server.transport import Read, begin, within
from tfstyle_server.wire_size import TooMuchError, check_rest

SECONDS = 300.0
"""Time for the pictures of one call to arrive: 64 MB at 2 Mbit/s."""
SMALL_SECONDS = 10.0
"""Time for a request without pictures to arrive."""
SMALL_BYTES = 64 * 1024
"""The largest request without pictures."""
WAITING = 256
"""Calls of one caller that have a place or wait for one."""
PIECE_SECONDS = 30.0
"""Time between two pieces of a picture."""


class TooSlowError(Exception):
    """The request did not arrive in time."""


class Receiving:
    """Receives at most `most` requests of each caller at once, each within `seconds`; the others wait.

    Requests come from gRPC as bytes, and are returned as messages of the class `kind`. A request has its place until
    its context ends, so that no more pictures are in memory before those of others are on the disk.
    """

    def __init__(self, most: int, seconds: float = SECONDS, piece_seconds: float = PIECE_SECONDS) -> None:
        self._seconds, self._piece_seconds = seconds, piece_seconds
        self._own = Slots(most)

    @asynccontextmanager
    async def one(self, caller: str, read: Read, kind: Any) -> AsyncIterator[Any]:
        """The only message of a call, once there is a free place.

        Raises `TooSlowError`, and `InvalidInputError` where there is no message or it cannot be parsed.
        """
        async with _place(self._own, caller):
            yield await _parsed(await _only(read, self._seconds), kind)

    @asynccontextmanager
    async def each(self, caller: str, read: Read, kind: Any) -> AsyncIterator[AsyncIterator[Any]]:
        """The messages of a call as they arrive. Raises as `one` does."""

        async def messages() -> AsyncIterator[Any]:
            until = _now() + self._seconds
            while (data := await _next(read, min(until, _now() + self._piece_seconds))) is not None:
                yield await _parsed(data, kind)

        async with _place(self._own, caller):
            yield messages()


class SmallRequests:
    """Receives requests without pictures, at most `most` of each caller at once."""

    def __init__(self, most: int, seconds: float = SMALL_SECONDS) -> None:
        self._seconds = seconds
        self._own = Slots(most)

    async def receive(self, caller: str, read: Read, kind: Any) -> Any:
        """The only message of a call. Raises as `Receiving.one`, and `InvalidInputError` where it is too large."""
        async with _place(self._own, caller):
            data = await _only(read, self._seconds)
        if len(data) > SMALL_BYTES:
            complaint = f"is {len(data):,} bytes; at most {SMALL_BYTES:,} are accepted"
            raise InvalidInputError([Violation("request", complaint)])
        return await _parsed(data, kind)


def _place(slots: Slots, caller: str) -> AbstractAsyncContextManager[None]:
    """One of the caller's places. Raises `LimitError` where too many of its calls wait: each holds some kilobytes."""
    if slots.users(caller) >= WAITING:
        raise LimitError("CALLER_RECEIVING", f"{WAITING} of your calls wait for a place; that is all that may", 1.0)
    return slots.one(caller)


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _only(read: Read, seconds: float) -> bytes:
    data = await _next(read, _now() + seconds)
    if data is None:
        raise InvalidInputError([Violation("request", "is missing")])
    return data


async def _next(read: Read, until: float) -> bytes | None:
    try:
        return await within(until - _now(), begin(read))
    except TimeoutError:
        raise TooSlowError from None


async def _parsed(data: bytes, kind: Any) -> Any:
    if len(data) > SMALL_BYTES:
        try:
            await asyncio.to_thread(check_rest, data, kind.DESCRIPTOR, SMALL_BYTES)
        except TooMuchError:
            complaint = f"has more than {SMALL_BYTES:,} bytes besides its pictures"
            raise InvalidInputError([Violation("request", complaint)]) from None
    try:
        # Parsing copies the pictures, which takes milliseconds for large ones.
        return await asyncio.to_thread(_message, data, kind) if len(data) > SMALL_BYTES else _message(data, kind)
    except DecodeError:
        complaint = f"is not a valid {kind.DESCRIPTOR.full_name}"
        raise InvalidInputError([Violation("request", complaint)]) from None


def _message(data: bytes, kind: Any) -> Any:
    """The message without fields that this release does not know: they would be stored with the job, uncounted."""
    message = kind.FromString(data)
    message.DiscardUnknownFields()
    return message
