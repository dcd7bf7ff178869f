"""What the gRPC server streams to one caller, held once for all pages that show it.

A feed begins when the first page asks for it and ends a while after the last one has gone. The events of a job are kept
as long as its feed, as JSON, so that each page is told all of them at its own pace.
"""

from __future__ import annotations

import asyncio
import bisect
import json
import logging
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import grpc

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client._async.client import AsyncClient
from tfstyle_client.dashboard.json_forms import event_form, job_form, job_id
from tfstyle_client.errors import details_of
from tfstyle_client.retry import Retry

log = logging.getLogger("tfstyle.dashboard")

LINGER_SECONDS = 15.0
"""How long a feed goes on without a page, which may only be reloading, or asks every few seconds."""
RELIST_SECONDS = 5.0
"""How often pages list the jobs of a server that cannot tell of their changes."""
FOREVER = float("inf")
MOST_JOBS = 100
"""Jobs whose events are held for one caller; those of a job may take a megabyte."""


def compact(value: object) -> str:
    """`value` as JSON without spaces."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


class Page(Protocol):
    """One who watches."""

    def on_job(self, job: str, form: str) -> None:
        """A job, as JSON, has changed, or is new."""

    def on_deleted(self, job: str) -> None:
        """A job has been deleted."""

    def on_relist(self) -> None:
        """Changes of jobs may have been missed."""

    def on_events(self) -> None:
        """A job has new events."""

    def on_reachable(self, reason: str | None) -> None:
        """The server can be reached again, or not; `reason` says why not."""

    def on_refused(self) -> None:
        """The server no longer accepts the caller's token."""


class JobFeed:
    """The events of one job, as JSON, and the `job` itself as it was when it last changed.

    `oldest` is the number of the first event that the server keeps. `ended` says that no more events will come,
    `missing` that there is no such job.
    """

    def __init__(self) -> None:
        self.oldest = 1
        self.job: str | None = None
        self.ended = False
        self.missing = False
        self._sequences: list[int] = []
        self._forms: list[str] = []
        self._kinds: list[str] = []
        self._caught_up = asyncio.Event()
        self._wanted = 0
        """The number of the latest event when the server was asked."""

    @property
    def last(self) -> int:
        """The number of the latest event."""
        return self._sequences[-1] if self._sequences else self.oldest - 1

    def since(self, sequence: int, most: int) -> tuple[list[str], int]:
        """At most `most` events after number `sequence`, and the number of the last one of them."""
        start = bisect.bisect_right(self._sequences, sequence)
        forms = self._forms[start : start + most]
        return forms, self._sequences[start + len(forms) - 1] if forms else sequence

    def events_since(self, sequence: int) -> list[tuple[int, str, str]]:
        """(number, kind, event) of each event after number `sequence`."""
        start = bisect.bisect_right(self._sequences, sequence)
        return list(zip(self._sequences[start:], self._kinds[start:], self._forms[start:], strict=True))

    async def has_caught_up(self, seconds: float) -> bool:
        """Wait, for at most so long, until the events are there that there were when the feed began."""
        try:
            async with asyncio.timeout(seconds):
                await self._caught_up.wait()
        except TimeoutError:
            return False
        return True

    def add(self, event: pb.JobEvent) -> None:
        """Add a message of the server."""
        if event.HasField("job"):
            self.job = compact(job_form(event.job))
            self._wanted = event.job.sequence
            if event.job.oldest_sequence > self.last + 1:
                self.clear()
                self.oldest = event.job.oldest_sequence
        else:
            self._sequences.append(event.sequence)
            self._kinds.append(str(event.WhichOneof("event")))
            self._forms.append(compact(event_form(event)))
        if self.last >= self._wanted:
            self._caught_up.set()

    def clear(self) -> None:
        """Forget all events."""
        self._sequences.clear()
        self._kinds.clear()
        self._forms.clear()

    def end(self, *, missing: bool = False) -> None:
        """No more events will come."""
        self.ended, self.missing = True, missing
        self._caught_up.set()


class Feeds:
    """All feeds of one caller, and the pages that they are for."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._pages: dict[Page, frozenset[str]] = {}
        """{page: the jobs whose events it shows}."""
        self._jobs: dict[str, JobFeed] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._unreachable: str | None = None

    @property
    def in_use(self) -> bool:
        """Whether any page watches, or has done so lately."""
        return bool(self._pages or self._tasks)

    @property
    def unreachable(self) -> str | None:
        """Why the server cannot be reached; None if it can, as far as is known."""
        return self._unreachable

    def has_room(self, jobs: Iterable[str]) -> bool:
        """Whether the events of these jobs can be held too."""
        return len(self._jobs.keys() | set(jobs)) <= MOST_JOBS

    @contextmanager
    def watch(self, page: Page, jobs: list[str]) -> Iterator[dict[str, JobFeed]]:
        """Tell `page` of all changes, and of the events of these `jobs`, inside the block."""
        self._pages[page] = frozenset(jobs)
        for job in ("", *jobs):
            self._begin(job)
        try:
            yield {job: self._jobs[job] for job in jobs}
        finally:
            del self._pages[page]
            for job in ("", *jobs):
                asyncio.get_running_loop().call_later(LINGER_SECONDS, self._end_unused, job)

    async def close(self) -> None:
        """End all feeds."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, job: str) -> None:
        """Begin the feed of a job, or that of the changes of all jobs, whose name is empty, unless there is one."""
        if job in self._tasks:
            return
        if job:
            self._jobs[job] = JobFeed()
        work = self._follow_job(job, self._jobs[job]) if job else self._follow_all()
        self._tasks[job] = asyncio.create_task(self._while_used(job, work))

    def _end_unused(self, job: str) -> None:
        used = any(job in jobs for jobs in self._pages.values()) if job else bool(self._pages)
        if not used and job in self._tasks:
            self._tasks[job].cancel()

    async def _while_used(self, job: str, work: Coroutine[Any, Any, bool]) -> None:
        try:
            if await work:
                await asyncio.Event().wait()  # it is shown on
        except Exception:
            log.exception("a feed has failed")
        finally:
            self._tasks.pop(job, None)
            self._jobs.pop(job, None)

    async def _follow_all(self) -> bool:
        """Pass on the changes of all jobs. False once the server refuses the caller."""
        retry = Retry(FOREVER)
        while True:
            try:
                async for change in self._client.stub.WatchJobs(pb.WatchJobsRequest()):
                    retry.renew()
                    self._set_unreachable(None)
                    self._pass_on(change)
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.UNIMPLEMENTED:  # a server of a former release
                    self._relist()
                    await asyncio.sleep(RELIST_SECONDS)
                    continue
                if self._refused(error):
                    return False
            await asyncio.sleep(retry.next_delay() or RELIST_SECONDS)

    def _pass_on(self, change: pb.JobsChange) -> None:
        match change.WhichOneof("change"):
            case "listening":
                self._relist()
            case "job":
                form = compact(job_form(change.job))
                name = job_id(change.job.name)
                if name in self._jobs:
                    self._jobs[name].job = form
                for page in self._pages:
                    page.on_job(name, form)
            case "deleted":
                name = job_id(change.deleted)
                if name in self._jobs:
                    self._jobs[name].missing = True
                for page in self._pages:
                    page.on_deleted(name)

    def _relist(self) -> None:
        for page in self._pages:
            page.on_relist()

    async def _follow_job(self, job: str, feed: JobFeed) -> bool:
        """Add the events of a job to its feed, until it has ended. False once the server refuses the caller."""
        retry = Retry(FOREVER)
        while True:
            request = pb.WatchJobRequest(name=f"jobs/{job}", after_sequence=feed.last)
            try:
                async for event in self._client.stub.WatchJob(request):
                    retry.renew()
                    self._set_unreachable(None)
                    feed.add(event)
                    self._wake()
                feed.end()
                self._wake()
                return True
            except grpc.RpcError as error:
                match error.code():
                    case grpc.StatusCode.NOT_FOUND:
                        feed.end(missing=True)
                        self._wake()
                        return True
                    case grpc.StatusCode.INVALID_ARGUMENT:
                        # The server knows less than it told: its data is that of a backup.
                        feed.clear()
                    case grpc.StatusCode.OUT_OF_RANGE:
                        pass  # `oldest` has been told, and counts in `last`
                    case _:
                        if self._refused(error):
                            return False
            await asyncio.sleep(retry.next_delay() or RELIST_SECONDS)

    def _wake(self) -> None:
        for page in self._pages:
            page.on_events()

    def _refused(self, error: grpc.RpcError) -> bool:
        """Whether the server no longer accepts the caller, so that a feed ends; pages are told of any failure."""
        if error.code() is not grpc.StatusCode.UNAUTHENTICATED:
            self._set_unreachable(details_of(error))
            return False
        for page in self._pages:
            page.on_refused()
        return True

    def _set_unreachable(self, reason: str | None) -> None:
        if (reason is None) != (self._unreachable is None):
            self._unreachable = reason
            for page in self._pages:
                page.on_reachable(reason)
        self._unreachable = reason
