"""Requests wait in one bounded queue, first come first served; an idle worker takes the next.

Everything here runs on the event loop's thread; nothing blocks.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from tfstyle.options import ProgressOptions, TransferOptions
from tfstyle.v1.style_transfer_pb2 import Accepted, StylizeEvent
from tfstyle_server.messages import (
    Cancel,
    Cancelled,
    CannotStart,
    Done,
    End,
    Failed,
    News,
    Ready,
    Refused,
    Report,
    Retiring,
    Run,
    Unprepared,
    WorkerSettings,
)
from tfstyle_server.worker_process import WorkerProcess

log = logging.getLogger("tfstyle.front")

MOST_UNREAD = 32
"""Events that may wait for a slow reader; beyond, a newer progress takes the place of the one before."""
MOST_FAILED_STARTS = 3


class QueueFullError(Exception):
    """No more requests may wait. `retry_after` is an estimate in seconds."""

    def __init__(self, waiting: int, retry_after: float) -> None:
        super().__init__(f"the queue is full: {waiting} requests wait")
        self.waiting = waiting
        self.retry_after = retry_after


@dataclass(frozen=True)
class Lost:
    """The end of a job whose worker process, or server, ended under it."""

    job: str
    reason: str


@dataclass(eq=False)
class Ticket:
    """One request on its way: what is known of it and not yet read."""

    run: Run
    _news: deque[StylizeEvent | End | Lost] = field(default_factory=deque)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, news: StylizeEvent | End | Lost) -> None:
        """Add what the reader shall hear next."""
        crowded = len(self._news) >= MOST_UNREAD
        if crowded and _is_progress(news) and _is_progress(self._news[-1]):
            self._news.pop()
        self._news.append(news)
        self._arrived.set()

    async def next(self) -> StylizeEvent | End | Lost:
        """The next piece of news; after an `End` there is none."""
        while not self._news:
            self._arrived.clear()
            await self._arrived.wait()
        return self._news.popleft()


def _is_progress(news: Any) -> bool:
    return isinstance(news, StylizeEvent) and news.WhichOneof("event") == "progress"


class Scheduler:
    """Owns the queue and the workers. `on_ready` is called as soon as one worker takes requests,
    `on_broken` with a reason where no worker can ever start.
    """

    def __init__(
        self,
        settings: list[WorkerSettings],
        queue: int,
        on_ready: Callable[[], None],
        on_broken: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._queue = queue
        self._on_ready = on_ready
        self._on_broken = on_broken
        self._waiting: deque[Ticket] = deque()
        self._idle: list[WorkerProcess] = []
        self._busy: dict[WorkerProcess, Ticket] = {}
        self._began: dict[Ticket, float] = {}
        self._workers: set[WorkerProcess] = set()
        self._retiring: set[WorkerProcess] = set()
        self._failed_starts = 0
        self._typical_seconds = 60.0
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Start one worker for each device."""
        for settings in self._settings:
            self._start_worker(settings)

    def stop(self) -> None:
        """End all workers at once."""
        self._stopping = True
        for worker in self._workers:
            worker.kill()

    def abandon(self, reason: str) -> None:
        """Tell every request, waiting or running, that it is lost and why."""
        for ticket in (*self._waiting, *self._busy.values()):
            ticket.put(Lost(ticket.run.job, reason))

    def submit(self, content: bytes, style: bytes, options: TransferOptions, progress: ProgressOptions) -> Ticket:
        """Queue a request. Raises `QueueFullError`."""
        if len(self._waiting) >= self._queue + len(self._idle):
            raise QueueFullError(len(self._waiting), self._typical_seconds / len(self._settings))
        ticket = Ticket(Run(secrets.token_hex(4), content, style, options, progress))
        self._waiting.append(ticket)
        ticket.put(_accepted(len(self._waiting) - 1))
        self._dispatch()
        return ticket

    def cancel(self, ticket: Ticket) -> None:
        """Forget a request: out of the queue, or its worker is told to stop. No harm if it has ended."""
        if ticket in self._waiting:
            self._waiting.remove(ticket)
            self._announce_positions()
            return
        for worker, running in self._busy.items():
            if running is ticket:
                self._soon(worker.send(Cancel(ticket.run.job)))

    def _start_worker(self, settings: WorkerSettings) -> None:
        worker = WorkerProcess(settings, self._heard, self._ended)
        self._workers.add(worker)
        log.info("worker %s starts on %s", worker.pid, settings.device)

    def _dispatch(self) -> None:
        moved = False
        while self._idle and self._waiting:
            worker, ticket = self._idle.pop(0), self._waiting.popleft()
            self._busy[worker] = ticket
            self._began[ticket] = time.monotonic()
            self._soon(worker.send(ticket.run))
            moved = True
        if moved:
            self._announce_positions()

    def _announce_positions(self) -> None:
        for position, ticket in enumerate(self._waiting):
            ticket.put(_accepted(position))

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _heard(self, worker: WorkerProcess, report: Report) -> None:
        ticket = self._busy.get(worker)
        match report:
            case Ready(network):
                log.info("worker %s is ready: %s", worker.pid, network)
                self._failed_starts = 0
                self._idle.append(worker)
                self._on_ready()
                self._dispatch()
            case CannotStart(reason):
                self._on_broken(reason)
            case Retiring():
                self._retiring.add(worker)
            case News(job, event):
                if ticket is not None and ticket.run.job == job:
                    ticket.put(event)
            case Done() | Cancelled() | Refused() | Unprepared() | Failed():
                self._free(worker, report)

    def _free(self, worker: WorkerProcess, end: End) -> None:
        ticket = self._busy.pop(worker)
        seconds = time.monotonic() - self._began.pop(ticket)
        if isinstance(end, Done):
            self._typical_seconds += 0.3 * (seconds - self._typical_seconds)
        log.info("job %s: %s after %.1f s", ticket.run.job, type(end).__name__.lower(), seconds)
        ticket.put(end)
        if worker not in self._retiring:
            self._idle.append(worker)
            self._dispatch()

    def _ended(self, worker: WorkerProcess, exit_code: int | None) -> None:
        self._workers.discard(worker)
        self._retiring.discard(worker)
        was_idle = worker in self._idle
        if was_idle:
            self._idle.remove(worker)
        if self._stopping:
            return
        ticket = self._busy.pop(worker, None)
        if ticket is not None:
            self._began.pop(ticket)
            ticket.put(Lost(ticket.run.job, f"its worker process ended (exit code {exit_code})"))
        log.log(logging.INFO if exit_code == 0 else logging.WARNING, "worker %s ended: %s", worker.pid, exit_code)
        if ticket is None and not was_idle and exit_code != 0:
            self._failed_starts += 1
            if self._failed_starts >= MOST_FAILED_STARTS:
                self._on_broken(f"worker processes end as they start (exit code {exit_code})")
                return
        self._start_worker(worker.settings)


def _accepted(position: int) -> StylizeEvent:
    return StylizeEvent(accepted=Accepted(position=position))
