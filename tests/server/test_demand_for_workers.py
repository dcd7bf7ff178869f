"""How many workers the executor is told that could be used; with a fake one."""

from __future__ import annotations

from pathlib import Path

from fake_executor import FakeExecutor, plan, run, settle

from tfstyle_server.executors.executor import Failed
from tfstyle_server.jobs import Jobs


def test_executor_is_told_how_many_waiting_jobs_could_run(tmp_path: Path) -> None:
    async def story(jobs: Jobs, executor: FakeExecutor) -> None:
        names = [(await jobs.create("ann", plan(), "", attached=False)).name for _ in range(3)]
        await settle()
        assert executor.demanded == 1, "one runs, and of the two others their caller may have one more running"
        other = (await jobs.create("bob", plan(), "", attached=False)).name
        await settle()
        assert executor.demanded == 2
        await jobs.cancel("bob", other, "no longer wanted")
        await settle()
        assert executor.demanded == 1
        for name in names:
            executor.end(Failed(name, executor.runs[-1].attempt, "for the test"))
            await settle()
        assert executor.demanded == 0

    run(tmp_path, story, running=2)
