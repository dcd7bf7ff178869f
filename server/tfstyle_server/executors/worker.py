"""A worker as the pool sees it, wherever it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from tfstyle_server.executors.local.messages import Command, Notice, Report
from tfstyle_server.executors.local.settings import WorkerSettings


class Worker(Protocol):
    """A worker that has been started. All methods are for the event loop's thread."""

    @property
    def name(self) -> str:
        """What log lines call it."""

    @property
    def pid(self) -> int | None:
        """Its process ID, if it is a process of this machine."""

    @property
    def placed(self) -> bool:
        """Whether it starts at once. Otherwise it waits for a place, however long, and then reports `Placed`."""

    async def send(self, command: Command, /) -> None:
        """Send `command`. Does nothing where the worker has ended."""

    def kill(self) -> None:
        """End the worker at once."""

    def wait(self) -> None:
        """Wait, not long, until a killed worker has ended. Blocks."""


StartWorker: TypeAlias = Callable[
    [WorkerSettings, Callable[[Any, Report | Notice], None], Callable[[Any, str], None]], Worker
]
"""Starts a worker, which calls the first function with itself and each report, the second one once with how it ended.

Raises OSError and RuntimeError where none can be started now.
"""
