"""A job that is not over as its watchers see it: the latest events in memory, and the one latest preview.

There is nothing a watcher has for itself but the number of the last event it was sent: a slow one reads on
from the store when it has fallen behind, and finds of the previews only the latest. So watchers cost the job nothing,
and lose nothing but previews.
"""

from __future__ import annotations

import asyncio
from collections import deque

from tfstyle.v1.style_transfer_pb2 import JobEvent
from tfstyle_server.store import Stored

RECENT = 256


class Live:
    """One job under way, the `number`th, that `owner` has asked for; `work` as in `tfstyle_server.limits`.
    `sequence` is that of the latest event published, `place` in the queue the last that was told. For the event
    loop's thread only.
    """

    def __init__(self, number: int, owner: str, work: float) -> None:
        self.number = number
        self.owner = owner
        self.work = work
        self.place = -1
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
