"""When workers are restarted, and when a device is given up; with fake worker processes."""

from __future__ import annotations

import asyncio

import pytest
from fake_workers import LITE, RUN, START, STARTED, Listener, Worker, after, run, settle

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.inputs import content_and_style
from tfstyle.options import TransferOptions
from tfstyle.v1.style_transfer_pb2 import JobEvent, Started
from tfstyle_server.executors import pool
from tfstyle_server.executors.executor import NoAnswerError, Stopped, UnpreparedError, Update
from tfstyle_server.executors.local import questions
from tfstyle_server.executors.local.messages import Alive, Cancel, CannotStart, Estimate, Estimated, Ready, Retiring
from tfstyle_server.executors.pool import WorkerPool


def test_device_that_never_works_is_given_up_and_the_others_go_on() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        bad, good = STARTED
        good.says(Ready(LITE))
        for _ in range(3):
            bad.says(CannotStart("MemoryError", permanent=False))
            bad.ends(0)
            await settle()
            bad = STARTED[-1]
        assert [worker.settings.device for worker in STARTED] == ["0", "1", "0", "0"]
        assert [pause for pause in listener.pauses if pause] == [1.0, 2.0]
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


def test_device_that_has_worked_is_tried_for_ever_in_growing_intervals() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        STARTED[0].says(Ready(LITE))
        STARTED[0].ends()
        assert len(STARTED) == 2, "at once: it was no failed start"
        for _ in range(9):
            STARTED[-1].ends()
            await settle()
        assert [pause for pause in listener.pauses if pause] == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
        STARTED[-1].says(Ready(LITE))
        assert listener.heard == ["ready", *["unready"] * 9, "ready"]
        assert executor.idle == 1

    run("0", story)


def test_process_that_cannot_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
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
        assert [pause for pause in listener.pauses if pause][:4] == [1.0, 2.0, 4.0, 8.0]

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


SIZES, OPTIONS = content_and_style((1, 1), (2, 2)), TransferOptions()


def test_an_idle_worker_is_asked_before_a_busy_one_and_each_one_thing_at_a_time() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        busy, idle = STARTED
        for worker in STARTED:
            worker.says(Ready(LITE))
        executor.run(RUN)
        await asyncio.sleep(0)
        asked = [asyncio.create_task(executor.estimate(SIZES, OPTIONS)) for _ in range(2)]
        await asyncio.sleep(0)
        assert (idle.sent, busy.sent) == ([Estimate(SIZES, OPTIONS)], [RUN])
        idle.says(Estimated(started=Started(width=3)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        idle.says(Estimated(violations=(Violation("size", "is wrong"),)))
        assert (await asked[0]).width == 3
        with pytest.raises(InvalidInputError, match="size: is wrong"):
            await asked[1]
        assert len(idle.sent) == 2

    run("ab", story)


def test_an_estimate_ends_with_the_worker_that_was_asked() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        (worker,) = STARTED
        with pytest.raises(NoAnswerError, match="no worker can answer now"):
            await executor.estimate(SIZES, OPTIONS)
        worker.says(Ready(LITE))
        asked = asyncio.create_task(executor.estimate(SIZES, OPTIONS))
        await asyncio.sleep(0)
        worker.ends()
        with pytest.raises(NoAnswerError, match="the worker that was asked has ended"):
            await asked

    run("a", story)


def test_an_answer_that_comes_too_late_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "ANSWER_SECONDS", 0.01)

    async def story(executor: WorkerPool, listener: Listener) -> None:
        (worker,) = STARTED
        worker.says(Ready(LITE))
        with pytest.raises(NoAnswerError, match="no worker has answered"):
            await executor.estimate(SIZES, OPTIONS)
        with pytest.raises(NoAnswerError, match="no worker can answer now"):
            await executor.estimate(SIZES, OPTIONS)
        worker.says(Estimated(unprepared="late"))
        assert not worker.killed
        asked = asyncio.create_task(executor.estimate(SIZES, OPTIONS))
        await asyncio.sleep(0)
        worker.says(Estimated(unprepared="network: not here"))
        with pytest.raises(UnpreparedError, match="network: not here"):
            await asked

    run("a", story)


def test_a_worker_that_answers_what_nobody_asked_is_killed() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        (worker,) = STARTED
        worker.says(Ready(LITE))
        worker.says(Estimated(unprepared="nothing"))
        assert worker.killed

    run("a", story)
