"""Deletes expired data: ended jobs, uploaded images, unreferenced blobs and checkpoints of ended jobs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from tfstyle_server.data import Data
from tfstyle_server.heap import trim

log = logging.getLogger("tfstyle.front")

SWEEP_SECONDS = 60.0


async def keep_house(
    data: Data,
    unfinished: Callable[[], Collection[str]],
    pending_results: Callable[[], frozenset[str]],
    on_deleted: Callable[[str, str], None],
) -> None:
    """Delete expired data from `data` every `SWEEP_SECONDS`, until cancelled.

    `unfinished` returns the names of the unfinished jobs, `pending_results` the digests of results that no job refers
    to yet; `on_deleted` is called with (owner, name) of each job that was deleted. Ages are measured in server uptime,
    so setting the system clock deletes nothing.
    """
    before = time.monotonic()
    while True:
        now = time.monotonic()
        # Files first: on a full disk the database can be written only after something was deleted.
        with _errors_logged("checkpoints"):
            await asyncio.to_thread(data.checkpoints.sweep, unfinished)
        with _errors_logged("blobs"):
            # In this order: a result that is recorded between the two is then among the wanted blobs.
            held = pending_results()
            wanted = await data.call(data.store.wanted_blobs)
            freed = await asyncio.to_thread(data.blobs.sweep, wanted | held, now)
            if freed:
                log.info("deleted %.1f MB of unreferenced pictures", freed / 1e6)
        with _errors_logged("jobs"):
            expired = await data.call(data.store.retain, now - before)
            before = now
            for job in expired:
                on_deleted(job.owner, job.name)
            if expired:
                log.info("deleted %d expired jobs", len(expired))
        await asyncio.to_thread(trim)
        await asyncio.sleep(SWEEP_SECONDS)


@contextmanager
def _errors_logged(what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # whatever is damaged, the rest is kept in order
        log.error("cannot delete expired %s: %s", what, error)
