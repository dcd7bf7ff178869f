"""Gives waiting jobs to the executor in fair order, and turns what the executor reports into events.

Runs on the event loop's thread.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping

from google.rpc import status_pb2

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server import status
from tfstyle_server.background import Background
from tfstyle_server.executors.executor import (
    Done,
    End,
    Executor,
    Exhausted,
    Failed,
    Refused,
    Run,
    Stopped,
    Unprepared,
    Update,
)
from tfstyle_server.fair_queue import FairQueue, Ticket
from tfstyle_server.field_paths import in_request
from tfstyle_server.live_job import LiveJob, accepted, interrupted, short
from tfstyle_server.metrics import Metrics
from tfstyle_server.recorder import Recorder
from tfstyle_server.records import Entry
from tfstyle_server.server_info import Load

log = logging.getLogger("tfstyle.front")

ANNOUNCED = 20
"""Only the first jobs of the queue get an event when their position changes."""
TYPICAL_SECONDS = 60.0
"""The assumed duration of a job before any has ended."""


class Dispatcher:
    """The queue of waiting jobs, and the executor's listener.

    `live` are the unfinished jobs by name. At most `most_running` jobs of one owner run at once, each for at most
    `job_seconds`. `on_readiness` is called with whether there are workers: when one has started, and
    when none is left and one could not start; `on_broken` with a reason when none ever will.
    """

    def __init__(
        self,
        executor: Executor,
        most_running: int,
        live: Mapping[str, LiveJob],
        recorder: Recorder,
        metrics: Metrics,
        background: Background,
        on_readiness: Callable[[bool], None],
        on_broken: Callable[[str], None],
        job_seconds: float = math.inf,
    ) -> None:
        self._executor = executor
        self._most_running = most_running
        self._live = live
        self._recorder = recorder
        self._metrics = metrics
        self._background = background
        self._readiness = on_readiness
        self._job_seconds = job_seconds
        self._broken = on_broken
        self._waiting = FairQueue()
        self._starting: set[str] = set()
        """Jobs that have left the queue, and whose begun event is being recorded."""
        self._running: set[str] = set()
        """Jobs that the executor has, including cancelled ones whose worker has not stopped yet."""
        self._starts = itertools.count(1)
        self._served: dict[str, int] = {}
        """{owner with unfinished jobs: number of the latest start}, as `FairQueue` takes it."""
        self._typical_seconds = TYPICAL_SECONDS
        self._stopping = False
        self._ready = False
        self._network: pb.Network | None = None

    @property
    def idle(self) -> int:
        """How many jobs could be started now."""
        return self._executor.idle - len(self._starting)

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """How many workers have a job."""
        return len(self._starting) + len(self._running)

    @property
    def load(self) -> Load:
        """What the workers are doing."""
        return Load(self._executor.capacity, self._ready, self.waiting, self.running, self._network)

    @property
    def retry_after(self) -> float:
        """When a worker is likely to be free, in seconds."""
        return self._typical_seconds / self._executor.capacity

    def waiting_of(self, owner: str) -> int:
        """How many jobs of `owner` wait."""
        return self._waiting.count(owner)

    def start(self) -> None:
        """Start the executor."""
        self._executor.start(self)

    def stop(self) -> None:
        """End the executor's workers and start no job any more."""
        self._stopping = True
        self._executor.stop()

    def enqueue(self, name: str) -> None:
        """Let a live job wait for a worker."""
        job = self._live[name]
        job.trace.enter("queue")
        self._waiting.add(Ticket(job.number, name, job.owner))
        self._announce_positions()
        self._demand()

    def forget(self, name: str, owner: str) -> None:
        """A job has ended, and is no longer live: remove it from the queue, or stop its worker."""
        self.halt(name)
        if all(other.owner != owner for other in self._live.values()):
            self._served.pop(owner, None)
        self._announce_positions()

    def halt(self, name: str) -> None:
        """Stop the worker of a job that stays live, or keep it from getting one."""
        if self._waiting.discard(name):
            self._demand()
        self._executor.cancel(name)

    def positions(self, names: list[str]) -> dict[str, int]:
        """{name: number of jobs before it} of the jobs among `names` that wait."""
        return self._waiting.positions(self._running_by_owner(), self._served, names)

    def next_position(self, owner: str) -> int:
        """The position of a job that `owner` would add now."""
        return self._waiting.position(Ticket(2**63, "", owner), self._running_by_owner(), self._served)

    def dispatch(self) -> None:
        """Start waiting jobs as long as workers are idle."""
        moved = False
        while self.idle > 0 and not self._stopping and (name := self._next()) is not None:
            job = self._live[name]
            job.served_before = self._served.get(job.owner, 0)
            self._served[job.owner] = next(self._starts)
            self._waiting.discard(name)
            self._starting.add(name)
            self._background.start(self._start(name))
            moved = True
        if moved:
            self._announce_positions()
            self._demand()

    async def _start(self, name: str) -> None:
        begun = await self._recorder.record(Entry(name, pb.JobEvent(begun=pb.Begun())))
        self._starting.discard(name)
        job = self._live.get(name)
        if begun is None or job is None:  # the job was cancelled meanwhile
            self.dispatch()
            return
        attempt = pb.JobEvent.FromString(begun.data).begun.attempt
        job.begin(time.monotonic())
        job.trace.enter("prepare", attempt=attempt)
        self._running.add(name)
        self._executor.run(Run(name, attempt, job.plan.inputs, job.plan.options, job.plan.progress, job.plan.preset))
        self._demand()
        if self._job_seconds < math.inf:
            asyncio.get_running_loop().call_later(self._job_seconds, self._expire, name, attempt)

    def _expire(self, name: str, attempt: int) -> None:
        """End a job whose worker has had it for too long. Does nothing where that attempt has ended."""
        if name not in self._running:
            return
        message = f"the job was not done within {self._job_seconds:.0f} s, the server's --job-seconds"
        self._recorder.post(Entry(name, _failed(status.deadline_exceeded(message)), attempt))

    def on_ready(self, network: pb.Network) -> None:
        """As in `Listener`."""
        self._ready, self._network = True, network
        self._readiness(True)

    def on_unready(self) -> None:
        """As in `Listener`."""
        self._ready = False
        self._readiness(False)

    def on_idle(self) -> None:
        """As in `Listener`."""
        self.dispatch()

    def on_broken(self, reason: str) -> None:
        """As in `Listener`."""
        self._broken(reason)

    def on_update(self, update: Update) -> None:
        """As in `Listener`."""
        job = self._live.get(update.job)
        if job is None:
            return  # it was cancelled, and its worker is about to stop
        job.come(update.reached)
        match update.event.WhichOneof("event"):
            case "started":
                job.stage = 0
                job.trace.enter("evaluations", **_described(update.event.started))
            case "progress":
                self._count_evaluations(job, update.event.progress)
                _trace(job, update.event.progress)
        self._recorder.post(Entry(update.job, update.event, update.attempt, len(update.preview)), update.preview)

    def on_end(self, end: End) -> None:
        """As in `Listener`."""
        self._running.discard(end.job)
        self._demand()
        job = self._live.get(end.job)
        seconds = 0.0 if job is None or job.began is None else time.monotonic() - job.began
        outcome = "cancelled" if isinstance(end, Stopped) else type(end).__name__.lower()
        log.info("job %s: %s after %.1f s", short(end.job), outcome, seconds)
        event = _event_of(end, job)
        if event is not None:
            self._typical_seconds += 0.3 * (seconds - self._typical_seconds)
            self._recorder.post(Entry(end.job, event, end.attempt))

    def on_lost(self, job: str, attempt: int, reason: str) -> None:
        """As in `Listener`. The job returns to the queue, or fails where its workers keep ending."""
        self._running.discard(job)
        live = self._live.get(job)
        if live is None:
            return
        self._metrics.interruptions.inc()
        live.trace.leave(reason)
        live.lose()
        if (failed := given_up(live, reason)) is not None:
            self._recorder.post(Entry(job, failed, attempt))
        else:
            self._background.start(self._requeue(job, attempt, interrupted(reason, live.came or 0)))

    async def _requeue(self, name: str, attempt: int, lost: pb.JobEvent) -> None:
        log.warning("job %s: interrupted: %s", short(name), lost.interrupted.reason)
        stored = await self._recorder.record(Entry(name, lost, attempt))
        job = self._live.get(name)
        if stored is not None and job is not None:
            self._served[job.owner] = job.served_before  # the start does not count
            self.enqueue(name)
            self.dispatch()

    def _count_evaluations(self, job: LiveJob, progress: pb.Progress) -> None:
        seconds = progress.elapsed.ToNanoseconds() / 1e9
        if progress.evaluation > job.evaluation:
            self._metrics.evaluated(progress.evaluation - job.evaluation, max(0.0, seconds - job.seconds))
            job.evaluation, job.seconds = progress.evaluation, seconds

    def _running_by_owner(self) -> Counter[str]:
        return Counter(self._live[name].owner for name in self._starting | self._running if name in self._live)

    def _demand(self) -> None:
        """Tell the executor how many of the waiting jobs could be started, if there were a worker for each."""
        running = self._running_by_owner()
        could = (min(count, self._most_running - running[owner]) for owner, count in self._waiting.counts().items())
        self._executor.demand(len(self._starting) + sum(max(0, count) for count in could))

    def _next(self) -> str | None:
        """The first waiting job whose owner may have another one running."""
        order = self._waiting.order(self._running_by_owner(), self._served, self._most_running)
        return next((ticket.name for ticket in order), None)

    def _announce_positions(self) -> None:
        order = self._waiting.order(self._running_by_owner(), self._served)
        for position, ticket in enumerate(itertools.islice(order, ANNOUNCED)):
            job = self._live[ticket.name]
            if job.position != position:
                job.position = position
                self._recorder.post(Entry(ticket.name, accepted(position)))


def given_up(job: LiveJob, reason: str) -> pb.JobEvent | None:
    """The event that ends a job whose workers keep being lost, the latest for `reason`; None: it goes on."""
    why = job.given_up(reason)
    return _failed(status.internal(why)) if why else None


def _event_of(end: End, job: LiveJob | None) -> pb.JobEvent | None:
    """The event that ends the job; None where a recorded event has ended it before."""
    match end:
        case Done():
            return end.event
        case Stopped():
            return None
        case Refused():
            shorthand = job is None or job.plan.shorthand
            violations = [in_request(violation, shorthand=shorthand) for violation in end.violations]
            return _failed(status.invalid_argument(violations))
        case Unprepared():
            return _failed(status.failed_precondition("WEIGHTS", "network", end.reason))
        case Failed():
            return _failed(status.internal(end.reason))
        case Exhausted():
            return _failed(status.resource_exhausted("OUT_OF_MEMORY", end.reason))


def _described(started: pb.Started) -> dict[str, str | int]:
    """A computation in the words of a trace."""
    return {
        "network": started.network.name,
        "precision": started.precision.name,
        "device": started.device.name,
        "width": started.width,
        "height": started.height,
        "stages": len(started.stages),
        "max_evaluations": started.max_evaluations,
        "tiled": started.tiled,
    }


def _trace(job: LiveJob, progress: pb.Progress) -> None:
    """Tell a job's trace where it is."""
    if progress.stage != job.stage:
        job.stage = progress.stage
        job.trace.note("stage", number=progress.stage)
    if progress.evaluation == progress.max_evaluations:
        job.trace.enter("encode")


def _failed(why: status_pb2.Status) -> pb.JobEvent:
    return pb.JobEvent(failed=why)
