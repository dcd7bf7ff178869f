"""Workers that hang, say what they may not say, or decode for too long; with fake worker processes."""

from __future__ import annotations

import signal

import pytest
from fake_workers import LITE, RUN, STARTED, Listener, after, no_pauses, run, settle  # noqa: F401 - a fixture

from tfstyle.v1.style_transfer_pb2 import JobEvent
from tfstyle_server.executors import pool
from tfstyle_server.executors.executor import Stopped, Update
from tfstyle_server.executors.local.messages import (
    Alive,
    CannotStart,
    Decoding,
    Ready,
    Retiring,
)
from tfstyle_server.executors.pool import WorkerPool


def test_worker_that_does_not_start_in_time_is_killed_and_replaced() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        await after(0.05)
        assert not STARTED[0].killed
        await after(0.1)
        assert STARTED[0].killed
        STARTED[0].ends()
        await settle()
        assert listener.heard == ["unready"]
        STARTED[1].says(Ready(LITE))
        await after(0.2)
        assert not STARTED[1].killed, "an idle worker has nothing to say"
        assert listener.heard == ["unready", "ready"]

    run("c", story, start_seconds=0.1)


def test_worker_with_a_job_that_gives_no_sign_of_life_is_killed() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        (worker,) = STARTED
        worker.says(Ready(LITE))
        executor.run(RUN)
        for _ in range(4):
            await after(0.06)
            worker.says(Alive(0.0))
        assert not worker.killed
        worker.says(Alive(0.3))  # one evaluation of a large picture
        await after(0.2)
        assert not worker.killed
        await after(0.3)
        assert worker.killed
        worker.ends()
        assert listener.heard == ["ready", "jobs/a lost"]
        assert listener.reasons == ["its process did not give a sign of life within 0 s"]
        await settle()
        assert len(STARTED) == 2

    run("c", story, silence_seconds=0.1)


def test_worker_that_is_done_may_be_silent() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        (worker,) = STARTED
        worker.says(Ready(LITE))
        executor.run(RUN)
        worker.says(Stopped("jobs/a", 1))
        await after(0.3)
        assert not worker.killed

    run("c", story, silence_seconds=0.1)


def test_worker_that_retires_and_does_not_exit_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "EXIT_SECONDS", 0.1)

    async def story(executor: WorkerPool, listener: Listener) -> None:
        (worker,) = STARTED
        worker.says(Ready(LITE))
        executor.run(RUN)
        worker.says(Retiring())
        worker.says(Stopped("jobs/a", 1))
        await after(0.3)
        assert worker.killed

    run("c", story)


def test_worker_that_was_killed_gets_no_other_job() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        (worker,) = STARTED
        await after(0.2)
        assert worker.killed
        worker.says(Ready(LITE))  # was on its way
        assert executor.idle == 0
        assert listener.heard == []

    run("c", story, start_seconds=0.1)


@pytest.mark.parametrize(
    "report",
    [
        Stopped("jobs/b", 1),
        Stopped("jobs/a", 2),
        Update("jobs/b", 1, JobEvent(), 0),
        Ready(LITE),
        CannotStart("late", permanent=True),
    ],
)
def test_worker_that_speaks_of_what_is_not_its_own_is_killed(report: object) -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        (worker,) = STARTED
        worker.says(Ready(LITE))
        executor.run(RUN)
        worker.says(report)
        assert worker.killed
        worker.ends()
        assert listener.heard == ["ready", "jobs/a lost"]
        assert "out of turn" in listener.reasons[0]

    run("c", story)


def test_worker_that_reports_without_end_is_killed() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        (worker,) = STARTED
        worker.says(Ready(LITE))
        executor.run(RUN)
        for number in range(1000):
            worker.says(Update("jobs/a", 1, JobEvent(), number))
            if worker.killed:
                break
        assert RUN.options.max_evaluations <= number <= RUN.options.max_evaluations + 50

    run("c", story)


def test_worker_cannot_announce_to_be_silent_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "LONGEST_SILENCE", 0.1)

    async def story(executor: WorkerPool, listener: Listener) -> None:
        (worker,) = STARTED
        worker.says(Ready(LITE))
        executor.run(RUN)
        worker.says(Alive(1e18))
        await after(0.5)
        assert worker.killed

    run("c", story, silence_seconds=0.1)


@pytest.mark.parametrize("report", [Stopped("jobs/a", 1), Retiring(), Alive(1e9), Ready(LITE)])
def test_idle_worker_has_nothing_to_report(report: object) -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        (worker,) = STARTED
        worker.says(Ready(LITE))
        worker.says(report)
        assert worker.killed
        assert listener.heard == ["ready"]

    run("c", story)


def test_a_worker_that_the_system_ends_while_it_decodes_has_its_job_refused() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        (worker,) = STARTED
        worker.says(Ready(LITE))
        executor.run(RUN)
        worker.says(Decoding("content"))
        worker.says(Decoding("style"))
        worker.ends(-signal.SIGXCPU)
        assert listener.heard == ["ready", "jobs/a Refused"]
        (why,) = listener.ends[0].violations
        assert why.field == "style"
        assert why.description.startswith("takes more than 120 s of processor time to decode")
        assert len(STARTED) == 2, "another worker takes its place"

    run("a", story)


@pytest.mark.parametrize("code", [-signal.SIGKILL, 1])
def test_a_worker_that_ends_for_another_reason_has_lost_its_job(code: int) -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        (worker,) = STARTED
        worker.says(Ready(LITE))
        executor.run(RUN)
        worker.says(Decoding("content"))
        worker.ends(code)
        assert listener.heard == ["ready", "jobs/a lost"]

    run("a", story)


def test_what_was_decoded_for_a_former_job_is_not_held_against_the_next() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        (worker,) = STARTED
        worker.says(Ready(LITE))
        executor.run(RUN)
        worker.says(Decoding("content"))
        worker.says(Stopped("jobs/a", 1))
        executor.run(RUN)
        worker.ends(-signal.SIGXCPU)
        assert listener.heard == ["ready", "jobs/a Stopped", "jobs/a lost"]

    run("a", story)
