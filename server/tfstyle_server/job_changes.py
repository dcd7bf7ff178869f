"""Which jobs of a caller have changed, for those who watch all of them.

For each watcher only the names are kept that it has not been told of, each once, however often the job has changed. So
a slow watcher costs nothing. Everything here runs on the event loop's thread.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Subscription:
    """The names of changed jobs that one watcher has not been told of."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}
        self._some = asyncio.Event()

    def add(self, name: str) -> None:
        """The job `name` has changed."""
        self._names[name] = None
        self._some.set()

    def wake(self) -> None:
        """Let `next` return, if only with nothing."""
        self._some.set()

    async def next(self) -> list[str]:
        """The names since the last call, in the order of their first change, once there are any; see `wake`."""
        await self._some.wait()
        self._some.clear()
        names, self._names = list(self._names), {}
        return names


class JobChanges:
    """Passes the changes of jobs to the watchers of their owners."""

    def __init__(self) -> None:
        self._subscriptions: defaultdict[str, set[Subscription]] = defaultdict(set)

    @contextmanager
    def subscribe(self, owner: str) -> Iterator[Subscription]:
        """A subscription that is told of every change from now on."""
        subscription = Subscription()
        self._subscriptions[owner].add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions[owner].discard(subscription)
            if not self._subscriptions[owner]:
                del self._subscriptions[owner]

    def changed(self, owner: str, name: str) -> None:
        """A job is new, has changed, or has been deleted."""
        for subscription in self._subscriptions.get(owner, ()):
            subscription.add(name)

    def wake(self) -> None:
        """Let every watcher look whether it is to stop."""
        for subscriptions in self._subscriptions.values():
            for subscription in subscriptions:
                subscription.wake()
