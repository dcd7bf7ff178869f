"""Jobs with a fake executor: when they are started, and how they change when the executor reports something."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from fake_executor import FakeExecutor, plan, run, settle
from google.rpc import code_pb2

from tfstyle.errors import Violation
from tfstyle.inputs import Inputs, Style, content_and_style
from tfstyle.presets import PRESETS
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client.errors import ServerBusyError, from_status
from tfstyle_server.admission import LimitError
from tfstyle_server.executors.executor import (
    Done,
    Exhausted,
    Failed,
    Refused,
    Run,
    Stopped,
)
from tfstyle_server.jobs import Jobs
from tfstyle_server.records import RequestIdTakenError
from tfstyle_server.validation import Source, Uploaded

RESULT = pb.JobEvent(result=pb.Result(digest="f" * 64, size=9))


def test_job_runs_with_its_plan_and_succeeds(tmp_path: Path) -> None:
    async def story(jobs: Jobs, executor: FakeExecutor) -> None:
        styles = (Style[Source](b"a", 2.0, b"m"), Style[Source](b"b"))
        made = plan().with_inputs(Inputs(b"c", styles))
        job = await jobs.create("ann", made, "", attached=False)
        await settle()
        (given,) = executor.runs
        assert (given.job, given.attempt, given.options, given.progress) == (job.name, 1, made.options, made.progress)
        assert [style.weight for style in given.inputs.styles] == [2.0, 1.0]
        assert given.inputs.styles[0].mask is not None
        executor.update(given, pb.JobEvent(started=pb.Started(width=5)))
        executor.update(given, pb.JobEvent(progress=pb.Progress(evaluation=1)), 1)
        executor.end(Done(given.job, 1, RESULT))
        await settle()
        job = await jobs.get("ann", job.name)
        assert (job.state, job.started.width, job.progress.evaluation) == (pb.Job.STATE_SUCCEEDED, 5, 1)

    run(tmp_path, story)


def test_executor_gets_as_many_jobs_as_it_can_run_in_fair_order(tmp_path: Path) -> None:
    async def story(jobs: Jobs, executor: FakeExecutor) -> None:
        names = [(await jobs.create(owner, plan(), "", attached=False)).name for owner in ("ann", "ann", "ann", "bob")]
        await settle()
        assert [given.job for given in executor.runs] == names[:2]
        assert [(await jobs.get("ann", names[2])).position, (await jobs.get("bob", names[3])).position] == [1, 0]
        executor.end(Failed(names[0], 1, "it failed"))
        await settle()
        assert [given.job for given in executor.runs][2:] == [names[3]]
        assert (await jobs.get("ann", names[0])).error.message == "it failed"

    run(tmp_path, story, capacity=2)


def test_memory_that_ran_out_is_a_status_that_no_retry_helps(tmp_path: Path) -> None:
    async def story(jobs: Jobs, executor: FakeExecutor) -> None:
        job = await jobs.create("ann", plan(), "", attached=False)
        await settle()
        executor.end(Exhausted(job.name, 1, "memory: the GPU had too little"))
        await settle()
        why = (await jobs.get("ann", job.name)).error
        assert (why.code, why.message) == (code_pb2.RESOURCE_EXHAUSTED, "memory: the GPU had too little")
        error = from_status(why)
        assert isinstance(error, ServerBusyError)
        assert (error.reason, error.retry_after) == ("OUT_OF_MEMORY", None)
        assert len(executor.runs) == 1, "it is not tried again"

    run(tmp_path, story)


def test_owner_has_no_more_running_than_allowed(tmp_path: Path) -> None:
    async def story(jobs: Jobs, executor: FakeExecutor) -> None:
        for _ in range(2):
            await jobs.create("ann", plan(), "", attached=False)
        await settle()
        assert len(executor.runs) == 1
        executor.end(Stopped(executor.runs[0].job, 1))

    run(tmp_path, story, capacity=2, running=1)


def test_lost_job_is_started_again_before_others_of_its_owner(tmp_path: Path) -> None:
    async def story(jobs: Jobs, executor: FakeExecutor) -> None:
        first, second = [(await jobs.create("ann", plan(), "", attached=False)).name for _ in range(2)]
        await settle()
        executor.busy.append("the worker starts again")  # no worker is idle until then
        executor.lose(executor.runs[0])
        await settle()
        job = await jobs.get("ann", first)
        assert (job.state, job.position, (await jobs.get("ann", second)).position) == (pb.Job.STATE_QUEUED, 0, 1)
        executor.busy.clear()
        executor.listener.on_idle()
        await settle()
        assert [(given.job, given.attempt) for given in executor.runs] == [(first, 1), (first, 2)]
        executor.update(executor.runs[0], pb.JobEvent(progress=pb.Progress(evaluation=7)), 7)
        await settle()
        assert not (await jobs.get("ann", first)).HasField("progress"), "what a stale attempt reports is ignored"

    run(tmp_path, story)


def test_job_fails_when_its_workers_keep_ending_at_one_evaluation(tmp_path: Path) -> None:
    async def story(jobs: Jobs, executor: FakeExecutor) -> None:
        name = (await jobs.create("ann", plan(), "", attached=False)).name
        await settle()
        for reached in (0, 3, 3, 3, 3, 3):
            assert (await jobs.get("ann", name)).state == pb.Job.STATE_RUNNING
            executor.update(executor.runs[-1], pb.JobEvent(started=pb.Started()), reached)
            executor.lose(executor.runs[-1])
            await settle()
        job = await jobs.get("ann", name)
        assert job.state == pb.Job.STATE_FAILED
        assert job.error.message == "given up: its worker ended, 5 times at evaluation 3"
        assert len(executor.runs) == 6

    run(tmp_path, story)


def test_cancelled_job_is_stopped_and_its_worker_not_used_before(tmp_path: Path) -> None:
    async def story(jobs: Jobs, executor: FakeExecutor) -> None:
        first, second = [(await jobs.create("ann", plan(), "", attached=False)).name for _ in range(2)]
        await settle()
        assert (await jobs.cancel("ann", first, "no longer wanted")).state == pb.Job.STATE_CANCELLED
        await settle()
        assert executor.cancelled == [first]
        assert len(executor.runs) == 1
        executor.end(Stopped(first, 1))
        await settle()
        assert executor.runs[-1].job == second
        assert (await jobs.get("ann", first)).state == pb.Job.STATE_CANCELLED

    run(tmp_path, story)


@pytest.mark.parametrize(("shorthand", "path"), [(True, "style"), (False, "inputs.styles[0].picture")])
def test_refusal_names_the_field_as_the_request_has_it(tmp_path: Path, shorthand: bool, path: str) -> None:
    async def story(jobs: Jobs, executor: FakeExecutor) -> None:
        name = (await jobs.create("ann", plan(shorthand=shorthand), "", attached=False)).name
        await settle()
        executor.end(Refused(name, 1, (Violation("style", "is damaged"), Violation("size", "is too large"))))
        await settle()
        message = (await jobs.get("ann", name)).error.message
        assert message == f"{path}: is damaged; options.size: is too large"

    run(tmp_path, story)


def test_limits_count_jobs_that_are_being_created(tmp_path: Path) -> None:
    async def story(jobs: Jobs, executor: FakeExecutor) -> None:
        creations = [jobs.create("ann", plan(), "", attached=False) for _ in range(5)]
        outcomes = await asyncio.gather(*creations, return_exceptions=True)
        assert sum(isinstance(outcome, LimitError) for outcome in outcomes) == 2
        assert {error.reason for error in outcomes if isinstance(error, LimitError)} == {"CALLER_JOBS"}

    run(tmp_path, story, jobs=3)


def test_same_request_id_and_transfer_are_the_same_job_however_it_is_sent(tmp_path: Path) -> None:
    async def story(jobs: Jobs, executor: FakeExecutor) -> None:
        first = await jobs.create("ann", plan(), "one", attached=False)
        image = await jobs.images.upload("ann", b"c")
        uploaded = plan(shorthand=False).with_inputs(
            content_and_style(Uploaded(image.name.removeprefix("images/")), b"s")
        )
        for again in (plan(), plan(shorthand=False), uploaded):
            assert (await jobs.create("ann", again, "one", attached=False)).name == first.name
        with pytest.raises(RequestIdTakenError):
            await jobs.create("ann", plan(b"other"), "one", attached=False)

    run(tmp_path, story, jobs=1)


def test_unfinished_jobs_are_resumed_with_the_plans_that_the_store_has(tmp_path: Path) -> None:
    async def before(jobs: Jobs, executor: FakeExecutor) -> None:
        for attached in (False, True, False):
            await jobs.create("ann", plan(shorthand=False), "", attached=attached)
        await settle()
        runs.extend(executor.runs)

    async def after(jobs: Jobs, executor: FakeExecutor) -> None:
        await settle()
        (given,) = executor.runs
        assert given == Run(runs[0].job, 2, runs[0].inputs, runs[0].options, runs[0].progress, "fast")
        executor.end(Refused(given.job, 2, (Violation("content", "is damaged"),)))
        await settle()
        assert (await jobs.get("ann", given.job)).error.message == "inputs.content: is damaged"
        page = await jobs.page("ann", None, 9)
        assert [(number, job.state) for number, job in page] == [(3, pb.Job.STATE_RUNNING), (1, pb.Job.STATE_FAILED)]

    runs: list[Run] = []
    run(tmp_path, before)
    run(tmp_path, after)


def test_plan_that_this_release_refuses_fails_its_job_and_no_other(tmp_path: Path) -> None:
    async def before(jobs: Jobs, executor: FakeExecutor) -> None:
        names.extend([(await jobs.create("ann", plan(), "", attached=False)).name for _ in range(2)])

    async def after(jobs: Jobs, executor: FakeExecutor) -> None:
        await settle()
        assert [given.job for given in executor.runs] == [names[1]]
        job = await jobs.get("ann", names[0])
        assert job.state == pb.Job.STATE_FAILED
        presets = ", ".join(PRESETS)
        assert job.error.message == f"preset: there is no preset 'turbo'; the presets are {presets}"

    names: list[str] = []
    run(tmp_path, before)
    database = sqlite3.connect(tmp_path / "jobs.sqlite3")
    (stored,) = database.execute("SELECT plan FROM jobs WHERE name = ?", names[:1]).fetchone()
    damaged = pb.StylizeRequest.FromString(stored)
    damaged.preset = "turbo"
    database.execute("UPDATE jobs SET plan = ? WHERE name = ?", (damaged.SerializeToString(), names[0]))
    database.commit()
    database.close()
    run(tmp_path, after)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what takes as long as the disk takes."""
    for _ in range(6000):
        if await holds():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it does not come")


@pytest.mark.parametrize(("again", "given_up"), [(3, True), (2, False)])
def test_job_that_ends_five_servers_at_one_evaluation_is_given_up(tmp_path: Path, again: int, given_up: bool) -> None:
    made: list[str] = []

    async def reach(jobs: Jobs, executor: FakeExecutor, evaluation: int) -> None:
        async def begun() -> bool:
            return bool(executor.runs)

        async def reached() -> bool:
            return (await jobs.get("ann", made[0])).sequence == before + 2

        await until(begun)
        before = (await jobs.get("ann", made[0])).sequence
        assert [given.job for given in executor.runs] == made
        executor.update(executor.runs[0], pb.JobEvent(started=pb.Started()))
        executor.update(executor.runs[0], pb.JobEvent(progress=pb.Progress(evaluation=evaluation)), evaluation)
        await until(reached)

    async def first(jobs: Jobs, executor: FakeExecutor) -> None:
        made.append((await jobs.create("ann", plan(), "", attached=False)).name)
        await reach(jobs, executor, 3)

    async def restarted(jobs: Jobs, executor: FakeExecutor) -> None:
        await reach(jobs, executor, again)

    async def last(jobs: Jobs, executor: FakeExecutor) -> None:
        async def decided() -> bool:
            return bool(executor.runs) or (await jobs.get("ann", made[0])).state == pb.Job.STATE_FAILED

        await until(decided)
        job = await jobs.get("ann", made[0])
        assert bool(executor.runs) == (not given_up)
        assert job.error.message == ("given up: the server ended, 5 times at evaluation 3" if given_up else "")

    for story in (first, restarted, restarted, restarted, restarted, last):
        run(tmp_path, story)


def test_job_that_takes_too_long_fails_and_its_worker_is_stopped(tmp_path: Path) -> None:
    async def story(jobs: Jobs, executor: FakeExecutor) -> None:
        job = await jobs.create("ann", plan(), "", attached=False)
        await settle()
        name = job.name

        async def failed() -> bool:
            return (await jobs.get("ann", name)).state == pb.Job.STATE_FAILED

        await until(failed)
        job = await jobs.get("ann", job.name)
        assert (job.state, job.error.code) == (pb.Job.STATE_FAILED, code_pb2.DEADLINE_EXCEEDED)
        assert job.error.message == "the job was not done within 0 s, the server's --job-seconds"
        assert executor.cancelled == [job.name]

    run(tmp_path, story, job_seconds=0.2)


def test_job_that_is_cancelled_on_a_full_disk_stops_at_once_and_is_recorded_later(tmp_path: Path) -> None:
    async def story(jobs: Jobs, executor: FakeExecutor) -> None:
        job = await jobs.create("ann", plan(), "", attached=False)
        await settle()
        store = jobs._data.store
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "append", full)
            with pytest.raises(sqlite3.OperationalError):
                await jobs.cancel("ann", job.name, "cancelled by its owner")
            assert executor.cancelled == [job.name]
            executor.end(Stopped(job.name, 1))
            await settle()
            assert (await jobs.get("ann", job.name)).state == pb.Job.STATE_RUNNING

        async def cancelled() -> bool:
            return (await jobs.get("ann", job.name)).state == pb.Job.STATE_CANCELLED

        await until(cancelled)
        assert len(executor.runs) == 1

    run(tmp_path, story)


def full(_: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")
