"""When a worker retires; with a fake engine."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tfstyle import machine_memory
from tfstyle.inputs import content_and_style
from tfstyle.options import ProgressOptions, TransferOptions
from tfstyle_server.executors.executor import Run, Stopped
from tfstyle_server.executors.local import estimating, retirement, worker
from tfstyle_server.executors.local.messages import Estimate, Estimated, Retiring
from tfstyle_server.executors.local.settings import worker_settings
from tfstyle_server.executors.run_job import PortClosedError
from tfstyle_server.options import ServerOptions

TILED, CASCADE_TILED, WHOLE = 2, 4, 1
"""Traces of one job with a new size: for the result's network and the painting's, and with two networks."""


@dataclass
class Pipe:
    """Gives out jobs, and closes after the last one."""

    jobs: list[str]
    sent: list[Any] = field(default_factory=list)

    def receive(self) -> Run:
        if not self.jobs:
            raise PortClosedError
        return Run(self.jobs.pop(0), 1, content_and_style("c", "s"), TransferOptions(), ProgressOptions())

    def send(self, report: object) -> None:
        self.sent.append(report)


@dataclass
class Engine:
    """Counts the traces, as if each size were traced once."""

    traces: int = 0
    sizes: set[str] = field(default_factory=set)


def jobs_of_one_worker(monkeypatch: pytest.MonkeyPatch, jobs: list[str], each: int, **options: Any) -> int:
    """The number of `jobs`, of which each names its size, that the first worker runs; each size traces `each`."""
    engine, pipe = Engine(), Pipe(list(jobs))

    def run_job(engine: Engine, run: Run, port: object) -> Stopped:
        if run.job not in engine.sizes:
            engine.traces += each
            engine.sizes.add(run.job)
        return Stopped(run.job, run.attempt)

    monkeypatch.setattr(worker, "_start", lambda *_: engine)
    monkeypatch.setattr(worker, "run_job", run_job)
    monkeypatch.setattr(worker, "PipePort", lambda *_: SimpleNamespace(close=lambda: None))
    (settings,) = worker_settings(ServerOptions(devices=("cpu",), **options), "b", "c", Path("t"))
    try:
        worker.serve(pipe, settings)
    except PortClosedError:
        assert Retiring() not in pipe.sent
    else:
        assert pipe.sent[-2] == Retiring(), "before the end of the last job"
    return sum(isinstance(report, Stopped) for report in pipe.sent)


@pytest.mark.parametrize("each", [WHOLE, TILED, CASCADE_TILED])
def test_jobs_of_one_size_share_a_worker(monkeypatch: pytest.MonkeyPatch, each: int) -> None:
    assert jobs_of_one_worker(monkeypatch, ["a", "a", "a"], each) == 3


@pytest.mark.parametrize("each", [WHOLE, TILED, CASCADE_TILED])
def test_worker_retires_after_so_many_jobs_that_trace(monkeypatch: pytest.MonkeyPatch, each: int) -> None:
    assert jobs_of_one_worker(monkeypatch, ["a", "b", "c", "d"], each, recycle_after=2) == 2
    assert jobs_of_one_worker(monkeypatch, ["a", "b", "c", "d"], each, recycle_after=3) == 3


def test_only_a_job_that_traces_retires_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    assert jobs_of_one_worker(monkeypatch, ["a", "a", "a", "b", "b"], TILED, recycle_after=2) == 4


def test_worker_retires_when_it_has_grown_by_its_share_of_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 16 GiB, a worker may keep 1 GiB. It has 700 MiB after its first job, and 300 MiB more after each other one."""
    grown = iter(range(700 * 2**20, 10**11, 300 * 2**20))
    monkeypatch.setattr(machine_memory, "total_memory", lambda: 16 * 2**30)
    monkeypatch.setattr(retirement, "resident_bytes", lambda: next(grown))
    assert jobs_of_one_worker(monkeypatch, [*"abcdefgh"], WHOLE) == 5


def test_two_workers_keep_half_as_much_each_and_a_small_machine_has_room_for_some_sizes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine_memory, "total_memory", lambda: 16 * 2**30)
    assert retirement.most_kept(1.0) == 2**30
    assert retirement.most_kept(0.5) == 2**29
    monkeypatch.setattr(machine_memory, "total_memory", lambda: 2**30)
    assert retirement.most_kept(1.0) == 256 * 2**20


def test_what_a_worker_keeps_is_not_counted_as_free_for_the_next_job(monkeypatch: pytest.MonkeyPatch) -> None:
    resident = [1000]
    monkeypatch.setattr(estimating, "resident_bytes", lambda: resident[0])
    monkeypatch.setattr(machine_memory, "free_memory", lambda: 10_000)
    monkeypatch.setattr(machine_memory, "gpu_memory", lambda: None)
    (settings,) = worker_settings(ServerOptions(devices=("cpu",)), "b", "c", Path("t"))
    estimator = estimating.Estimator(Engine(), settings)  # type: ignore[arg-type]
    resident[0] = 4000
    assert estimator._budget() == 13_000, "a transfer runs, and will free what it has"
    estimator.settle()
    assert estimator._budget() == 10_000
    resident[0] = 5000
    assert estimator._budget() == 11_000


def test_estimates_hold_up_a_job_by_a_tenth_at_most(tmp_path: Path) -> None:
    question = Estimate(content_and_style((1, 1), (1, 1)), TransferOptions(), 0)
    asked: list[object] = []
    sent: list[object] = []

    def ask() -> Estimate:
        asked.append(question)
        return question

    def answer(_: Estimate) -> Estimated:
        time.sleep(0.02)
        return Estimated(unprepared="x")

    def answers() -> int:
        return sum(isinstance(each, Estimated) for each in sent)

    pipe = SimpleNamespace(send=sent.append, has_command=lambda: answers() == len(asked), receive=ask)
    settings = worker_settings(ServerOptions(), str(tmp_path), str(tmp_path), tmp_path)[0]
    run = Run("jobs/a", 1, content_and_style("c", "s"), TransferOptions(), ProgressOptions())
    port = worker.PipePort(pipe, run, settings, SimpleNamespace(answer=answer))
    began = time.monotonic()
    while time.monotonic() - began < 0.8:
        port.check_cancelled()
    assert 2 <= answers() <= 5, "each takes 0.02 s"
