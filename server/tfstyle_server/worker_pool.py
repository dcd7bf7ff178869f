"""Keeps one worker process for each device alive, and knows which of them is at which job.

Everything here runs on the event loop's thread; nothing blocks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Protocol

from tfstyle_server.messages import Cancel, CannotStart, End, News, Ready, Report, Retiring, Run, WorkerSettings
from tfstyle_server.worker_process import WorkerProcess

log = logging.getLogger("tfstyle.front")

MOST_FAILED_STARTS = 3


class Employer(Protocol):
    """Whoever has work for the pool, and hears of it."""

    def worker_ready(self) -> None:
        """A worker has started."""

    def worker_idle(self) -> None:
        """A worker has nothing to do."""

    def worker_reported(self, job: str, attempt: int, report: News | End) -> None:
        """A worker has said something of its job; with an `End` it is free again."""

    def worker_lost(self, job: str, attempt: int, reason: str) -> None:
        """A worker process has ended under its job."""

    def cannot_work(self, reason: str) -> None:
        """No worker can ever start."""


class WorkerPool:
    """One worker process for each of `settings`, started again where it ends."""

    def __init__(self, settings: list[WorkerSettings], employer: Employer) -> None:
        self._settings = settings
        self._employer = employer
        self._idle: list[WorkerProcess] = []
        self._busy: dict[WorkerProcess, tuple[str, int]] = {}
        self._workers: set[WorkerProcess] = set()
        self._retiring: set[WorkerProcess] = set()
        self._failed_starts = 0
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def size(self) -> int:
        """How many workers there are when all are well."""
        return len(self._settings)

    @property
    def idle(self) -> int:
        """How many workers have nothing to do."""
        return len(self._idle)

    @property
    def busy(self) -> int:
        """How many workers are at a job."""
        return len(self._busy)

    @property
    def jobs(self) -> list[str]:
        """The jobs that workers are at."""
        return [job for job, _ in self._busy.values()]

    @property
    def processes(self) -> list[tuple[str, int]]:
        """(device, pid) of each worker."""
        return [(worker.settings.device, worker.pid) for worker in list(self._workers) if worker.pid is not None]

    def start(self) -> None:
        """Start the workers."""
        for settings in self._settings:
            self._start_worker(settings)

    def stop(self) -> None:
        """End all workers at once."""
        self._stopping = True
        for worker in self._workers:
            worker.kill()

    def reserve(self, job: str) -> WorkerProcess:
        """An idle worker, which is now `job`'s; `give` it the run, or `release` it."""
        worker = self._idle.pop(0)
        self._busy[worker] = (job, 0)
        return worker

    def give(self, worker: WorkerProcess, run: Run) -> None:
        """Let a reserved worker run."""
        if worker in self._busy:
            self._busy[worker] = (run.job, run.attempt)
            self._soon(worker.send(run))
        else:  # it has ended since
            self._employer.worker_lost(run.job, run.attempt, "its worker process ended before it could begin")

    def release(self, worker: WorkerProcess) -> None:
        """A reserved worker is not needed after all."""
        if self._busy.pop(worker, None) is not None:
            self._idle.append(worker)
            self._employer.worker_idle()

    def cancel(self, job: str) -> None:
        """Tell the worker that is at `job`, if there is one, to stop."""
        for worker, (running, _) in self._busy.items():
            if running == job:
                self._soon(worker.send(Cancel(job)))

    def _start_worker(self, settings: WorkerSettings) -> None:
        worker = WorkerProcess(settings, self._heard, self._ended)
        self._workers.add(worker)
        log.info("worker %s starts on %s", worker.pid, settings.device)

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _heard(self, worker: WorkerProcess, report: Report) -> None:
        match report:
            case Ready(network):
                log.info("worker %s is ready: %s", worker.pid, network)
                self._failed_starts = 0
                self._idle.append(worker)
                self._employer.worker_ready()
                self._employer.worker_idle()
            case CannotStart(reason):
                self._employer.cannot_work(reason)
            case Retiring():
                self._retiring.add(worker)
            case News(job, attempt):
                self._employer.worker_reported(job, attempt, report)
            case _:
                del self._busy[worker]
                self._employer.worker_reported(report.job, report.attempt, report)
                if worker not in self._retiring:
                    self._idle.append(worker)
                    self._employer.worker_idle()

    def _ended(self, worker: WorkerProcess, exit_code: int | None) -> None:
        self._workers.discard(worker)
        self._retiring.discard(worker)
        was_idle = worker in self._idle
        if was_idle:
            self._idle.remove(worker)
        if self._stopping:
            return
        log.log(logging.INFO if exit_code == 0 else logging.WARNING, "worker %s ended: %s", worker.pid, exit_code)
        lost = self._busy.pop(worker, None)
        if lost is not None and lost[1]:
            self._employer.worker_lost(*lost, f"its worker process ended (exit code {exit_code})")
        if lost is None and not was_idle and exit_code != 0:
            self._failed_starts += 1
            if self._failed_starts >= MOST_FAILED_STARTS:
                self._employer.cannot_work(f"worker processes end as they start (exit code {exit_code})")
                return
        self._start_worker(worker.settings)
