"""What is kept no longer goes: ended jobs, expired images, blobs that nothing refers to, checkpoints."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from tfstyle_server.data import Data
from tfstyle_server.heap import trim

log = logging.getLogger("tfstyle.front")

SWEEP_SECONDS = 60.0


async def keep_house(
    data: Data, unfinished: Callable[[], Collection[str]], results: Callable[[], frozenset[str]]
) -> None:
    """Sweep `data` every minute, for ever.

    `unfinished` gives the names of jobs under way, `results` the digests of results that are not recorded yet. Ages
    are counted in time that this process has seen pass: nothing goes because somebody has set the clock.
    """
    before = time.monotonic()
    while True:
        now = time.monotonic()
        # What needs no room comes first: on a full disk the database can write nothing until there is some.
        with _told("checkpoints"):
            await asyncio.to_thread(data.sweep_checkpoints, unfinished())
        with _told("blobs"):
            # Asked for first: what is recorded from here on is among the wanted.
            held = results()
            wanted = await data.call(data.store.wanted_blobs)
            freed = await asyncio.to_thread(data.blobs.sweep, wanted | held, now)
            if freed:
                log.info("freed %.1f MB", freed / 1e6)
        with _told("jobs"):
            gone = await data.call(data.store.retain, now - before)
            before = now
            if gone:
                log.info("forgot %d jobs", len(gone))
        await asyncio.to_thread(trim)
        await asyncio.sleep(SWEEP_SECONDS)


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        log.error("cannot clean up %s: %s", what, error)
