"""An executor whose runs go as a test says, and jobs that are dispatched to it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from tfstyle.inputs import content_and_style
from tfstyle.options import ProgressOptions
from tfstyle.presets import resolve_options
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server.admission import CallerLimits
from tfstyle_server.data import open_data
from tfstyle_server.executors.executor import End, Executor, Listener, Run, Update
from tfstyle_server.jobs import Jobs
from tfstyle_server.metrics import Metrics
from tfstyle_server.plan import Plan
from tfstyle_server.retention import Retention
from tfstyle_server.validation import Source


@dataclass
class FakeExecutor:
    """Runs nothing; the test says how each run goes."""

    capacity: int = 1
    runs: list[Run] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    started: bool = False
    demanded: int = 0
    listener: Listener = field(init=False)

    @property
    def idle(self) -> int:
        return self.capacity - len(self.busy) if self.started else 0

    def start(self, listener: Listener) -> None:
        self.listener = listener
        self.started = True
        listener.on_ready(pb.Network())
        listener.on_idle()

    def stop(self) -> None:
        self.started = False

    def run(self, run: Run) -> None:
        assert self.idle > 0
        self.runs.append(run)
        self.busy.append(run.job)

    def demand(self, waiting: int) -> None:
        self.demanded = waiting

    def cancel(self, job: str) -> None:
        if job in self.busy:
            self.cancelled.append(job)

    def update(self, run: Run, event: pb.JobEvent, reached: int = 0) -> None:
        self.listener.on_update(Update(run.job, run.attempt, event, reached))

    def end(self, end: End) -> None:
        self.busy.remove(end.job)
        self.listener.on_end(end)
        self.listener.on_idle()

    def lose(self, run: Run) -> None:
        self.busy.remove(run.job)
        self.listener.on_lost(run.job, run.attempt, "its worker ended")
        self.listener.on_idle()


def plan(content: bytes = b"c", *, shorthand: bool = True) -> Plan[Source]:
    return Plan(content_and_style(content, b"s"), resolve_options("fast"), ProgressOptions(), "fast", shorthand)


async def settle() -> None:
    """Let everything happen that needs no more than the store."""
    for _ in range(20):
        await asyncio.sleep(0.005)


Story = Callable[[Jobs, FakeExecutor], Awaitable[None]]


def run(
    folder: Path, story: Story, capacity: int = 1, queue: int = 9, job_seconds: float = math.inf, **limits: int
) -> None:
    async def main() -> None:
        data = await open_data(folder, Retention())
        executor = FakeExecutor(capacity)
        checked: Executor = executor  # has all that jobs need
        broken: list[str] = []
        jobs = Jobs(data, checked, queue, CallerLimits(**limits), Metrics(), print, broken.append, job_seconds)
        await jobs.begin()
        await story(jobs, executor)
        await jobs.close()
        await data.close()
        assert not broken

    asyncio.run(main())
