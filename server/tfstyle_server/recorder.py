"""Writes events to the store in the order in which they arrive. All that are waiting share one transaction.

Watchers are told of an event only after it has been recorded. Everything here runs on the event loop's thread.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tfstyle_server.records import Entry, Stored

log = logging.getLogger("tfstyle.front")

MOST_AT_ONCE = 200
RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class Pending:
    """An event that waits to be recorded, with its `preview`.

    `done` is the future of the caller who waits for it, if any. A caller who is not `patient` gets an error where the
    disk is full; all others wait until it is not.
    """

    entry: Entry
    preview: bytes = b""
    done: asyncio.Future[Stored | None] | None = None
    patient: bool = True

    def is_kept_after(self, error: sqlite3.Error) -> bool:
        """Whether to try again after `error`. Tells an impatient caller; drops progress, which later events replace."""
        if not self.patient and self.done is not None:
            if not self.done.done():
                self.done.set_exception(error)
            return False
        return not self.entry.event.HasField("progress")


class Recorder:
    """Records events with `append`, which works as `JobStore.append` does.

    `on_recorded` is called for each event before the caller who waits for it continues; with None where the job's
    state or attempt did not allow the event.
    """

    def __init__(
        self,
        append: Callable[[list[Entry]], Awaitable[list[Stored | None]]],
        on_recorded: Callable[[Entry, Stored | None, bytes], None],
    ) -> None:
        self._append = append
        self._on_recorded = on_recorded
        self._pending: asyncio.Queue[Pending] = asyncio.Queue()
        self._results: Counter[str] = Counter()
        self._broken: Exception | None = None

    @property
    def pending_results(self) -> frozenset[str]:
        """The digests of results whose events are not recorded yet, so that no job refers to them yet."""
        return frozenset(self._results)

    def post(self, entry: Entry, preview: bytes = b"") -> None:
        """Record an event without waiting for it. While the disk is full, it is kept unless it is progress."""
        self._put(Pending(entry, preview))

    async def record(self, entry: Entry, *, patient: bool = True) -> Stored | None:
        """Record an event and return what was written, or None where the job's state or attempt does not allow it.

        While the disk is full this waits, or raises sqlite3.OperationalError if not `patient`. Raises the error that
        `run` ended with.
        """
        if self._broken is not None:
            raise self._broken
        done: asyncio.Future[Stored | None] = asyncio.get_running_loop().create_future()
        self._put(Pending(entry, b"", done, patient))
        return await done

    def _put(self, pending: Pending) -> None:
        if pending.entry.event.HasField("result"):
            self._results[pending.entry.event.result.digest] += 1
        self._pending.put_nowait(pending)

    async def run(self) -> None:
        """Record pending events until cancelled.

        Raises errors that waiting does not cure, such as a damaged database, after passing them to all waiting callers.
        """
        batch: list[Pending] = []
        try:
            while True:
                batch = [await self._pending.get()]
                while not self._pending.empty() and len(batch) < MOST_AT_ONCE:
                    batch.append(self._pending.get_nowait())
                await self._write(batch)
        except Exception as error:
            self._broken = error
            while not self._pending.empty():
                batch.append(self._pending.get_nowait())
            for pending in batch:
                if pending.done is not None and not pending.done.done():
                    pending.done.set_exception(error)
            raise

    async def _write(self, batch: list[Pending]) -> None:
        while True:
            try:
                written = await self._append([pending.entry for pending in batch])
                break
            except sqlite3.OperationalError as error:
                log.error("events cannot be recorded, trying again: %s", error)
                while not self._pending.empty():
                    batch.append(self._pending.get_nowait())
                batch[:] = [pending for pending in batch if pending.is_kept_after(error)]
                await asyncio.sleep(RETRY_SECONDS)
        for pending, stored in zip(batch, written, strict=True):
            if pending.entry.event.HasField("result"):
                self._results -= Counter([pending.entry.event.result.digest])
            self._on_recorded(pending.entry, stored, pending.preview)
            if pending.done is not None and not pending.done.done():
                pending.done.set_result(stored)
