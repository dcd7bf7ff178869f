"""Ends the calls of callers whose token was taken away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tfstyle_server.security import Caller, UnauthenticatedError

CHECK_SECONDS = 5.0


class Revocation:
    """The open calls. `has_revoked` tells whether a caller is no longer welcome."""

    def __init__(self, has_revoked: Callable[[Caller], bool]) -> None:
        self._has_revoked = has_revoked
        self._calls: dict[asyncio.Task[None], Caller] = {}
        self._ended: set[asyncio.Task[None]] = set()

    @contextmanager
    def open(self, caller: Caller) -> Iterator[None]:
        """Around the current task's work for a call of `caller`. Raises `UnauthenticatedError` if that is ended."""
        task = asyncio.current_task()
        assert task is not None
        self._calls[task] = caller
        try:
            yield
        except asyncio.CancelledError:
            if task in self._ended and task.uncancel() == 0:  # else the call itself was cancelled as well
                raise UnauthenticatedError("the token was revoked") from None
            raise
        finally:
            del self._calls[task]
            self._ended.discard(task)

    async def watch(self) -> None:
        """End calls of revoked callers, within `CHECK_SECONDS`, until cancelled."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            revoked = {caller for caller in set(self._calls.values()) if self._has_revoked(caller)}
            for task in [task for task, caller in self._calls.items() if caller in revoked]:
                if task not in self._ended:
                    self._ended.add(task)
                    task.cancel()
