"""The life of jobs: created, put to workers, interrupted, ended, watched; the store has it all first.

Runs on the event loop's thread. What blocks, the store above all, has one thread of its own, so that events are
recorded in the order in which they come; nobody hears of an event that is not recorded.
"""

from __future__ import annotations

import asyncio
import bisect
import fcntl
import hashlib
import logging
import secrets
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from google.rpc import status_pb2

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.options import ProgressOptions, TransferOptions, resolve_options
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.conversion import options_from_proto
from tfstyle_server import status
from tfstyle_server.blobs import BlobStore
from tfstyle_server.limits import CallerLimits, LimitError, work_of
from tfstyle_server.messages import Done, End, Failed, News, Refused, Run, Stopped, Unprepared, WorkerSettings
from tfstyle_server.metrics import Metrics
from tfstyle_server.paths import in_request
from tfstyle_server.states import State
from tfstyle_server.store import Entry, JobStore, NewJob, Retention, Stored, UnknownJobError
from tfstyle_server.watches import Live
from tfstyle_server.worker_pool import WorkerPool
from tfstyle_server.worker_process import WorkerProcess

log = logging.getLogger("tfstyle.front")

Value = TypeVar("Value")

MOST_DEATHS = 5
"""Workers that may end under a job in a row without an evaluation more between them."""
ANNOUNCED = 20
"""Places in the queue whose changes are told as events."""
BATCH = 200
SWEEP_SECONDS = 60.0
RETRY_SECONDS = 1.0
IMAGE_SECONDS = 86400.0


class CompactedError(Exception):
    """Events were asked for that are no longer kept; `oldest` is the first that is."""

    def __init__(self, oldest: int) -> None:
        super().__init__(f"events before {oldest} are no longer kept")
        self.oldest = oldest


class StoppingError(Exception):
    """The server is about to end."""


class DataInUseError(Exception):
    """Another server has the folder, or it cannot be used."""


@dataclass(frozen=True)
class Pictures:
    """The blobs of a job's two pictures, and their sizes together."""

    content: str
    style: str
    bytes: int


@dataclass(frozen=True)
class Note:
    """An event on its way to the store: its `preview`, and who waits for it, with patience or not."""

    entry: Entry
    preview: bytes = b""
    done: asyncio.Future[Stored | None] | None = None
    patient: bool = True

    def outlives(self, error: sqlite3.Error) -> bool:
        """Whether it is tried again after `error`: state changes are, progress is dropped, the impatient are told."""
        if not self.patient and self.done is not None:
            if not self.done.done():
                self.done.set_exception(error)
            return False
        return not self.entry.event.HasField("progress")


class Jobs:
    """Every job of the server whose files are in `data`. `on_ready` is called as soon as a worker takes jobs,
    `on_broken` with a reason where none ever will.
    """

    def __init__(
        self,
        data: Path,
        settings: list[WorkerSettings],
        queue: int,
        limits: CallerLimits,
        retention: Retention,
        metrics: Metrics,
        on_ready: Callable[[], None],
        on_broken: Callable[[str], None],
    ) -> None:
        self._data = data
        self._queue = queue
        self._limits = limits
        self._retention = retention
        self._metrics = metrics
        self._watches: Counter[str] = Counter()
        self._on_ready = on_ready
        self._on_broken = on_broken
        self._pool = WorkerPool(settings, self)
        metrics.reads_memory_of(lambda: self._pool.processes)
        metrics.queue.set_function(lambda: len(self._waiting))
        metrics.running.set_function(lambda: self._pool.busy)
        self._thread = ThreadPoolExecutor(1, "store")
        self._live: dict[str, Live] = {}
        self._waiting: list[tuple[int, str]] = []
        self._news: asyncio.Queue[Note] = asyncio.Queue()
        self._deaths: dict[str, tuple[int, int]] = {}  # at which evaluation, how many
        self._reached: dict[str, tuple[int, float]] = {}  # the evaluation, and after how many seconds
        self._began: dict[str, float] = {}
        self._creating: list[tuple[str, float]] = []
        self._ordering = asyncio.Lock()
        self._typical_seconds = 60.0
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Take the folder, go on with the jobs that are in it, and start the workers. Raises `DataInUseError`."""
        try:
            self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = (self._data / "lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataInUseError(f"data: another server uses {self._data}; name another folder") from None
        except OSError as error:
            raise DataInUseError(f"data: cannot use {self._data}: {error.strerror or error}") from None
        try:
            self.blobs = await self._call(BlobStore, self._data / "blobs")
            self._store = await self._call(JobStore, self._data / "jobs.sqlite3", self._retention)
        except (OSError, sqlite3.Error) as error:
            raise DataInUseError(f"data: cannot use {self._data}: {error}") from None
        self._recorder = self._spawn(self._record())
        for job in await self._call(self._store.unfinished):
            work = await self._call(self._store.work, job.name)
            try:
                size = work_of(_options(work.transfer))
            except InvalidInputError:  # another release took what this one does not; it fails when its turn comes
                size = 0.0
            self._live[job.name] = Live(work.number, job.owner, size)
            if job.attached:
                await self._append(job.name, _cancelled("the server ended, and with it the call"))
                self._spawn(self._forget(job.owner, job.name))
                continue
            if job.state is State.RUNNING:
                await self._append(job.name, _interrupted("the server ended"))
            self._enqueue(job.name)
        if self._waiting:
            log.info("%d jobs go on", len(self._waiting))
        self._spawn(self._sweep())
        self._pool.start()

    async def close(self) -> None:
        """End the workers; jobs that have not ended go on when the folder is next opened."""
        self._stopping = True
        self._pool.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._call(self._store.close)
        self._thread.shutdown()
        self._lock.close()

    def wake_watches(self) -> None:
        """Let every watch ask whether it is halted."""
        for live in self._live.values():
            live.wake()

    async def put_image(self, owner: str, pieces: list[bytes]) -> pb.Image:
        """Keep an uploaded picture for a day, for `owner` to name in a request. Raises `LimitError`, OSError."""
        size = sum(map(len, pieces))
        held = await self._call(self._store.image_bytes, owner)
        if held + size > self._limits.image_bytes:
            why = f"your uploaded images are {held:,} bytes; at most {self._limits.image_bytes:,} are kept"
            raise LimitError("CALLER_IMAGES", why, SWEEP_SECONDS)
        digest = await asyncio.to_thread(self.blobs.put, pieces)
        expires = time.time() + IMAGE_SECONDS
        await self._call(self._store.add_image, owner, digest, size, expires)
        image = pb.Image(name=f"images/{digest}", size=size)
        image.expire_time.FromSeconds(int(expires))
        return image

    async def create(self, owner: str, transfer: pb.StylizeRequest, request_id: str, *, attached: bool) -> pb.Job:
        """A job for `transfer`, which has been checked but for its pictures' names.

        Raises `LimitError`, `InvalidInputError`, `RequestIdTakenError`, and OSError or sqlite3.Error where
        the disk is full.
        """
        work = work_of(_options(transfer))
        made = await self._call(self._store.by_request, owner, request_id) if request_id else None
        if made is None:  # what is there already takes no room
            self._check_limits(owner, work)
        asked = (owner, work)
        self._creating.append(asked)
        try:
            name = await self._create(owner, transfer, request_id, attached, work)
        finally:
            self._creating.remove(asked)
        self._dispatch()
        return await self.get(owner, name)

    def _check_limits(self, owner: str, work: float) -> None:
        soon = self._typical_seconds / self._pool.size
        waiting = len(self._waiting) + len(self._creating)
        if waiting >= self._queue + self._pool.idle:
            raise LimitError("QUEUE_FULL", f"the queue is full: {waiting} requests wait", soon)
        own = [live.work for live in self._live.values() if live.owner == owner]
        own += [asked for caller, asked in self._creating if caller == owner]
        if len(own) >= self._limits.jobs:
            raise LimitError("CALLER_JOBS", f"you have {len(own)} unfinished jobs, and may have no more", soon)
        if sum(own) + work > self._limits.work:
            why = f"your unfinished jobs and this one are {sum(own) + work:,.0f} megapixels x evaluations"
            raise LimitError("CALLER_WORK", f"{why}; at most {self._limits.work:,.0f} are accepted", soon)

    async def _create(
        self, owner: str, transfer: pb.StylizeRequest, request_id: str, attached: bool, work: float
    ) -> str:
        pictures = await self._pictures(owner, transfer)
        plan = pb.StylizeRequest()
        plan.CopyFrom(transfer)
        for field in ("content", "style", "content_image", "style_image"):
            plan.ClearField(field)
        facts = (plan.SerializeToString(deterministic=True).hex(), pictures.content, pictures.style)
        new = NewJob(
            name=f"jobs/{secrets.token_hex(8)}",
            owner=owner,
            request_id=request_id or None,
            fingerprint=hashlib.sha256(repr(facts).encode()).hexdigest(),
            attached=attached,
            content=pictures.content,
            style=pictures.style,
            bytes=pictures.bytes,
            transfer=plan,
        )
        async with self._ordering:  # so that each is told its own place
            place = len(self._waiting)
            name, number, accepted = await self._call(self._store.create, new, _accepted(place))
            if accepted is not None:
                self._live[name] = Live(number, owner, work)
                self._live[name].place = place
                self._live[name].publish(accepted, b"")
                self._enqueue(name)
        return name

    async def _pictures(self, owner: str, transfer: pb.StylizeRequest) -> Pictures:
        violations, digests, size = [], [], 0
        for field in ("content", "style"):
            name = getattr(transfer, f"{field}_image")
            if name:
                digest = name.removeprefix("images/")
                found = await self._call(self._store.image_size, owner, digest)
                if found is None or not self.blobs.path(digest).exists():
                    violations.append(Violation(f"{field}_image", f"there is no image {name[:100]!r}; upload it again"))
                    continue
                size += found
            else:
                data = getattr(transfer, field)
                digest = await asyncio.to_thread(self.blobs.put, [data])
                size += len(data)
            digests.append(digest)
        if violations:
            raise InvalidInputError(violations)
        return Pictures(digests[0], digests[1], size)

    async def get(self, owner: str, name: str) -> pb.Job:
        """The job as it stands. Raises `UnknownJobError`."""
        return self._placed(await self._call(self._store.get, owner, name))

    async def page(self, owner: str, before: int | None, size: int) -> list[tuple[int, pb.Job]]:
        """As `JobStore.page`."""
        rows = await self._call(self._store.page, owner, before, size)
        return [(number, self._placed(job)) for number, job in rows]

    async def cancel(self, owner: str, name: str, reason: str) -> pb.Job:
        """Stop a job, if it has not ended. Raises `UnknownJobError`, and sqlite3.Error where the disk is full."""
        await self._call(self._store.get, owner, name)
        await self._append(name, _cancelled(reason), patient=False)
        return await self.get(owner, name)

    async def delete(self, owner: str, name: str) -> None:
        """Forget a job. Raises `UnknownJobError`, `NotEndedError`."""
        await self._call(self._store.delete, owner, name)

    def end_of_call(self, owner: str, name: str) -> None:
        """The call is over that a job was attached to: whatever state the job is in, nothing of it is kept."""

        async def end() -> None:
            await self._append(name, _cancelled("the call has ended"))
            await self._forget(owner, name)

        self._spawn(end())

    async def watch(self, owner: str, name: str, after: int, halted: Callable[[], bool]) -> AsyncIterator[bytes]:
        """The job, and then its events after number `after`, as serialised JobEvents; ends with the job.

        Raises `UnknownJobError`, `CompactedError`, `LimitError`, `InvalidInputError` for a number that no event has
        had, and `StoppingError` as soon as `halted` says so (see `wake_watches`).
        """
        if self._watches[owner] >= self._limits.watches:
            why = f"you have {self._watches[owner]} watches, and may have no more"
            raise LimitError("CALLER_WATCHES", why, RETRY_SECONDS)
        self._watches[owner] += 1
        self._metrics.watchers.inc()
        try:
            async for data in self._events(owner, name, after, halted):
                yield data
        finally:
            self._watches[owner] -= 1
            self._metrics.watchers.dec()

    async def _events(self, owner: str, name: str, after: int, halted: Callable[[], bool]) -> AsyncIterator[bytes]:
        live = self._live.get(name)
        job = await self.get(owner, name)
        if not 0 <= after <= job.sequence:
            why = f"must be 0 to {job.sequence}, the latest; got {after}"
            raise InvalidInputError([Violation("after_sequence", why)])
        yield pb.JobEvent(job=job).SerializeToString()
        if after + 1 < job.oldest_sequence:
            raise CompactedError(job.oldest_sequence)
        while not halted():
            events = live.since(after) if live is not None else None
            if events is None:
                events = await self._call(self._store.events, name, after, BATCH)
            if not events:
                if live is None:
                    return  # it has ended, and the caller knows all
                if live.sequence > after:
                    raise UnknownJobError(name)  # it was deleted meanwhile
                await live.change()
                continue
            if events[0].sequence != after + 1:
                raise CompactedError(events[0].sequence)
            for stored in events:
                if halted():
                    break
                yield live.with_preview(stored) if live is not None else stored.data
                if stored.last:
                    return
                after = stored.sequence
        raise StoppingError

    def worker_idle(self) -> None:
        """A worker has nothing to do: give it the next job."""
        self._dispatch()

    def worker_ready(self) -> None:
        """A worker has started."""
        self._on_ready()

    def worker_reported(self, job: str, attempt: int, report: News | End) -> None:
        """Record what a worker says of its job."""
        event: pb.JobEvent | None
        match report:
            case News(_, _, event, preview):
                if job not in self._live:
                    return  # it has ended, and its worker is about to learn of it
                if event.HasField("progress"):
                    self._note_progress(job, event.progress)
                self._news.put_nowait(Note(Entry(job, event, attempt), preview))
                return
            case Done(_, _, event):
                pass
            case Refused(_, _, violations):
                event = _failed(status.invalid_argument(map(in_request, violations)))
            case Unprepared(_, _, reason):
                event = _failed(status.failed_precondition("WEIGHTS", "network", reason))
            case Failed(_, _, reason):
                event = _failed(status.internal(reason))
            case Stopped():
                event = None
        seconds = time.monotonic() - self._began.pop(job, time.monotonic())
        how = "cancelled" if isinstance(report, Stopped) else type(report).__name__.lower()
        log.info("job %s: %s after %.1f s", _short(job), how, seconds)
        if event is not None:
            self._typical_seconds += 0.3 * (seconds - self._typical_seconds)
            self._news.put_nowait(Note(Entry(job, event, attempt)))

    def _note_progress(self, job: str, progress: pb.Progress) -> None:
        evaluation, seconds = progress.evaluation, progress.elapsed.ToNanoseconds() / 1e9
        before, since = self._reached.get(job, (0, 0.0))
        if evaluation > before:
            self._metrics.evaluated(evaluation - before, max(0.0, seconds - since))
            self._reached[job] = evaluation, seconds

    def worker_lost(self, job: str, attempt: int, reason: str) -> None:
        """The job goes back to the head of the queue, unless its workers keep ending at the same place."""
        self._began.pop(job, None)
        if job not in self._live:
            return
        reached, _ = self._reached.get(job, (0, 0.0))
        self._metrics.interruptions.inc()
        at, deaths = self._deaths.get(job, (0, 0))
        deaths = deaths + 1 if reached <= at else 1
        self._deaths[job] = max(reached, at), deaths
        if deaths >= MOST_DEATHS:
            event = _failed(status.internal(f"given up: {reason}, {deaths} times at evaluation {reached}"))
            self._news.put_nowait(Note(Entry(job, event, attempt)))
        else:
            self._spawn(self._interrupt(job, attempt, reason))

    def cannot_work(self, reason: str) -> None:
        """No worker will ever start."""
        self._on_broken(reason)

    async def _interrupt(self, name: str, attempt: int, reason: str) -> None:
        log.warning("job %s: interrupted: %s", _short(name), reason)
        if await self._append(name, _interrupted(reason), attempt) is not None and name in self._live:
            self._enqueue(name)
            self._dispatch()

    def _enqueue(self, name: str) -> None:
        bisect.insort(self._waiting, (self._live[name].number, name))

    def _dispatch(self) -> None:
        moved = False
        while self._pool.idle and not self._stopping and (name := self._next()) is not None:
            worker = self._pool.reserve(name)
            self._spawn(self._begin(worker, name))
            moved = True
        if moved:
            self._announce_places()

    def _next(self) -> str | None:
        """Take out of the queue its first job whose owner has not too many running."""
        owners = Counter(self._live[name].owner for name in self._pool.jobs if name in self._live)
        for place, (_, name) in enumerate(self._waiting):
            if owners[self._live[name].owner] < self._limits.running:
                del self._waiting[place]
                return name
        return None

    def _announce_places(self) -> None:
        for place, (_, name) in enumerate(self._waiting[:ANNOUNCED]):
            if self._live[name].place == place:
                continue
            self._live[name].place = place
            self._news.put_nowait(Note(Entry(name, _accepted(place))))

    async def _begin(self, worker: WorkerProcess, name: str) -> None:
        begun = await self._append(name, pb.JobEvent(begun=pb.Begun()))
        if begun is None:  # cancelled meanwhile
            self._pool.release(worker)
            return
        self._began[name] = time.monotonic()
        try:
            run = await self._run(name, pb.JobEvent.FromString(begun.data).begun.attempt)
        except Exception as error:
            log.exception("job %s: cannot be read", _short(name))
            self._pool.release(worker)
            await self._append(name, _failed(status.internal(f"the job cannot be read: {error}")))
            return
        self._pool.give(worker, run)
        if name not in self._live:  # cancelled meanwhile
            self._pool.cancel(name)

    async def _run(self, name: str, attempt: int) -> Run:
        work = await self._call(self._store.work, name)
        return Run(
            job=name,
            attempt=attempt,
            content=work.content,
            style=work.style,
            options=_options(work.transfer),
            progress=ProgressOptions(**{f.name: value for f, value in work.transfer.progress.ListFields()}),
            blobs=self._data / "blobs",
            checkpoints=self._checkpoints(name),
        )

    async def _append(
        self, name: str, event: pb.JobEvent, attempt: int | None = None, *, patient: bool = True
    ) -> Stored | None:
        """Record an event and publish it; None where the job's state, or another attempt, forbids it.

        Where the disk is full this waits until it is not, or raises sqlite3.Error for the impatient.
        """
        done: asyncio.Future[Stored | None] = asyncio.get_running_loop().create_future()
        self._news.put_nowait(Note(Entry(name, event, attempt), b"", done, patient))
        return await done

    async def _record(self) -> None:
        """Record events as they come, all that wait in one transaction, and publish them."""
        while True:
            batch = [await self._news.get()]
            while not self._news.empty() and len(batch) < BATCH:
                batch.append(self._news.get_nowait())
            while batch:
                try:
                    written = await self._call(self._store.append, [note.entry for note in batch])
                except sqlite3.Error as error:
                    log.error("events cannot be recorded, trying again: %s", error)
                    while not self._news.empty():
                        batch.append(self._news.get_nowait())
                    batch = [note for note in batch if note.outlives(error)]
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                for note, stored in zip(batch, written, strict=True):
                    if stored is not None:
                        self._publish(note.entry.name, stored, note.preview)
                    if note.done is not None and not note.done.done():
                        note.done.set_result(stored)
                break

    def _publish(self, name: str, stored: Stored, preview: bytes) -> None:
        live = self._live.get(name)
        if live is None:
            return
        live.publish(stored, preview)
        if stored.last:
            del self._live[name]
            self._spawn(self._note_end(live.owner, name))
            self._waiting = [(number, other) for number, other in self._waiting if other != name]
            self._pool.cancel(name)
            self._deaths.pop(name, None)
            self._reached.pop(name, None)
            self._spawn(self._discard_checkpoints(name))
            self._announce_places()

    async def _note_end(self, owner: str, name: str) -> None:
        try:
            job = await self.get(owner, name)
        except UnknownJobError:  # it went with its call
            return
        seconds = (job.end_time.ToNanoseconds() - job.create_time.ToNanoseconds()) / 1e9
        self._metrics.ended(State(job.state).name.lower(), seconds)

    async def _discard_checkpoints(self, name: str) -> None:
        await asyncio.to_thread(shutil.rmtree, self._checkpoints(name), True)

    async def _forget(self, owner: str, name: str) -> None:
        with suppress(UnknownJobError):  # its owner was faster
            await self._call(self._store.delete, owner, name)

    async def _sweep(self) -> None:
        """Every now and then, forget what is kept no longer."""
        while True:
            try:
                gone = await self._call(self._store.retain)
                wanted = await self._call(self._store.wanted_blobs)
                freed = await asyncio.to_thread(self.blobs.sweep, wanted)
                if gone or freed:
                    log.info("forgot %d jobs, freed %.1f MB", len(gone), freed / 1e6)
                await asyncio.to_thread(self._sweep_checkpoints)
            except (OSError, sqlite3.Error) as error:
                log.error("cannot clean up: %s", error)
            await asyncio.sleep(SWEEP_SECONDS)

    def _sweep_checkpoints(self) -> None:
        for folder in (self._data / "checkpoints").glob("*"):
            if f"jobs/{folder.name}" not in self._live:
                shutil.rmtree(folder, ignore_errors=True)

    def _checkpoints(self, name: str) -> Path:
        return self._data / "checkpoints" / _short(name)

    def _placed(self, job: pb.Job) -> pb.Job:
        for place, (_, name) in enumerate(self._waiting):
            if name == job.name:
                job.position = place
        return job

    async def _call(self, work: Callable[..., Value], *arguments: Any) -> Value:
        """Run the store's `work` on its thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("broke in the front", exc_info=error)
            if task is self._recorder:
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
