"""Receives requests once their caller is known, and requests with pictures only a few per caller at a time.

A message that the server does not read stays with its sender: gRPC's flow control stops it after some kilobytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from google.protobuf.message import DecodeError

from tfstyle.errors import InvalidInputError, Violation

SECONDS = 300.0
"""Time for the pictures of one call to arrive: 64 MB at 2 Mbit/s."""
SMALL_SECONDS = 10.0
"""Time for a request without pictures to arrive."""
SMALL_BYTES = 64 * 1024
"""The largest request without pictures."""


class TooSlowError(Exception):
    """The request did not arrive in time."""


_END = object()


class Receiving:
    """Receives at most `most` requests of each caller at once, each within `seconds`; the others wait.

    Requests come from gRPC as bytes, and are returned as messages of the class `kind`.
    """

    def __init__(self, most: int, seconds: float = SECONDS) -> None:
        self._most = most
        self._seconds = seconds
        self._slots: dict[str, tuple[asyncio.Semaphore, int]] = {}
        """{owner: (slots, number of calls that use one or wait)}."""

    async def one(self, owner: str, requests: AsyncIterator[bytes], kind: Any) -> Any:
        """The only message of a call, once there is a free slot.

        Raises `TooSlowError`, and `InvalidInputError` where there is no message or it cannot be parsed.
        """
        return await self._one(owner, requests, kind, None)

    async def small(self, owner: str, requests: AsyncIterator[bytes], kind: Any) -> Any:
        """As `one`; also raises `InvalidInputError` where the message is larger than `SMALL_BYTES`."""
        return await self._one(owner, requests, kind, SMALL_BYTES)

    async def _one(self, owner: str, requests: AsyncIterator[bytes], kind: Any, most_bytes: int | None) -> Any:
        with self._slots_of(owner) as slots:
            async with slots:
                data = await _next(requests, _now() + self._seconds)
                if data is _END:
                    raise InvalidInputError([Violation("request", "is missing")])
                if most_bytes is not None and len(data) > most_bytes:
                    complaint = f"is {len(data):,} bytes; at most {most_bytes:,} are accepted"
                    raise InvalidInputError([Violation("request", complaint)])
                return await _parsed(data, kind)

    async def each(self, owner: str, requests: AsyncIterator[bytes], kind: Any) -> AsyncGenerator[Any, None]:
        """The messages of a call as they arrive. Holds a slot until the generator is closed. Raises as `one` does."""
        with self._slots_of(owner) as slots:
            async with slots:
                until = _now() + self._seconds
                while (data := await _next(requests, until)) is not _END:
                    yield await _parsed(data, kind)

    @contextmanager
    def _slots_of(self, owner: str) -> Iterator[asyncio.Semaphore]:
        slots, users = self._slots.get(owner) or (asyncio.Semaphore(self._most), 0)
        self._slots[owner] = slots, users + 1
        try:
            yield slots
        finally:
            users = self._slots[owner][1] - 1
            if users:
                self._slots[owner] = slots, users
            else:
                del self._slots[owner]


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _next(requests: AsyncIterator[bytes], until: float) -> Any:
    try:
        async with asyncio.timeout_at(until):
            return await anext(requests, _END)
    except TimeoutError:
        raise TooSlowError from None


async def _parsed(data: bytes, kind: Any) -> Any:
    try:
        # Parsing copies the pictures, which takes milliseconds for large ones.
        return await asyncio.to_thread(kind.FromString, data) if len(data) > SMALL_BYTES else kind.FromString(data)
    except DecodeError:
        complaint = f"is not a valid {kind.DESCRIPTOR.full_name}"
        raise InvalidInputError([Violation("request", complaint)]) from None
