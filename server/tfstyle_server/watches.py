"""Streams of a job's events to its watchers.

Each running job keeps its latest events, and its latest preview, in memory. For each watcher only the number of the
last event that it was sent is kept. A slow watcher continues from the store, and misses nothing except previews
older than the latest. So watchers do not slow a job down. Everything here runs on the event loop's thread.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.v1.style_transfer_pb2 import Job, JobEvent
from tfstyle_server.admission import LimitError
from tfstyle_server.records import Stored, UnknownJobError

RECENT = 256
"""Events of a job that are held in memory."""
BATCH = 200
"""Events that are read from the store at once."""
RETRY_SECONDS = 1.0


class CompactedError(Exception):
    """Events were requested that are no longer kept; `oldest` is the sequence number of the oldest one that is."""

    def __init__(self, oldest: int) -> None:
        super().__init__(f"events before {oldest} are no longer kept")
        self.oldest = oldest


class StoppingError(Exception):
    """The server is stopping."""


class Feed:
    """The events of one unfinished job. `sequence` is the number of the latest one."""

    def __init__(self) -> None:
        self.sequence = 0
        self._recent: deque[Stored] = deque(maxlen=RECENT)
        self._preview: Stored | None = None
        self._changed: asyncio.Future[None] | None = None

    def publish(self, stored: Stored, preview: bytes) -> None:
        """Pass the next event to all watchers. `preview` is its PNG, or empty."""
        self.sequence = stored.sequence
        self._recent.append(stored)
        if preview:
            event = JobEvent.FromString(stored.data)
            event.progress.preview = preview
            self._preview = Stored(stored.sequence, event.SerializeToString(), stored.last)
        self.wake()

    def wake(self) -> None:
        """Let all watchers continue from `change`."""
        if self._changed is not None:
            self._changed.set_result(None)
            self._changed = None

    async def change(self) -> None:
        """Wait for the next `publish` or `wake`."""
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._changed)

    def since(self, sequence: int) -> list[Stored] | None:
        """The events after number `sequence`. None where memory does not hold all of them."""
        if not self._recent or self._recent[0].sequence > sequence + 1:
            return None
        skipped = sequence + 1 - self._recent[0].sequence
        return [self._recent[index] for index in range(skipped, len(self._recent))]

    def with_preview(self, stored: Stored) -> bytes:
        """The serialised event, with its preview if that is the latest one."""
        if self._preview is not None and self._preview.sequence == stored.sequence:
            return self._preview.data
        return stored.data


class Followed(Protocol):
    """Anything that has a feed."""

    @property
    def feed(self) -> Feed:
        """Its events."""


class Watches:
    """Streams of events, of which each caller may have `most` at once.

    `live` are the unfinished jobs by name. `get` returns the current state of (owner, name), `events` at most `most`
    events of (name, after, most) from the store.
    """

    def __init__(
        self,
        most: int,
        live: Mapping[str, Followed],
        get: Callable[[str, str], Awaitable[Job]],
        events: Callable[[str, int, int], Awaitable[list[Stored]]],
    ) -> None:
        self._most = most
        self._live = live
        self._get = get
        self._stored_events = events
        self._counts: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """The number of open streams."""
        return self._counts.total()

    async def watch(self, owner: str, name: str, after: int, stopping: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Yield the job's current state and then its events after number `after`, as serialised JobEvents.

        Ends when the job has ended. Raises `UnknownJobError`, `CompactedError`, `LimitError`, `InvalidInputError` for
        an `after` beyond the latest event, and `StoppingError` once `stopping()` is true (checked after `Feed.wake`).
        """
        with self.counted(owner):
            async for data in self._events(owner, name, after, stopping):
                yield data

    @contextmanager
    def counted(self, owner: str) -> Iterator[None]:
        """Count one more stream of the caller, of events or of a result. Raises `LimitError`."""
        if self._counts[owner] >= self._most:
            message = f"you have {self._counts[owner]} open streams; {self._most} are allowed"
            raise LimitError("CALLER_WATCHES", message, RETRY_SECONDS)
        self._counts[owner] += 1
        try:
            yield
        finally:
            self._counts[owner] -= 1
            self._counts += Counter()  # drops callers whose count is 0

    async def _events(self, owner: str, name: str, after: int, stopping: Callable[[], bool]) -> AsyncIterator[bytes]:
        followed = self._live.get(name)
        feed = None if followed is None else followed.feed
        job = await self._get(owner, name)
        if not 0 <= after <= job.sequence:
            complaint = f"must be 0 to {job.sequence}, the latest event; got {after}"
            raise InvalidInputError([Violation("after_sequence", complaint)])
        yield JobEvent(job=job).SerializeToString()
        if after + 1 < job.oldest_sequence:
            raise CompactedError(job.oldest_sequence)
        while not stopping():
            events = None if feed is None else feed.since(after)
            if events is None:
                events = await self._stored_events(name, after, BATCH)
            if not events:
                if feed is None:
                    return  # the job has ended, and the caller has all its events
                if feed.sequence > after:
                    raise UnknownJobError(name)  # deleted meanwhile
                await feed.change()
                continue
            if events[0].sequence != after + 1:
                raise CompactedError(events[0].sequence)
            for stored in events:
                if stopping():
                    break
                yield stored.data if feed is None else feed.with_preview(stored)
                if stored.last:
                    return
                after = stored.sequence
        raise StoppingError
