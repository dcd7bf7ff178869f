"""Make many pictures as jobs of one server, some at once, so that a second run takes up what a first one began.

Each job has a request id that follows from its pictures and options. A run that is killed leaves its jobs on the
server; the next one, with the same pictures and options, gets the same jobs.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
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
        """The picture is made; once this returns, its job may be deleted."""
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
    await make_chains(client, ([task] for task in tasks), at_once, follower)


async def make_chains(
    client: AsyncClient, chains: Iterable[Iterable[Task]], at_once: int, follower: Follower, kept: int = 0
) -> None:
    """Make the pictures of all tasks of all `chains`, with up to `at_once` chains unfinished, as `make_many` does.

    The tasks of a chain are made one after the other: one is prepared when the one before is made. Where a task fails,
    the rest of its chain is left. The latest `kept` jobs stay on the server, for others to look at.
    """
    left, unfinished, made = iter(chains), _Unfinished(), _Made(kept)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(_Maker(client, left, unfinished, made, follower).run())
    except ExceptionGroup as group_of_errors:
        raise _first(group_of_errors) from None
    except BaseException:  # Ctrl-C, SIGTERM
        with suppress(TimeoutError):
            async with asyncio.timeout(CANCEL_SECONDS):
                jobs = [_cancel(client, creation) for creation in unfinished.creations if creation.is_asked]
                await asyncio.gather(*jobs, return_exceptions=True)
        raise


async def _cancel(client: AsyncClient, creation: _Creation) -> None:
    # Where no answer has come, the server may have the job all the same; asking again tells its name.
    job = creation.job or await client.submit(creation.order.request, creation.order.request_id)
    await job.cancel()


def _first(errors: BaseExceptionGroup) -> BaseException:
    (first, *_) = errors.exceptions
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


@dataclass(eq=False)
class _Creation:
    """A job from before its creation: `is_asked` if the server may have it, and the `job` once it has said so."""

    order: Order
    is_asked: bool = False
    job: AsyncJob | None = None


class _Unfinished:
    """The unfinished jobs of a run, which are to be cancelled with it."""

    def __init__(self) -> None:
        self.creations: set[_Creation] = set()
        self.told_to_wait = False
        """Whether it was said that the server accepts no more."""
        self._ended = asyncio.Event()

    @property
    def is_working(self) -> bool:
        """Whether the server has any of the jobs."""
        return any(creation.job is not None for creation in self.creations)

    @contextmanager
    def creation(self, order: Order) -> Iterator[_Creation]:
        """A job that is unfinished inside the block, and afterwards too where the run is cancelled."""
        creation = _Creation(order)
        self.creations.add(creation)
        try:
            yield creation
        except ClientError:
            self._discard(creation)
            raise
        self._discard(creation)

    async def one_has_ended(self, seconds: float) -> None:
        """Wait for the end of any job, and for so many seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()

    def _discard(self, creation: _Creation) -> None:
        self.creations.discard(creation)
        self._ended.set()
        self._ended = asyncio.Event()


class _Made:
    """The jobs whose pictures are made: the latest `kept` stay on the server."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._jobs: deque[AsyncJob] = deque()

    async def add(self, job: AsyncJob) -> None:
        """Take a job whose picture is made, and delete those before that need not stay."""
        self._jobs.append(job)
        while len(self._jobs) > self._kept:
            with suppress(JobNotFoundError):
                await self._jobs.popleft().delete()


class _Maker:
    """Makes one chain after the other, until there are none left."""

    def __init__(
        self,
        client: AsyncClient,
        left: Iterator[Iterable[Task]],
        unfinished: _Unfinished,
        made: _Made,
        follower: Follower,
    ) -> None:
        self._client = client
        self._left = left
        self._unfinished = unfinished
        self._made = made
        self._follower = follower

    async def run(self) -> None:
        for chain in self._left:
            try:
                for task in chain:
                    if not await self._is_done(task):
                        break
            finally:
                if isinstance(chain, Generator):  # what prepares its tasks ends with it
                    chain.close()

    async def _is_done(self, task: Task) -> bool:
        """Make the task's picture; whether it is there then."""
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
            return False
        return True

    async def _make(self, task: Task, order: Order) -> None:
        for left in reversed(range(MOST_CREATIONS)):
            try:
                with self._unfinished.creation(order) as creation:
                    job = await self._created(creation)
                    result = await self._result(task, job)
                    await asyncio.to_thread(self._follower.made, task, order, result)
                break
            except JobNotFoundError:  # another run with the same pictures has deleted it
                if not left:
                    raise
        await self._made.add(job)

    async def _created(self, creation: _Creation) -> AsyncJob:
        """The job, made anew where a former run has left one that failed or was cancelled."""
        job = await self._admitted(creation)
        if (await job.status()).state not in ("failed", "cancelled"):
            return job
        await job.delete()
        return await self._admitted(creation)

    async def _admitted(self, creation: _Creation) -> AsyncJob:
        unfinished, order = self._unfinished, creation.order
        while True:
            creation.is_asked, creation.job = True, None
            try:
                creation.job = await self._client.submit(order.request, order.request_id)
            except ServerBusyError as error:
                creation.is_asked = False
                # What is unfinished may be less later, but only if there is something.
                if error.reason.startswith("DISK_") or (error.reason == "CALLER_WORK" and not unfinished.is_working):
                    raise
                if not unfinished.told_to_wait:
                    self._follower.say(f"waiting until the server accepts more: {error}")
                    unfinished.told_to_wait = True
                seconds = min(error.retry_after or BUSY_SECONDS, LONGEST_WAIT)
                await unfinished.one_has_ended(seconds * random.uniform(0.75, 1.25))  # noqa: S311 - spreads the makers
            else:
                return creation.job

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
