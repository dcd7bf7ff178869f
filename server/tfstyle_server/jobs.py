"""The life of jobs: created, put to workers, interrupted, ended; the store has it all first.

Runs on the event loop's thread.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import logging
import secrets
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

from google.rpc import status_pb2

from tfstyle.errors import InvalidInputError
from tfstyle.options import ProgressOptions, TransferOptions, resolve_options
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.conversion import options_from_proto
from tfstyle_server import status
from tfstyle_server.data import Data
from tfstyle_server.housekeeping import keep_house
from tfstyle_server.images import Images
from tfstyle_server.limits import CallerLimits, Demand, check, work_of
from tfstyle_server.messages import Done, End, Failed, News, Refused, Run, Stopped, Unprepared, WorkerSettings
from tfstyle_server.metrics import Metrics
from tfstyle_server.paths import in_request
from tfstyle_server.recorder import Recorder
from tfstyle_server.states import State
from tfstyle_server.store import Entry, NewJob, RequestIdTakenError, Stored, UnknownJobError
from tfstyle_server.turns import Ticket, in_turn
from tfstyle_server.watches import Feed, Watches
from tfstyle_server.worker_pool import WorkerPool
from tfstyle_server.worker_process import WorkerProcess

log = logging.getLogger("tfstyle.front")

MOST_DEATHS = 5
"""Workers that may end under a job in a row without an evaluation more between them."""
RETRY_SECONDS = 1.0
ANNOUNCED = 20
"""Places in the queue whose changes are told as events."""


@dataclass
class Live:
    """A job that has not ended: the `number`th, that `owner` has asked for; `work` as in `tfstyle_server.limits`."""

    number: int
    owner: str
    work: float
    feed: Feed = field(default_factory=Feed)
    place: int = -1
    """Before how many others it was last said to be."""
    began: float | None = None
    """When its worker was given it."""
    turn_before: int = 0
    """Its owner's turn before the one in which it was given."""
    evaluation: int = 0
    seconds: float = 0.0
    """The last evaluation that was reported, and after how many seconds of evaluations."""
    reached: int = 0
    """What its workers have reached, reported as progress or not."""
    died_at: int = 0
    deaths: int = 0
    """At which evaluation workers have ended under it, and how many in a row."""


class Jobs:
    """Every job of the server whose folder is `data`. `on_ready` is called as soon as a worker takes jobs,
    `on_broken` with a reason where none ever will.
    """

    def __init__(
        self,
        data: Data,
        settings: list[WorkerSettings],
        queue: int,
        limits: CallerLimits,
        metrics: Metrics,
        on_ready: Callable[[], None],
        on_broken: Callable[[str], None],
    ) -> None:
        self._data = data
        self._queue = queue
        self._limits = limits
        self._metrics = metrics
        self._on_ready = on_ready
        self._on_broken = on_broken
        self._pool = WorkerPool(settings, self)
        self._live: dict[str, Live] = {}
        self._waiting: dict[str, Ticket] = {}
        self._turns = itertools.count(1)
        self._served: dict[str, int] = {}  # the last turn of each owner with jobs under way
        self._creating: list[Demand] = []
        self._ordering = asyncio.Lock()
        self._typical_seconds = 60.0
        self._results: Counter[str] = Counter()  # digests on their way into the store
        self._recorder = Recorder(self._append, self._recorded)
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.images = Images(data, limits.image_bytes)
        self.watches = Watches(limits.watches, self._live, self.get, self._stored)
        metrics.reads_memory_of(lambda: self._pool.processes)
        metrics.queue.set_function(lambda: len(self._waiting))
        metrics.running.set_function(lambda: self._pool.busy)
        metrics.watchers.set_function(lambda: self.watches.count)

    async def begin(self) -> None:
        """Go on with the jobs that have not ended, and start the workers.

        Raises sqlite3.Error where the database cannot be used or written, and DecodeError where a row is damaged.
        """
        self._recording = self._spawn(self._recorder.run())
        await self._data.call(self._data.store.forget_calls)
        for job in await self._data.call(self._data.store.unfinished):
            work = await self._data.call(self._data.store.work, job.name)
            try:
                size = work_of(_options(work.transfer))
            except InvalidInputError:  # another release took what this one does not; it fails when its turn comes
                size = 0.0
            self._live[job.name] = Live(work.number, job.owner, size)
            if job.attached:
                await self._record(job.name, _cancelled("the server ended, and with it the call"), patient=False)
                self._spawn(self._forget(job.owner, job.name))
                continue
            if job.state is State.RUNNING:
                await self._record(job.name, _interrupted("the server ended"), patient=False)
            self._enqueue(job.name)
        if self._waiting:
            log.info("%d jobs go on", len(self._waiting))
        self._spawn(keep_house(self._data, self._live.keys, lambda: frozenset(self._results)))
        self._pool.start()

    async def close(self) -> None:
        """End the workers; jobs that have not ended go on with the next server."""
        self._stopping = True
        self._pool.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def wake_watches(self) -> None:
        """Let every watch ask whether it is halted."""
        for live in self._live.values():
            live.feed.wake()

    async def create(self, owner: str, transfer: pb.StylizeRequest, request_id: str, *, attached: bool) -> pb.Job:
        """A job for `transfer`, which has been checked but for its pictures' names.

        Raises `LimitError`, `InvalidInputError`, `RequestIdTakenError`, and OSError or sqlite3.Error where
        the disk is full.
        """
        content, style = await self.images.digests(transfer)
        plan = pb.StylizeRequest()
        plan.CopyFrom(transfer)
        for picture in ("content", "style", "content_image", "style_image"):
            plan.ClearField(picture)
        facts = (plan.SerializeToString(deterministic=True).hex(), content, style)
        new = NewJob(
            name=f"jobs/{secrets.token_hex(8)}",
            owner=owner,
            request_id=request_id or None,
            fingerprint=hashlib.sha256(repr(facts).encode()).hexdigest(),
            attached=attached,
            content=content,
            style=style,
            bytes=0,
            transfer=plan,
        )
        made = await self._data.call(self._data.store.by_request, owner, request_id) if request_id else None
        if made is not None:  # what is there already takes no room, and nothing is kept for what is not
            name, fingerprint = made
            if fingerprint != new.fingerprint:
                raise RequestIdTakenError
            return await self.get(owner, name)
        demand = Demand(owner, work_of(_options(transfer)), waits=True)
        under_way = [Demand(live.owner, live.work, name in self._waiting) for name, live in self._live.items()]
        soon = self._typical_seconds / self._pool.size
        check(self._limits, self._queue, self._pool.idle, under_way + self._creating, demand, soon)
        self._creating.append(demand)
        try:
            size = await self.images.keep(owner, transfer)
            name = await self._create(replace(new, bytes=size), demand)
        finally:
            self._creating.remove(demand)
        self._dispatch()
        return await self.get(owner, name)

    async def _create(self, new: NewJob, demand: Demand) -> str:
        async with self._ordering:  # so that each is told its own place
            place = self._place_of_next(new.owner)
            name, number, accepted = await self._data.call(self._data.store.create, new, _accepted(place))
            if accepted is not None:
                self._live[name] = Live(number, new.owner, demand.work, place=place)
                self._live[name].feed.publish(accepted, b"")
                self._enqueue(name)
        return name

    def _place_of_next(self, owner: str) -> int:
        next_one = Ticket(2**63, "", owner)
        return in_turn([*self._waiting.values(), next_one], self._running(), self._served).index(next_one)

    async def get(self, owner: str, name: str) -> pb.Job:
        """The job as it stands. Raises `UnknownJobError`."""
        job = await self._data.call(self._data.store.get, owner, name)
        self._set_places([job])
        return job

    async def page(self, owner: str, before: int | None, size: int) -> list[tuple[int, pb.Job]]:
        """As `JobStore.page`."""
        rows = await self._data.call(self._data.store.page, owner, before, size)
        self._set_places([job for _, job in rows])
        return rows

    def _set_places(self, jobs: list[pb.Job]) -> None:
        places = {ticket.name: place for place, ticket in enumerate(self._line())}
        for job in jobs:
            job.position = places.get(job.name, 0)

    async def cancel(self, owner: str, name: str, reason: str) -> pb.Job:
        """Stop a job, if it has not ended. Raises `UnknownJobError`, and sqlite3.Error where the disk is full."""
        await self._data.call(self._data.store.get, owner, name)
        await self._record(name, _cancelled(reason), patient=False)
        return await self.get(owner, name)

    async def delete(self, owner: str, name: str) -> None:
        """Forget a job. Raises `UnknownJobError`, `NotEndedError`, and sqlite3.Error where the disk is full."""
        await self._data.call(self._data.store.delete, owner, name)

    def end_of_call(self, owner: str, name: str) -> None:
        """The call is over that a job was attached to: whatever state the job is in, nothing of it is kept."""

        async def end() -> None:
            await self._record(name, _cancelled("the call has ended"))
            await self._forget(owner, name)

        self._spawn(end())

    def worker_idle(self) -> None:
        """A worker has nothing to do: give it the next job."""
        self._dispatch()

    def worker_ready(self) -> None:
        """A worker has started."""
        self._on_ready()

    def worker_reported(self, job: str, attempt: int, report: News | End) -> None:
        """Record what a worker says of its job."""
        event: pb.JobEvent | None
        live = self._live.get(job)
        match report:
            case News(_, _, event, reached, preview):
                if live is None:
                    return  # it has ended, and its worker is about to learn of it
                live.reached = max(live.reached, reached)
                if event.HasField("progress"):
                    self._note_progress(live, event.progress)
                self._recorder.note(Entry(job, event, attempt), preview)
                return
            case Done(_, _, event):
                self._results[event.result.digest] += 1
            case Refused(_, _, violations):
                event = _failed(status.invalid_argument(map(in_request, violations)))
            case Unprepared(_, _, reason):
                event = _failed(status.failed_precondition("WEIGHTS", "network", reason))
            case Failed(_, _, reason):
                event = _failed(status.internal(reason))
            case Stopped():
                event = None
        seconds = 0.0 if live is None or live.began is None else time.monotonic() - live.began
        how = "cancelled" if isinstance(report, Stopped) else type(report).__name__.lower()
        log.info("job %s: %s after %.1f s", _short(job), how, seconds)
        if event is not None:
            self._typical_seconds += 0.3 * (seconds - self._typical_seconds)
            self._recorder.note(Entry(job, event, attempt))

    def _note_progress(self, live: Live, progress: pb.Progress) -> None:
        seconds = progress.elapsed.ToNanoseconds() / 1e9
        if progress.evaluation > live.evaluation:
            self._metrics.evaluated(progress.evaluation - live.evaluation, max(0.0, seconds - live.seconds))
            live.evaluation, live.seconds = progress.evaluation, seconds

    def worker_lost(self, job: str, attempt: int, reason: str) -> None:
        """The job goes back to the head of its owner's line, unless its workers keep ending at the same place."""
        live = self._live.get(job)
        if live is None:
            return
        self._metrics.interruptions.inc()
        live.deaths = live.deaths + 1 if live.reached <= live.died_at else 1
        live.died_at = max(live.reached, live.died_at)
        if live.deaths >= MOST_DEATHS:
            why = f"given up: {reason}, {live.deaths} times at evaluation {live.reached}"
            self._recorder.note(Entry(job, _failed(status.internal(why)), attempt))
        else:
            self._spawn(self._interrupt(job, attempt, reason))

    def cannot_work(self, reason: str) -> None:
        """No worker will ever start."""
        self._on_broken(reason)

    async def _interrupt(self, name: str, attempt: int, reason: str) -> None:
        log.warning("job %s: interrupted: %s", _short(name), reason)
        if await self._record(name, _interrupted(reason), attempt) is not None and name in self._live:
            live = self._live[name]
            self._served[live.owner] = live.turn_before  # it has not had its turn
            self._enqueue(name)
            self._dispatch()

    def _enqueue(self, name: str) -> None:
        live = self._live[name]
        self._waiting[name] = Ticket(live.number, name, live.owner)
        self._announce_places()

    def _line(self) -> list[Ticket]:
        return in_turn(self._waiting.values(), self._running(), self._served)

    def _running(self) -> Counter[str]:
        return Counter(self._live[name].owner for name in self._pool.jobs if name in self._live)

    def _dispatch(self) -> None:
        moved = False
        while self._pool.idle and not self._stopping and (name := self._next()) is not None:
            live = self._live[name]
            live.turn_before = self._served.get(live.owner, 0)
            self._served[live.owner] = next(self._turns)
            del self._waiting[name]
            worker = self._pool.reserve(name)
            self._spawn(self._begin(worker, name))
            moved = True
        if moved:
            self._announce_places()

    def _next(self) -> str | None:
        """The first waiting job whose owner has not too many running."""
        running = self._running()
        return next((t.name for t in self._line() if running[t.owner] < self._limits.running), None)

    def _announce_places(self) -> None:
        for place, ticket in enumerate(self._line()[:ANNOUNCED]):
            live = self._live[ticket.name]
            if live.place != place:
                live.place = place
                self._recorder.note(Entry(ticket.name, _accepted(place)))

    async def _begin(self, worker: WorkerProcess, name: str) -> None:
        begun = await self._record(name, pb.JobEvent(begun=pb.Begun()))
        if begun is None:  # cancelled meanwhile
            self._pool.release(worker)
            return
        try:
            run = await self._run(name, pb.JobEvent.FromString(begun.data).begun.attempt)
        except UnknownJobError:  # cancelled and deleted meanwhile
            self._pool.release(worker)
            return
        except Exception as error:
            log.exception("job %s: cannot be read", _short(name))
            self._pool.release(worker)
            await self._record(name, _failed(status.internal(f"the job cannot be read: {error}")))
            return
        self._pool.give(worker, run)
        live = self._live.get(name)
        if live is None:  # cancelled meanwhile
            self._pool.cancel(name)
        else:
            live.began = time.monotonic()

    async def _run(self, name: str, attempt: int) -> Run:
        work = await self._data.call(self._data.store.work, name)
        return Run(
            job=name,
            attempt=attempt,
            content=work.content,
            style=work.style,
            options=_options(work.transfer),
            progress=ProgressOptions(**{f.name: value for f, value in work.transfer.progress.ListFields()}),
            blobs=self._data.blob_folder,
            checkpoints=self._data.checkpoints(name),
        )

    async def _record(
        self, name: str, event: pb.JobEvent, attempt: int | None = None, *, patient: bool = True
    ) -> Stored | None:
        return await self._recorder.record(Entry(name, event, attempt), patient=patient)

    async def _append(self, entries: list[Entry]) -> list[Stored | None]:
        return await self._data.call(self._data.store.append, entries)

    async def _stored(self, name: str, after: int, most: int) -> list[Stored]:
        return await self._data.call(self._data.store.events, name, after, most)

    def _recorded(self, entry: Entry, stored: Stored | None, preview: bytes) -> None:
        if entry.event.HasField("result"):
            self._results -= Counter([entry.event.result.digest])
        live = self._live.get(entry.name)
        if stored is None or live is None:
            return
        live.feed.publish(stored, preview)
        if stored.last:
            del self._live[entry.name]
            self._waiting.pop(entry.name, None)
            if all(other.owner != live.owner for other in self._live.values()):
                self._served.pop(live.owner, None)
            self._pool.cancel(entry.name)
            self._spawn(self._note_end(live.owner, entry.name))
            self._spawn(self._discard_checkpoints(entry.name))
            self._announce_places()

    async def _note_end(self, owner: str, name: str) -> None:
        try:
            job = await self.get(owner, name)
        except UnknownJobError:  # it went with its call
            return
        seconds = (job.end_time.ToNanoseconds() - job.create_time.ToNanoseconds()) / 1e9
        # Somebody may have set the clock meanwhile.
        self._metrics.ended(State(job.state).name.lower(), max(0.0, seconds))

    async def _discard_checkpoints(self, name: str) -> None:
        await asyncio.to_thread(shutil.rmtree, self._data.checkpoints(name), True)

    async def _forget(self, owner: str, name: str) -> None:
        while True:
            try:
                await self._data.call(self._data.store.delete, owner, name)
            except UnknownJobError:  # its owner was faster
                return
            except sqlite3.OperationalError as error:
                log.error("job %s: cannot be forgotten, trying again: %s", _short(name), error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("broke in the front", exc_info=error)
            if task is self._recording:
                self._on_broken(f"events can no longer be recorded: {error}")


def _options(transfer: pb.StylizeRequest) -> TransferOptions:
    return resolve_options(transfer.preset or "default", options_from_proto(transfer.options))


def _short(name: str) -> str:
    return name.removeprefix("jobs/")


def _accepted(position: int) -> pb.JobEvent:
    return pb.JobEvent(accepted=pb.Accepted(position=position))


def _interrupted(reason: str) -> pb.JobEvent:
    return pb.JobEvent(interrupted=pb.Interrupted(reason=reason))


def _cancelled(reason: str) -> pb.JobEvent:
    return pb.JobEvent(cancelled=pb.Cancelled(reason=reason))


def _failed(why: status_pb2.Status) -> pb.JobEvent:
    return pb.JobEvent(failed=why)
