"""Requests are taken in when it is known who sends them, and of those with pictures only so many of a caller at a time.

A message that nobody reads stays with its sender: gRPC's flow control holds it back after some kilobytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from tfstyle.errors import InvalidInputError, Violation

SECONDS = 300.0
"""For the pictures of one call to arrive: 64 MB over 2 Mbit/s."""
SMALL_SECONDS = 10.0
SMALL_BYTES = 64 * 1024
"""For what has no pictures."""


class TooSlowError(Exception):
    """The request has not arrived in time."""


_END = object()


class Receiving:
    """Room for `most` requests of each caller that are being taken in; the others wait. Each call's have `seconds`."""

    def __init__(self, most: int, seconds: float = SECONDS) -> None:
        self._most = most
        self._seconds = seconds
        self._rooms: dict[str, tuple[asyncio.Semaphore, int]] = {}  # and how many use it or wait

    async def one(self, owner: str, requests: AsyncIterator[Any], kind: type) -> Any:
        """The only message of a call, a `kind`, when there is room.

        Raises `TooSlowError`, and `InvalidInputError` where there is none, or None, which is what could not be parsed.
        """
        with self._room(owner) as room:
            async with room:
                return await _one(requests, kind, _now() + self._seconds)

    async def small(self, owner: str, requests: AsyncIterator[Any], kind: type) -> Any:
        """As `one`; raises `InvalidInputError` as well where it is larger than anything without pictures is."""
        request = await self.one(owner, requests, kind)
        if (size := request.ByteSize()) > SMALL_BYTES:
            raise InvalidInputError([Violation("request", f"is {size:,} bytes; at most {SMALL_BYTES:,} are accepted")])
        return request

    async def each(self, owner: str, requests: AsyncIterator[Any], kind: type) -> AsyncGenerator[Any, None]:
        """The messages of a call, as they come, with room until the generator is closed. Raises as `one`."""
        with self._room(owner) as room:
            async with room:
                until = _now() + self._seconds
                while (request := await _next(requests, kind, until)) is not _END:
                    yield request

    @contextmanager
    def _room(self, owner: str) -> Iterator[asyncio.Semaphore]:
        room, users = self._rooms.get(owner) or (asyncio.Semaphore(self._most), 0)
        self._rooms[owner] = room, users + 1
        try:
            yield room
        finally:
            users = self._rooms[owner][1] - 1
            if users:
                self._rooms[owner] = room, users
            else:
                del self._rooms[owner]


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _one(requests: AsyncIterator[Any], kind: type, until: float) -> Any:
    request = await _next(requests, kind, until)
    if request is _END:
        raise InvalidInputError([Violation("request", "is missing")])
    return request


async def _next(requests: AsyncIterator[Any], kind: type, until: float) -> Any:
    try:
        async with asyncio.timeout_at(until):
            request = await anext(requests, _END)
    except TimeoutError:
        raise TooSlowError from None
    if request is None:
        raise InvalidInputError([Violation("request", f"is no {kind.DESCRIPTOR.full_name}")])  # type: ignore[attr-defined]
    return request
