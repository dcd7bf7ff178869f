"""How many workers there are; with fake ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

import pytest
from fake_workers import (
    LITE,
    RUN,
    START,
    STARTED,
    Listener,
    Worker,
    after,
    no_pauses,  # noqa: F401 - a fixture
    run,
    settings,
    settle,
    start,
)

from tfstyle.inputs import content_and_style
from tfstyle.options import TransferOptions
from tfstyle_server.executors.executor import NoAnswerError, Stopped
from tfstyle_server.executors.local.messages import CannotStart, Draining, Placed, Ready
from tfstyle_server.executors.pool import Scale, WorkerPool

Story = Callable[[WorkerPool, Listener], Awaitable[None]]
ALIKE = "cccc"
"""Four places that are all alike."""


def scaled(story: Story, least: int = 1, idle_seconds: float = 60.0, start_seconds: float = 60.0) -> None:
    run(ALIKE, story, start_seconds, scale=Scale(least, idle_seconds))


def test_there_are_as_many_workers_as_jobs_that_run_or_wait() -> None:
    async def story(pool: WorkerPool, listener: Listener) -> None:
        assert (len(STARTED), pool.capacity) == (1, 4)
        pool.demand(1)
        assert len(STARTED) == 1, "it is for that one"
        STARTED[0].says(Ready(LITE))
        pool.run(RUN)
        pool.demand(2)
        assert len(STARTED) == 3
        pool.demand(9)
        assert len(STARTED) == 4, "there are no more places"

    scaled(story)


def test_jobs_that_waited_before_the_start_get_workers_at_once() -> None:
    async def main() -> None:
        STARTED.clear()
        pool = WorkerPool([settings("c")] * 4, start, 60.0, 60.0, Scale(1, 60.0))
        pool.demand(3)
        assert STARTED == []
        pool.start(Listener())
        assert len(STARTED) == 3

    asyncio.run(main())


def test_workers_without_jobs_are_released_down_to_the_least() -> None:
    async def story(pool: WorkerPool, listener: Listener) -> None:
        pool.demand(3)
        for worker in STARTED:
            worker.says(Ready(LITE))
        pool.run(RUN)
        pool.demand(0)
        await after(0.3)
        assert [worker.killed for worker in STARTED] == [False, True, True], "it has a job"
        assert pool.idle == 0, "who is released gets no job"
        for worker in STARTED[1:]:
            worker.ends(0)
        await after(0.2)
        assert len(STARTED) == 3, "they are not replaced"
        STARTED[0].says(Stopped("jobs/a", 1))
        await after(0.3)
        assert not STARTED[0].killed, "one stays"
        assert pool.idle == 1
        pool.demand(2)
        assert len(STARTED) == 4, "the places are free again"

    scaled(story, idle_seconds=0.1)


def test_a_worker_that_waits_for_a_place_is_withdrawn_when_no_job_waits_any_more() -> None:
    async def story(pool: WorkerPool, listener: Listener) -> None:
        pool.demand(2)
        pool.demand(0)
        await after(0.3)
        assert sum(worker.killed for worker in STARTED) == 1
        next(worker for worker in STARTED if worker.killed).ends()
        assert (len(STARTED), listener.heard) == (2, []), "that was no failed start"

    scaled(story, idle_seconds=0.1)


def test_with_none_at_least_the_first_one_shows_that_workers_can_start_and_may_go() -> None:
    async def story(pool: WorkerPool, listener: Listener) -> None:
        (worker,) = STARTED
        await after(0.3)
        assert not worker.killed, "it has shown nothing yet"
        worker.says(Ready(LITE))
        await after(0.3)
        assert worker.killed
        worker.ends()
        assert (len(STARTED), listener.heard) == (1, ["ready"])
        with pytest.raises(NoAnswerError):
            await pool.estimate(content_and_style((1, 1), (1, 1)), TransferOptions(), 0)
        assert len(STARTED) == 2, "whoever asks again may find a worker"

    scaled(story, least=0, idle_seconds=0.1)


def test_a_lost_worker_is_replaced_for_the_job_that_it_had() -> None:
    async def story(pool: WorkerPool, listener: Listener) -> None:
        STARTED[0].says(Ready(LITE))
        pool.run(RUN)
        pool.demand(0)
        STARTED[0].ends()
        assert listener.heard == ["ready", "jobs/a lost"]
        pool.demand(1)  # the job waits again
        assert len(STARTED) == 2

    scaled(story, least=0)


def test_a_place_has_all_the_time_it_takes_and_the_start_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(pool: WorkerPool, listener: Listener) -> None:
        pool.demand(2)
        worker = STARTED[1]
        await after(0.2)
        assert not worker.killed
        worker.says(Placed("on a node"))
        await after(0.2)
        assert worker.killed

    monkeypatch.setitem(START, "worker", partial(Worker, placed=False))
    scaled(story, start_seconds=0.1)


def test_one_place_that_does_not_work_stands_for_all_that_are_like_it() -> None:
    async def story(pool: WorkerPool, listener: Listener) -> None:
        for _ in range(3):
            STARTED[-1].says(CannotStart("no weights", permanent=False))
            STARTED[-1].ends()
            await settle()
        assert listener.heard[-1] == "broken: no worker can start: no weights"
        assert len(STARTED) == 3

    scaled(story)


def test_once_any_has_worked_places_like_it_are_tried_for_ever() -> None:
    async def story(pool: WorkerPool, listener: Listener) -> None:
        STARTED[0].says(Ready(LITE))
        pool.run(RUN)
        pool.demand(1)
        for _ in range(6):
            STARTED[-1].ends()
            await settle()
        assert len(STARTED) == 8
        assert "unready" not in listener.heard, "there is one with a job"

    scaled(story)


def test_a_worker_whose_node_is_drained_ends_after_its_job() -> None:
    async def story(pool: WorkerPool, listener: Listener) -> None:
        (busy,) = STARTED
        busy.says(Ready(LITE))
        pool.run(RUN)
        busy.says(Draining())
        assert not busy.killed
        busy.says(Stopped("jobs/a", 1))
        assert (busy.killed, pool.idle) == (True, 0)
        busy.ends()
        idle = STARTED[1]
        idle.says(Ready(LITE))
        idle.says(Draining())
        assert (idle.killed, pool.idle) == (True, 0)
        pool.run(replace(RUN, job="jobs/b"))
        idle.ends()
        await asyncio.sleep(0)
        assert listener.heard == ["ready", "jobs/a Stopped", "ready", "jobs/b lost"]
        assert len(STARTED) == 3

    scaled(story)
