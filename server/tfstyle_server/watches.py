"""Jobs under way as their watchers see them: the latest events in memory, and the one latest preview.

There is nothing a watcher has for itself but the number of the last event it was sent: a slow one reads on
from the store when it has fallen behind, and finds of the previews only the latest. So watchers cost the job nothing,
and lose nothing but previews. For the event loop's thread only.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Protocol

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.v1.style_transfer_pb2 import Job, JobEvent
from tfstyle_server.limits import LimitError
from tfstyle_server.store import Stored, UnknownJobError

RECENT = 256
BATCH = 200
RETRY_SECONDS = 1.0


class CompactedError(Exception):
    """Events were asked for that are no longer kept; `oldest` is the first that is."""

    def __init__(self, oldest: int) -> None:
        super().__init__(f"events before {oldest} are no longer kept")
        self.oldest = oldest


class StoppingError(Exception):
    """The server is about to end."""


class Feed:
    """The events of one job that has not ended. `sequence` is that of the latest one published."""

    def __init__(self) -> None:
        self.sequence = 0
        self._recent: deque[Stored] = deque(maxlen=RECENT)
        self._preview: Stored | None = None
        self._changed: asyncio.Future[None] | None = None

    def publish(self, stored: Stored, preview: bytes) -> None:
        """Let every watcher know the next event; `preview` is a PNG that belongs to it, or empty."""
        self.sequence = stored.sequence
        self._recent.append(stored)
        if preview:
            event = JobEvent.FromString(stored.data)
            event.progress.preview = preview
            self._preview = Stored(stored.sequence, event.SerializeToString(), stored.last)
        self.wake()

    def wake(self) -> None:
        """Let every watcher look around."""
        if self._changed is not None:
            self._changed.set_result(None)
            self._changed = None

    async def change(self) -> None:
        """Wait for the next `publish` or `wake`."""
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._changed)

    def since(self, sequence: int) -> list[Stored] | None:
        """The events after number `sequence`; None where they are not all in memory."""
        if not self._recent or self._recent[0].sequence > sequence + 1:
            return None
        skipped = sequence + 1 - self._recent[0].sequence
        return [self._recent[index] for index in range(skipped, len(self._recent))]

    def with_preview(self, stored: Stored) -> bytes:
        """The event's bytes, with its preview where that is the latest."""
        if self._preview is not None and self._preview.sequence == stored.sequence:
            return self._preview.data
        return stored.data


class Followed(Protocol):
    """Whatever has a feed."""

    @property
    def feed(self) -> Feed:
        """Its events."""


class Watches:
    """Streams of events, of which each caller may have `most` at once.

    `under_way` are the jobs that have not ended; `get` and `stored` read the store: a job of an owner, and at most so
    many of its events after a number.
    """

    def __init__(
        self,
        most: int,
        under_way: Mapping[str, Followed],
        get: Callable[[str, str], Awaitable[Job]],
        stored: Callable[[str, int, int], Awaitable[list[Stored]]],
    ) -> None:
        self._most = most
        self._under_way = under_way
        self._get = get
        self._stored = stored
        self._counts: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """How many there are."""
        return self._counts.total()

    async def watch(self, owner: str, name: str, after: int, halted: Callable[[], bool]) -> AsyncIterator[bytes]:
        """The job, and then its events after number `after`, as serialised JobEvents; ends with the job.

        Raises `UnknownJobError`, `CompactedError`, `LimitError`, `InvalidInputError` for a number that no event has
        had, and `StoppingError` as soon as `halted` says so (see `Feed.wake`).
        """
        if self._counts[owner] >= self._most:
            why = f"you have {self._counts[owner]} watches, and may have no more"
            raise LimitError("CALLER_WATCHES", why, RETRY_SECONDS)
        self._counts[owner] += 1
        try:
            async for data in self._events(owner, name, after, halted):
                yield data
        finally:
            self._counts[owner] -= 1
            if not self._counts[owner]:
                del self._counts[owner]

    async def _events(self, owner: str, name: str, after: int, halted: Callable[[], bool]) -> AsyncIterator[bytes]:
        followed = self._under_way.get(name)
        feed = None if followed is None else followed.feed
        job = await self._get(owner, name)
        if not 0 <= after <= job.sequence:
            why = f"must be 0 to {job.sequence}, the latest; got {after}"
            raise InvalidInputError([Violation("after_sequence", why)])
        yield JobEvent(job=job).SerializeToString()
        if after + 1 < job.oldest_sequence:
            raise CompactedError(job.oldest_sequence)
        while not halted():
            events = None if feed is None else feed.since(after)
            if events is None:
                events = await self._stored(name, after, BATCH)
            if not events:
                if feed is None:
                    return  # it has ended, and the caller knows all
                if feed.sequence > after:
                    raise UnknownJobError(name)  # it was deleted meanwhile
                await feed.change()
                continue
            if events[0].sequence != after + 1:
                raise CompactedError(events[0].sequence)
            for stored in events:
                if halted():
                    break
                yield stored.data if feed is None else feed.with_preview(stored)
                if stored.last:
                    return
                after = stored.sequence
        raise StoppingError
