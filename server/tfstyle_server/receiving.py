"""Requests are taken in when it is known who sends them, and only so many pictures of one caller at a time.

A message that nobody reads stays with its sender: gRPC's flow control holds it back after some kilobytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from tfstyle.errors import InvalidInputError, Violation

SECONDS = 120.0
"""For one message to arrive."""


class TooSlowError(Exception):
    """The request has not arrived in time."""


_END = object()


class Receiving:
    """Room for `most` requests of each caller that are being taken in; the others wait."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._rooms: dict[str, tuple[asyncio.Semaphore, int]] = {}  # and how many use it or wait

    async def one(self, owner: str, requests: AsyncIterator[Any], kind: type) -> Any:
        """The only message of a call, a `kind`. Raises as `pieces`, and `InvalidInputError` where there is none."""
        async for request in self.pieces(owner, requests, kind):
            return request
        raise InvalidInputError([Violation("request", "is missing")])

    async def pieces(self, owner: str, requests: AsyncIterator[Any], kind: type) -> AsyncIterator[Any]:
        """Each message of a call, all `kind`s. Raises `InvalidInputError` for None, which is what could not be parsed,
        and `TooSlowError`.
        """
        with self._room(owner) as room:
            async with room:
                while (request := await _next(requests)) is not _END:
                    if request is None:
                        why = f"is no {kind.DESCRIPTOR.full_name}"  # type: ignore[attr-defined]
                        raise InvalidInputError([Violation("request", why)])
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


async def _next(requests: AsyncIterator[Any]) -> Any:
    try:
        async with asyncio.timeout(SECONDS):
            return await anext(requests, _END)
    except TimeoutError:
        raise TooSlowError from None
