"""Places that callers take in turn: a number of them for each caller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Slots:
    """`most` slots for each caller. Callers without one leave nothing behind here."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._slots: dict[str, tuple[asyncio.Semaphore, int]] = {}
        """{caller: (slots, number of calls that use one or wait)}."""

    @asynccontextmanager
    async def one(self, caller: str) -> AsyncIterator[None]:
        """One of the caller's slots, once it is free. Slots are given in the order in which they are asked for."""
        slots, users = self._slots.get(caller) or (asyncio.Semaphore(self._most), 0)
        self._slots[caller] = slots, users + 1
        try:
            async with slots:
                yield
        finally:
            users = self._slots[caller][1] - 1
            if users:
                self._slots[caller] = slots, users
            else:
                del self._slots[caller]

    def users(self, caller: str) -> int:
        """How many calls of the caller use a slot or wait for one."""
        return self._slots[caller][1] if caller in self._slots else 0
