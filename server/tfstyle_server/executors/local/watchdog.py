"""Notices workers that hang: each sign of life says how long the next one may take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Worker = TypeVar("Worker")


class Watchdog(Generic[Worker]):
    """Calls `on_silent` with a worker, and the seconds that it had, once it has been silent for longer."""

    def __init__(self, on_silent: Callable[[Worker, float], None]) -> None:
        self._on_silent = on_silent
        self._timers: dict[Worker, asyncio.TimerHandle] = {}

    def expect(self, worker: Worker, seconds: float) -> None:
        """Wait for a sign of life within `seconds`, which replaces what was expected before."""
        self.rest(worker)
        self._timers[worker] = asyncio.get_running_loop().call_later(seconds, self._on_silent, worker, seconds)

    def rest(self, worker: Worker) -> None:
        """Expect nothing of the worker any more."""
        if timer := self._timers.pop(worker, None):
            timer.cancel()
