"""Keeps one worker process for each device alive, and knows which of them is at which job.

Everything here runs on the event loop's thread, and nothing blocks it but the start of a process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from tfstyle_server.messages import Cancel, CannotStart, End, News, Ready, Report, Retiring, Run, WorkerSettings
from tfstyle_server.worker_process import WorkerProcess

log = logging.getLogger("tfstyle.front")

MOST_FAILED_STARTS = 3
"""In a row, of a device that has never worked, before it is given up."""
LONGEST_PAUSE = 60.0
"""Seconds between two starts of a worker, which begin with one and double with each that fails."""
HEARING_SECONDS = 10.0
"""How long a worker may take to obey, in the midst of an evaluation, before it is ended."""


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


@dataclass
class Place:
    """Where a worker works: one device. A worker that ends is replaced, if need be after a pause."""

    settings: WorkerSettings
    has_worked: bool = False
    failed_starts: int = 0
    given_up: bool = False


class WorkerPool:
    """One worker process for each of `settings`, started again where it ends."""

    def __init__(self, settings: list[WorkerSettings], employer: Employer) -> None:
        self._places = [Place(each) for each in settings]
        self._employer = employer
        self._workers: dict[WorkerProcess, Place] = {}
        self._starting: set[WorkerProcess] = set()
        self._idle: list[WorkerProcess] = []
        self._busy: dict[WorkerProcess, tuple[str, int]] = {}
        self._retiring: set[WorkerProcess] = set()
        self._reasons: dict[WorkerProcess, str] = {}
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def size(self) -> int:
        """How many workers there are when all are well."""
        return len(self._places)

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
        for place in self._places:
            self._start_worker(place)

    def stop(self) -> None:
        """End all workers at once."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
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
        """Tell the worker that is at `job`, if there is one, to stop; one that does not hear is ended."""
        for worker, (running, attempt) in self._busy.items():
            if running == job:
                self._soon(worker.send(Cancel(job)))
                self._soon(self._end_if_deaf(worker, (job, attempt)))

    async def _end_if_deaf(self, worker: WorkerProcess, turn: tuple[str, int]) -> None:
        await asyncio.sleep(HEARING_SECONDS)
        if self._busy.get(worker) == turn:
            log.warning("worker %s does not hear that its job was cancelled: it is ended", worker.pid)
            worker.kill()

    def _start_worker(self, place: Place) -> None:
        try:
            worker = WorkerProcess(place.settings, self._heard, self._ended)
        except OSError as error:  # no more processes, files or memory
            self._start_again(place, f"its process cannot be started: {error.strerror or error}")
            return
        self._workers[worker] = place
        self._starting.add(worker)
        log.info("worker %s starts on %s", worker.pid, place.settings.device)

    async def _start_later(self, place: Place, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._start_worker(place)

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _heard(self, worker: WorkerProcess, report: Report) -> None:
        match report:
            case Ready(network):
                log.info("worker %s is ready: %s", worker.pid, network)
                place = self._workers[worker]
                place.has_worked, place.failed_starts = True, 0
                self._starting.discard(worker)
                self._idle.append(worker)
                self._employer.worker_ready()
                self._employer.worker_idle()
            case CannotStart(reason, lasting):
                self._reasons[worker] = reason
                if lasting and not any(place.has_worked for place in self._places):
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
        place = self._workers.pop(worker)
        self._retiring.discard(worker)
        reason = self._reasons.pop(worker, f"its process ends as it starts (exit code {exit_code})")
        if worker in self._idle:
            self._idle.remove(worker)
        if self._stopping:
            return
        log.log(logging.INFO if exit_code == 0 else logging.WARNING, "worker %s ended: %s", worker.pid, exit_code)
        lost = self._busy.pop(worker, None)
        if lost is not None and lost[1]:
            self._employer.worker_lost(*lost, f"its worker process ended (exit code {exit_code})")
        if worker in self._starting:
            self._starting.remove(worker)
            self._start_again(place, reason)
        else:
            self._start_worker(place)

    def _start_again(self, place: Place, reason: str) -> None:
        """A start has failed: try again in a while, unless the device has never worked."""
        place.failed_starts += 1
        device = place.settings.device
        if not place.has_worked and place.failed_starts >= MOST_FAILED_STARTS:
            place.given_up = True
            log.error("device %s is given up: %s", device, reason)
            if all(each.given_up for each in self._places):
                self._employer.cannot_work(f"no worker can start: {reason}")
            return
        pause = min(2.0 ** (place.failed_starts - 1), LONGEST_PAUSE)
        log.error("no worker on %s: %s; trying again in %.0f s", device, reason, pause)
        self._soon(self._start_later(place, pause))
