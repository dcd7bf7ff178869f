"""Events on their way into the store: in the order in which they come, all that wait in one transaction.

Nobody hears of an event that is not recorded. For the event loop's thread only.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tfstyle_server.store import Entry, Stored

log = logging.getLogger("tfstyle.front")

MOST_AT_ONCE = 200
RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class Note:
    """An event that waits: its `preview`, and who waits for it, with patience or not."""

    entry: Entry
    preview: bytes = b""
    done: asyncio.Future[Stored | None] | None = None
    patient: bool = True

    def outlives(self, error: sqlite3.Error) -> bool:
        """Whether it is tried again after `error`: state changes are, progress is dropped, the impatient are told."""
        if not self.patient and self.done is not None:
            if not self.done.done():
                self.done.set_exception(error)
            return False
        return not self.entry.event.HasField("progress")


class Recorder:
    """Records by `append`, as `JobStore.append`, awaited; `on_recorded` hears of each entry before who waits for it,
    with None where its job's state, or another attempt, forbids it.
    """

    def __init__(
        self,
        append: Callable[[list[Entry]], Awaitable[list[Stored | None]]],
        on_recorded: Callable[[Entry, Stored | None, bytes], None],
    ) -> None:
        self._append = append
        self._on_recorded = on_recorded
        self._notes: asyncio.Queue[Note] = asyncio.Queue()
        self._broken: Exception | None = None

    def note(self, entry: Entry, preview: bytes = b"") -> None:
        """Record an event when its turn comes, however long the disk is full; progress is then dropped."""
        self._notes.put_nowait(Note(entry, preview))

    async def record(self, entry: Entry, *, patient: bool = True) -> Stored | None:
        """Record an event and give what was written, or None.

        Where the disk is full this waits until it is not, or raises sqlite3.OperationalError for the impatient. Raises
        what `run` has raised.
        """
        if self._broken is not None:
            raise self._broken
        done: asyncio.Future[Stored | None] = asyncio.get_running_loop().create_future()
        self._notes.put_nowait(Note(entry, b"", done, patient))
        return await done

    async def run(self) -> None:
        """Record what is noted, for ever. Raises what no waiting cures, after who waits has been told."""
        batch: list[Note] = []
        try:
            while True:
                batch = [await self._notes.get()]
                while not self._notes.empty() and len(batch) < MOST_AT_ONCE:
                    batch.append(self._notes.get_nowait())
                await self._write(batch)
        except Exception as error:
            self._broken = error
            while not self._notes.empty():
                batch.append(self._notes.get_nowait())
            for note in batch:
                if note.done is not None and not note.done.done():
                    note.done.set_exception(error)
            raise

    async def _write(self, batch: list[Note]) -> None:
        while True:
            try:
                written = await self._append([note.entry for note in batch])
                break
            except sqlite3.OperationalError as error:
                log.error("events cannot be recorded, trying again: %s", error)
                while not self._notes.empty():
                    batch.append(self._notes.get_nowait())
                batch[:] = [note for note in batch if note.outlives(error)]
                await asyncio.sleep(RETRY_SECONDS)
        for note, stored in zip(batch, written, strict=True):
            self._on_recorded(note.entry, stored, note.preview)
            if note.done is not None and not note.done.done():
                note.done.set_result(stored)
