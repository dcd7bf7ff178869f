"""When workers are restarted, and when a device is given up; with fake worker processes."""

from __future__ import annotations

import pytest
from fake_workers import LITE, RUN, START, STARTED, Listener, Worker, no_pauses, run, settle  # noqa: F401 - a fixture

from tfstyle_server.executors.executor import Stopped
from tfstyle_server.executors.local.messages import (
    Cancel,
    CannotStart,
    Ready,
    Retiring,
)
from tfstyle_server.executors.pool import WorkerPool


def test_device_that_never_works_is_given_up_and_the_others_go_on(pauses: list[float]) -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        bad, good = STARTED
        good.says(Ready(LITE))
        for _ in range(3):
            bad.says(CannotStart("MemoryError", permanent=False))
            bad.ends(0)
            await settle()
            bad = STARTED[-1]
        assert [worker.settings.device for worker in STARTED] == ["0", "1", "0", "0"]
        assert [pause for pause in pauses if pause] == [1.0, 2.0]
        assert listener.heard == ["ready"], "failures of one device are no reason to end"
        assert executor.idle == 1

    run("01", story)


def test_server_ends_when_every_device_is_given_up() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        for _ in range(3):
            for worker in STARTED[-2:]:
                worker.ends(-6)
            await settle()
        assert len(STARTED) == 6
        broken = "broken: no worker can start: its worker ended while it started (exit code -6)"
        assert [heard for heard in listener.heard if heard != "unready"] == [broken]
        assert listener.heard[0] == "unready"

    run("01", story)


def test_device_that_has_worked_is_tried_for_ever_in_growing_intervals(pauses: list[float]) -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        STARTED[0].says(Ready(LITE))
        STARTED[0].ends()
        assert len(STARTED) == 2, "at once: it was no failed start"
        for _ in range(9):
            STARTED[-1].ends()
            await settle()
        assert [pause for pause in pauses if pause] == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
        STARTED[-1].says(Ready(LITE))
        assert listener.heard == ["ready", *["unready"] * 9, "ready"]
        assert executor.idle == 1

    run("0", story)


def test_process_that_cannot_be_started_is_tried_again(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> None:
        raise OSError(24, "Too many open files")

    async def story(executor: WorkerPool, listener: Listener) -> None:
        STARTED[0].says(Ready(LITE))
        monkeypatch.setitem(START, "worker", none_left)
        STARTED[0].ends()
        for _ in range(4):
            await settle()
        monkeypatch.setitem(START, "worker", Worker)
        await settle()
        assert len(STARTED) == 2
        assert [pause for pause in pauses if pause][:4] == [1.0, 2.0, 4.0, 8.0]

    run("0", story)


def test_reason_that_lasts_ends_the_server_at_once_unless_it_has_worked() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        first, second = STARTED
        first.says(Ready(LITE))
        second.says(CannotStart("weights: no such file", permanent=True))
        assert listener.heard == ["ready"]

    async def other(executor: WorkerPool, listener: Listener) -> None:
        STARTED[0].says(CannotStart("weights: no such file", permanent=True))
        assert listener.heard == ["broken: weights: no such file"]

    run("01", story)
    run("01", other)


def test_worker_that_does_not_hear_a_cancellation_is_ended() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        for obeys in (True, False):
            worker = STARTED[-1]
            worker.says(Ready(LITE))
            executor.run(RUN)
            executor.cancel("jobs/a")
            if obeys:
                worker.says(Stopped("jobs/a", 1))
            await settle()
            assert worker.sent == [RUN, Cancel("jobs/a")]
            assert worker.killed is not obeys
            worker.ends()
        assert listener.heard == ["ready", "jobs/a Stopped", "ready", "jobs/a lost"]

    run("0", story)


def test_job_for_which_no_worker_is_left_is_reported_as_lost() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        executor.run(RUN)
        assert listener.heard == ["jobs/a lost"]

    run("0", story)


def test_worker_that_retires_gets_no_other_job_and_is_replaced() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        (worker,) = STARTED
        worker.says(Ready(LITE))
        executor.run(RUN)
        worker.says(Retiring())
        worker.says(Stopped("jobs/a", 1))
        assert executor.idle == 0
        worker.ends(0)
        assert len(STARTED) == 2
        assert listener.heard == ["ready", "jobs/a Stopped"]

    run("0", story)
