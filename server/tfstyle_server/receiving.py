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
"""For one message to arrive: 64 MB over 2 Mbit/s."""


class TooSlowError(Exception):
    """The request has not arrived in time."""


_END = object()


class Receiving:
    """Room for `most` requests with pictures of each caller that are being taken in; the others wait."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._rooms: dict[str, tuple[asyncio.Semaphore, int]] = {}  # and how many use it or wait

    async def one(self, owner: str, requests: AsyncIterator[Any], kind: type) -> Any:
        """The only message of a call, as the function `one`, when there is room."""
        with self._room(owner) as room:
            async with room:
                return await one(requests, kind)

    async def each(self, owner: str, requests: AsyncIterator[Any], kind: type) -> AsyncGenerator[Any, None]:
        """The messages of a call, as they come, when there is room for the first. Raises as the function `one`."""
        with self._room(owner) as room:
            async with room:
                while (request := await _next(requests, kind)) is not _END:
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


async def one(requests: AsyncIterator[Any], kind: type) -> Any:
    """The only message of a call, a `kind`.

    Raises `TooSlowError`, and `InvalidInputError` where there is none, or None, which is what could not be parsed.
    """
    request = await _next(requests, kind)
    if request is _END:
        raise InvalidInputError([Violation("request", "is missing")])
    return request


async def _next(requests: AsyncIterator[Any], kind: type) -> Any:
    try:
        async with asyncio.timeout(SECONDS):
            request = await anext(requests, _END)
    except TimeoutError:
        raise TooSlowError from None
    if request is None:
        raise InvalidInputError([Violation("request", f"is no {kind.DESCRIPTOR.full_name}")])  # type: ignore[attr-defined]
    return request
