"""Small pictures that were asked for lately, in memory: those of a job are asked for by every page that shows it."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

Picture = TypeVar("Picture")


FRESH_SECONDS = 30.0
"""How long it counts that a caller may see a picture, which may have been deleted meanwhile."""


class KeptPictures(Generic[Picture]):
    """The latest pictures, of at most `most_bytes` together."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Hashable, tuple[Picture, int]] = OrderedDict()
        self._bytes = 0
        self._since: dict[Hashable, float] = {}
        """{key: when the picture was got, or it was last asked whether it may be seen}."""
        self._asked: dict[Hashable, tuple[asyncio.Lock, int]] = {}
        """{key: (held by who gets the picture, number of those who hold it or wait)}."""

    def get(self, key: Hashable) -> Picture | None:
        """The picture, if it is kept."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def is_stale(self, key: Hashable) -> bool:
        """Whether the picture is kept, and it has to be asked whether it may still be seen."""
        return key in self._kept and time.monotonic() - self._since[key] > FRESH_SECONDS

    def refresh(self, key: Hashable) -> None:
        """The picture may still be seen."""
        if key in self._kept:
            self._since[key] = time.monotonic()

    def keep(self, key: Hashable, picture: Picture, size: int) -> None:
        """Keep a picture of `size` bytes, in place of those that were asked for longest ago."""
        self._bytes += size - self._kept.pop(key, (None, 0))[1]
        self._kept[key] = picture, size
        self._since[key] = time.monotonic()
        while self._bytes > self._most_bytes:
            oldest, (_, dropped) = self._kept.popitem(last=False)
            del self._since[oldest]
            self._bytes -= dropped

    @asynccontextmanager
    async def getting(self, key: Hashable) -> AsyncIterator[None]:
        """Inside the block nobody else gets the same picture; look again there whether it is kept by now."""
        lock, users = self._asked.get(key) or (asyncio.Lock(), 0)
        self._asked[key] = lock, users + 1
        try:
            async with lock:
                yield
        finally:
            users = self._asked[key][1] - 1
            self._asked[key] = lock, users
            if not users:
                del self._asked[key]
