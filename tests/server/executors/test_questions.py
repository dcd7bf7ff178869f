"""Questions to workers about transfers that are not made yet; with fake worker processes."""

from __future__ import annotations

import asyncio

import pytest
from fake_workers import LITE, RUN, STARTED, Listener, no_pauses, run  # noqa: F401 - a fixture

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.inputs import content_and_style
from tfstyle.options import TransferOptions
from tfstyle.v1.style_transfer_pb2 import Started
from tfstyle_server.executors.executor import NoAnswerError, UnpreparedError
from tfstyle_server.executors.local import questions
from tfstyle_server.executors.local.messages import (
    Estimate,
    Estimated,
    Ready,
)
from tfstyle_server.executors.pool import WorkerPool

SIZES, OPTIONS = content_and_style((1, 1), (2, 2)), TransferOptions()


def test_an_idle_worker_is_asked_before_a_busy_one_and_each_one_thing_at_a_time() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        busy, idle = STARTED
        for worker in STARTED:
            worker.says(Ready(LITE))
        executor.run(RUN)
        await asyncio.sleep(0)
        asked = [asyncio.create_task(executor.estimate(SIZES, OPTIONS, 0)) for _ in range(2)]
        await asyncio.sleep(0)
        assert (idle.sent, busy.sent) == ([Estimate(SIZES, OPTIONS, 0)], [RUN])
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
            await executor.estimate(SIZES, OPTIONS, 0)
        worker.says(Ready(LITE))
        asked = asyncio.create_task(executor.estimate(SIZES, OPTIONS, 0))
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
            await executor.estimate(SIZES, OPTIONS, 0)
        with pytest.raises(NoAnswerError, match="no worker can answer now"):
            await executor.estimate(SIZES, OPTIONS, 0)
        worker.says(Estimated(unprepared="late"))
        assert not worker.killed
        asked = asyncio.create_task(executor.estimate(SIZES, OPTIONS, 0))
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
