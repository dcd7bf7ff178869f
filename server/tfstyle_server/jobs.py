"""The jobs of a server, from their creation to their deletion. Every change is in the store before anyone sees it.

Runs on the event loop's thread.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractContextManager, suppress

from tfstyle.errors import InvalidInputError
from tfstyle.inputs import Inputs, Size
from tfstyle.options import TransferOptions
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server import status
from tfstyle_server.admission import Admission, CallerLimits, Waiting, work_of
from tfstyle_server.background import Background
from tfstyle_server.data import Data
from tfstyle_server.dispatcher import Dispatcher, given_up
from tfstyle_server.executors.executor import Executor
from tfstyle_server.field_paths import in_request
from tfstyle_server.housekeeping import keep_house
from tfstyle_server.images import Images
from tfstyle_server.job_changes import JobChanges
from tfstyle_server.live_job import LiveJob, accepted, cancelled, interrupted, short
from tfstyle_server.metrics import Metrics
from tfstyle_server.plan import Plan, fingerprint, plan_from_proto
from tfstyle_server.recorder import Recorder
from tfstyle_server.records import Entry, NewJob, RequestIdTakenError, Stored, Unfinished, UnknownJobError
from tfstyle_server.server_info import Load
from tfstyle_server.states import ENDED, State
from tfstyle_server.traces import UNTRACED, Traces
from tfstyle_server.validation import Source
from tfstyle_server.watches import StoppingError, Watches

log = logging.getLogger("tfstyle.front")

RETRY_SECONDS = 1.0
PAUSE_SECONDS = 0.5
"""The least time between two changes of a job that the watchers of all jobs are told of."""
ALL = 2**31


class Jobs:
    """All jobs of the server that has `data` open, run by `executor`.

    At most `queue` jobs wait, besides those that idle workers are about to take. `disk_bytes` is as in `Images`,
    `on_readiness` and `job_seconds` are as in `Dispatcher`; `on_broken` is called with a reason when the server cannot
    do its work any more.
    """

    def __init__(
        self,
        data: Data,
        executor: Executor,
        queue: int,
        limits: CallerLimits,
        metrics: Metrics,
        on_readiness: Callable[[bool], None],
        on_broken: Callable[[str], None],
        job_seconds: float = math.inf,
        disk_bytes: float = math.inf,
        traces: Traces = UNTRACED,
    ) -> None:
        self._data = data
        self._traces = traces
        self._executor = executor
        self._metrics = metrics
        self._on_broken = on_broken
        self._live: dict[str, LiveJob] = {}
        self._background = Background()
        self._recorder = Recorder(self._append, self._on_recorded)
        self._admission = Admission(limits, queue)
        self._dispatcher = Dispatcher(
            executor,
            limits.running,
            self._live,
            self._recorder,
            metrics,
            self._background,
            on_readiness,
            on_broken,
            job_seconds,
        )
        self._creating = asyncio.Lock()
        self.images = Images(data, limits.image_bytes, disk_bytes)
        self.watches = Watches(limits.watches, self._live, self.get, self._events)
        self.changes = JobChanges()
        metrics.queue.set_function(lambda: self._dispatcher.waiting)
        metrics.running.set_function(lambda: self._dispatcher.running)
        metrics.watchers.set_function(lambda: self.watches.count)

    async def begin(self) -> None:
        """Resume unfinished jobs and start the executor.

        Raises sqlite3.Error where the database cannot be read or written.
        """
        self._background.start(self._recorder.run(), self._on_recorder_error)
        await self._data.call(self._data.store.delete_ended_calls)
        for job in await self._data.call(self._data.store.unfinished):
            await self._resume(job)
        if self._dispatcher.waiting:
            log.info("%d jobs are resumed", self._dispatcher.waiting)
        self._background.start(
            keep_house(
                self._data, lambda: list(self._live), lambda: self._recorder.pending_results, self.changes.changed
            )
        )
        self._dispatcher.start()

    async def _resume(self, job: Unfinished) -> None:
        if job.attached:
            await self._record(job.name, cancelled("the server ended, and the call with it"), patient=False)
            self._background.start(self._delete(job.owner, job.name))
            return
        try:
            plan = plan_from_proto(job.plan, shorthand=job.shorthand)
        except InvalidInputError as error:  # another release accepted what this one does not
            violations = [in_request(violation, shorthand=job.shorthand) for violation in error.violations]
            await self._record(job.name, pb.JobEvent(failed=status.invalid_argument(violations)), patient=False)
            return
        live = LiveJob(job.number, job.owner, plan, trace=self._traces.of(job.name, job.trace))
        if job.state is State.RUNNING:
            await self._record(job.name, interrupted("the server ended"), patient=False)
        live.recall(pb.JobEvent.FromString(each.data) for each in await self._events(job.name, 0, ALL))
        if State((await self.get(job.owner, job.name)).state) in ENDED:
            return  # its events were damaged
        if (failed := given_up(live, "the server ended")) is not None:
            await self._record(job.name, failed, patient=False)
            return
        self._add(job.name, live)
        self._dispatcher.enqueue(job.name)

    async def close(self) -> None:
        """End all workers. Unfinished jobs are resumed when a server next opens the data."""
        self._dispatcher.stop()
        await self._background.close()
        for live in self._live.values():
            live.trace.leave("the server ended")

    @property
    def load(self) -> Load:
        """What the server is doing."""
        return self._dispatcher.load

    def wake_watches(self) -> None:
        """Let every watch check whether it is to stop."""
        for live in self._live.values():
            live.feed.wake()
        self.changes.wake()

    async def create(
        self, owner: str, plan: Plan[Source], request_id: str, *, attached: bool, trace: str = ""
    ) -> pb.Job:
        """Create a job for a checked plan, or return the one that `owner` created with the same `request_id`.

        `trace` is where the spans of a new job belong, as `Receipt.carrier`.

        Raises `InvalidInputError` for images that `owner` has not uploaded, `RequestIdTakenError`, `LimitError`, and
        OSError or sqlite3.Error where the disk is full.
        """
        existing = await self._data.call(self._data.store.by_request, owner, request_id) if request_id else None
        if existing is None:
            with self._admitted(owner, plan):
                pass  # before the pictures are hashed, which takes long
        pictures = await self.images.identify(plan.inputs)
        identified = plan.with_inputs(pictures.inputs)
        mark = fingerprint(identified)
        if existing is not None:  # needs no admission, and leaves no pictures behind
            name, other_mark = existing
            if other_mark != mark:
                raise RequestIdTakenError
            return await self.get(owner, name)
        with self._admitted(owner, plan):
            size = await self.images.keep(owner, pictures, shorthand=plan.shorthand)
            name = f"jobs/{secrets.token_hex(8)}"
            name = await self._create(NewJob(name, owner, request_id or None, mark, attached, identified, size, trace))
        self._dispatcher.dispatch()
        return await self.get(owner, name)

    def _admitted(self, owner: str, plan: Plan[Source]) -> AbstractContextManager[None]:
        """The admission of one more job. Entering it raises `LimitError`."""
        waiting = Waiting(self._dispatcher.waiting, self._dispatcher.waiting_of(owner), self._dispatcher.idle)
        return self._admission.admit(owner, work_of(plan.options), waiting, self._dispatcher.retry_after)

    async def _create(self, new: NewJob) -> str:
        async with self._creating:  # one at a time, so that each is told its own position
            position = self._dispatcher.next_position(new.owner)
            name, number, event = await self._data.call(self._data.store.create, new, accepted(position))
            if event is not None:
                trace = self._traces.of(name, new.trace)
                self._add(name, LiveJob(number, new.owner, new.plan, trace=trace, position=position))
                self._live[name].feed.publish(event, b"")
                self._dispatcher.enqueue(name)
                self.changes.changed(new.owner, name)
        return name

    def _add(self, name: str, job: LiveJob) -> None:
        self._live[name] = job
        self._admission.begin(job.owner, job.work)

    async def get(self, owner: str, name: str) -> pb.Job:
        """The current state of a job. Raises `UnknownJobError`."""
        job = await self._data.call(self._data.store.get, owner, name)
        self._set_positions([job])
        return job

    async def page(
        self, owner: str, before: int | None, size: int, states: Collection[State] = frozenset(State)
    ) -> list[tuple[int, pb.Job]]:
        """As `JobStore.page`."""
        rows = await self._data.call(self._data.store.page, owner, before, size, states)
        self._set_positions([job for _, job in rows])
        return rows

    def _set_positions(self, jobs: list[pb.Job]) -> None:
        positions = self._dispatcher.positions([job.name for job in jobs])
        for job in jobs:
            job.position = positions.get(job.name, 0)

    async def cancel(self, owner: str, name: str, reason: str) -> pb.Job:
        """Cancel a job unless it has ended, and return its state.

        Raises `UnknownJobError`, and sqlite3.Error where the disk is full; the job stops all the same, and is recorded
        as cancelled when there is room again.
        """
        await self._data.call(self._data.store.get, owner, name)
        try:
            await self._record(name, cancelled(reason), patient=False)
        except sqlite3.Error:
            self._dispatcher.halt(name)
            self._background.start(self._cancel_later(name, reason))
            raise
        return await self.get(owner, name)

    async def _cancel_later(self, name: str, reason: str) -> None:
        await self._record(name, cancelled(reason))

    async def delete(self, owner: str, name: str) -> None:
        """Delete a job. Raises `UnknownJobError`, `NotEndedError`, and sqlite3.Error where the disk is full."""
        await self._data.call(self._data.store.delete, owner, name)
        self.changes.changed(owner, name)

    async def watch_all(self, owner: str, stopping: Callable[[], bool]) -> AsyncIterator[pb.JobsChange]:
        """Yield `listening`, and then every job of `owner` whenever it changes, at most every `PAUSE_SECONDS`.

        Raises `LimitError`, and `StoppingError` once `stopping()` is true (checked after `wake_watches`).
        """
        with self.watches.counted(owner), self.changes.subscribe(owner) as subscription:
            listening = pb.JobsChange()
            listening.listening.SetInParent()
            yield listening
            while not stopping():
                for name in await subscription.next():
                    try:
                        yield pb.JobsChange(job=await self.get(owner, name))
                    except UnknownJobError:
                        yield pb.JobsChange(deleted=name)
                await asyncio.sleep(PAUSE_SECONDS)
        raise StoppingError

    async def estimate(self, sizes: Inputs[Size], options: TransferOptions, regions: int) -> pb.Started:
        """As `Executor.estimate`."""
        return await self._executor.estimate(sizes, options, regions)

    def end_call(self, owner: str, name: str) -> None:
        """The call that a job is attached to has ended: cancel the job if it has not ended, and delete it."""

        async def end() -> None:
            await self._record(name, cancelled("the call has ended"))
            await self._delete(owner, name)

        self._background.start(end())

    async def _record(self, name: str, event: pb.JobEvent, *, patient: bool = True) -> Stored | None:
        return await self._recorder.record(Entry(name, event), patient=patient)

    async def _append(self, entries: list[Entry]) -> list[Stored | None]:
        return await self._data.call(self._data.store.append, entries)

    async def _events(self, name: str, after: int, most: int) -> list[Stored]:
        return await self._data.call(self._data.store.events, name, after, most)

    def _on_recorder_error(self, error: BaseException) -> None:
        self._on_broken(f"events can no longer be recorded: {error}")

    def _on_recorded(self, entry: Entry, stored: Stored | None, preview: bytes) -> None:
        job = self._live.get(entry.name)
        if job is None:
            return
        if stored is None:
            self._background.start(self._forget_if_ended(entry.name, job))
            return
        self._publish(entry.name, job, stored, preview)

    async def _forget_if_ended(self, name: str, job: LiveJob) -> None:
        """A report was not recorded: notice where the store has ended the job itself, because its row is damaged."""
        with suppress(UnknownJobError):
            state = await self.get(job.owner, name)
            if State(state.state) in ENDED and self._live.get(name) is job:
                for stored in await self._events(name, state.sequence - 1, 1):
                    self._publish(name, job, stored, b"")

    def _publish(self, name: str, job: LiveJob, stored: Stored, preview: bytes) -> None:
        job.feed.publish(stored, preview)
        self.changes.changed(job.owner, name)
        if stored.last:
            job.trace.leave(_trouble(stored))
            del self._live[name]
            self._admission.end(job.owner, job.work)
            self._dispatcher.forget(name, job.owner)
            self._background.start(self._measure(job.owner, name))
            self._background.start(asyncio.to_thread(self._data.checkpoints.delete, name))

    async def _measure(self, owner: str, name: str) -> None:
        """Add a job that has ended to the metrics."""
        try:
            job = await self.get(owner, name)
        except UnknownJobError:  # deleted with its call
            return
        seconds = (job.end_time.ToNanoseconds() - job.create_time.ToNanoseconds()) / 1e9
        # The system clock may have been set back meanwhile.
        self._metrics.ended(State(job.state).name.lower(), max(0.0, seconds))

    async def _delete(self, owner: str, name: str) -> None:
        """Delete a job that has ended, however long the disk is full."""
        while True:
            try:
                await self._data.call(self._data.store.delete, owner, name)
            except UnknownJobError:  # its owner has deleted it
                return
            except sqlite3.OperationalError as error:
                log.error("job %s: cannot be deleted, trying again: %s", short(name), error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self.changes.changed(owner, name)
                return


def _trouble(last: Stored) -> str:
    """Why a job has no result, by its last event; empty if it has one."""
    event = pb.JobEvent.FromString(last.data)
    match event.WhichOneof("event"):
        case "failed":
            return str(status.code_of(event.failed).name)
        case "cancelled":
            return "CANCELLED"
        case _:
            return ""
