"""Make many pictures as jobs of one server, some at once, so that a second run takes up what a first one began.

Each job has a request id that follows from its pictures and options. A run that is killed leaves its jobs on the
server; the next one, with the same pictures and options, gets the same jobs.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client._async.client import AsyncClient
from tfstyle_client._async.job import AsyncJob
from tfstyle_client.errors import (
    ClientError,
    JobNotFoundError,
    ServerBusyError,
    ServerUnreachableError,
    UnauthenticatedError,
)
from tfstyle_client.events import Event, Result
from tfstyle_client.requests import request_id_of
from tfstyle_client.server_info import ServerInfo

MOST_AT_ONCE = 32
CANCEL_SECONDS = 5.0
"""How long jobs may take to be cancelled where the run is."""
BUSY_SECONDS, LONGEST_WAIT = 2.0, 15.0
"""Before a request is made again that a busy server refused: where it does not say when, and in any case at most."""
MOST_CREATIONS = 3
"""How often a job is created that somebody deletes while it is waited for."""
_FOR_ALL = (ServerUnreachableError, UnauthenticatedError)
"""Errors of one job that the others would have too."""


@dataclass(frozen=True)
class Order:
    """A transfer, and the id under which a server has it once, however often it is asked for."""

    request: pb.StylizeRequest
    request_id: str


def order_of(request: pb.StylizeRequest) -> Order:
    """The order for a request with all of its pictures in it."""
    return Order(request, request_id_of(request))


@dataclass(frozen=True)
class Task:
    """A picture to make. `prepare` reads what it is made from; None means that it is there already.

    `prepare` runs in a thread, when the task's turn comes; the `ClientError` that it raises is the task's.
    """

    name: str
    prepare: Callable[[], Order | None]


class Follower(Protocol):
    """Is told what becomes of the tasks. `made` runs in a thread; the `ClientError` that it raises is the task's."""

    def show(self, task: Task, event: Event) -> None:
        """Something has happened to the task's job."""
        ...

    def made(self, task: Task, order: Order, result: Result) -> None:
        """The picture is made; once this returns, its job is deleted."""
        ...

    def skipped(self, task: Task) -> None:
        """There was nothing to do."""
        ...

    def failed(self, task: Task, error: ClientError) -> None:
        """The picture could not be made."""
        ...

    def say(self, text: str) -> None:
        """A line for a person."""
        ...


def fitting_number(info: ServerInfo) -> int:
    """How many jobs to have at once on a server, so that no worker waits for the next one."""
    limits = info.limits
    room = min(limits.caller_jobs, limits.caller_queue + info.workers, limits.caller_watches // 2, MOST_AT_ONCE)
    return max(1, min(2 * info.workers, room))


async def make_many(client: AsyncClient, tasks: Iterable[Task], at_once: int, follower: Follower) -> None:
    """Make the pictures of all `tasks`, with up to `at_once` jobs unfinished.

    A server that accepts no more jobs is waited for. A task that fails does not keep the others from being made. Where
    this is cancelled, so are the unfinished jobs. Raises `ClientError` where no task can go on; unfinished jobs then
    stay on the server.
    """
    left, unfinished = iter(tasks), _Unfinished()
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(_Maker(client, left, unfinished, follower).run())
    except ExceptionGroup as group_of_errors:
        raise _first(group_of_errors) from None
    except BaseException:  # Ctrl-C, SIGTERM
        await _cancel(unfinished.jobs)
        raise


async def _cancel(jobs: Iterable[AsyncJob]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(CANCEL_SECONDS):
            await asyncio.gather(*(job.cancel() for job in jobs), return_exceptions=True)


def _first(errors: BaseExceptionGroup) -> BaseException:
    (first, *_) = errors.exceptions
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


class _Unfinished:
    """The unfinished jobs of a run, which are to be cancelled with it."""

    def __init__(self) -> None:
        self.jobs: set[AsyncJob] = set()
        self.told_to_wait = False
        """Whether it was said that the server accepts no more."""
        self._ended = asyncio.Event()

    @contextmanager
    def holds(self, job: AsyncJob) -> Iterator[None]:
        """The job is unfinished inside the block, and afterwards too where the run is cancelled."""
        self.jobs.add(job)
        try:
            yield
        except ClientError:
            self._discard(job)
            raise
        self._discard(job)

    async def one_has_ended(self, seconds: float) -> None:
        """Wait for the end of any job, and for so many seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()

    def _discard(self, job: AsyncJob) -> None:
        self.jobs.discard(job)
        self._ended.set()
        self._ended = asyncio.Event()


class _Maker:
    """Makes one picture after the other, until there are no tasks left."""

    def __init__(self, client: AsyncClient, left: Iterator[Task], unfinished: _Unfinished, follower: Follower) -> None:
        self._client = client
        self._left = left
        self._unfinished = unfinished
        self._follower = follower

    async def run(self) -> None:
        for task in self._left:
            try:
                order = await asyncio.to_thread(task.prepare)
                if order is None:
                    self._follower.skipped(task)
                else:
                    await self._make(task, order)
            except _FOR_ALL:
                raise
            except ClientError as error:
                if isinstance(error, ServerBusyError) and error.reason.startswith("DISK_"):
                    raise
                self._follower.failed(task, error)

    async def _make(self, task: Task, order: Order) -> None:
        for left in reversed(range(MOST_CREATIONS)):
            try:
                job = await self._created(order)
                with self._unfinished.holds(job):
                    result = await self._result(task, job)
                    await asyncio.to_thread(self._follower.made, task, order, result)
                break
            except JobNotFoundError:  # another run with the same pictures has deleted it
                if not left:
                    raise
        with suppress(JobNotFoundError):
            await job.delete()

    async def _created(self, order: Order) -> AsyncJob:
        """The job, made anew where a former run has left one that failed or was cancelled."""
        job = await self._admitted(order)
        if (await job.status()).state not in ("failed", "cancelled"):
            return job
        await job.delete()
        return await self._admitted(order)

    async def _admitted(self, order: Order) -> AsyncJob:
        unfinished = self._unfinished
        while True:
            try:
                return await self._client.submit(order.request, order.request_id)
            except ServerBusyError as error:
                # What is unfinished may be less later, but only if there is something.
                if error.reason.startswith("DISK_") or (error.reason == "CALLER_WORK" and not unfinished.jobs):
                    raise
                if not unfinished.told_to_wait:
                    self._follower.say(f"waiting until the server accepts more: {error}")
                    unfinished.told_to_wait = True
                seconds = min(error.retry_after or BUSY_SECONDS, LONGEST_WAIT)
                await unfinished.one_has_ended(seconds * random.uniform(0.75, 1.25))  # noqa: S311 - spreads the makers

    async def _result(self, task: Task, job: AsyncJob) -> Result:
        """The job's result, while its events are shown."""
        after = 0
        while True:
            try:
                async for event in job.watch(after):
                    self._follower.show(task, event)
                return await job.result()
            except ServerBusyError as error:  # too many streams, unless the job itself has failed so
                status = await job.status()
                if status.state == "failed":
                    raise
                after = status.sequence
                await asyncio.sleep(error.retry_after or BUSY_SECONDS)
