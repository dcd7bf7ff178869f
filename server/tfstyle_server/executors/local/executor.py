"""Runs jobs in worker processes on this machine: keeps one alive for each device, and knows which runs which job.

Everything here runs on the event loop's thread. Nothing blocks it except starting a process.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import Counter
from dataclasses import dataclass

from tfstyle.errors import Violation
from tfstyle.inputs import Inputs, Size
from tfstyle.options import TransferOptions
from tfstyle.v1.style_transfer_pb2 import Started
from tfstyle_server.background import Background
from tfstyle_server.executors.decoding import takes_too_long
from tfstyle_server.executors.executor import End, Listener, Refused, Run, Update
from tfstyle_server.executors.local.messages import (
    Alive,
    Cancel,
    CannotStart,
    Decoding,
    Estimate,
    Estimated,
    Ready,
    Report,
    Retiring,
)
from tfstyle_server.executors.local.process import WorkerProcess
from tfstyle_server.executors.local.questions import Questions
from tfstyle_server.executors.local.settings import WorkerSettings
from tfstyle_server.executors.local.watchdog import Watchdog

log = logging.getLogger("tfstyle.front")

MOST_FAILED_STARTS = 3
"""A device is given up after this number of failed starts in a row, if no worker has ever started on it."""
LONGEST_PAUSE = 60.0
"""The longest time between two starts of a worker in seconds. It begins with 1 and doubles after each failed start."""
EXIT_SECONDS = 60.0
"""How long a worker that retires may take to exit before it is killed."""
EXTRA_UPDATES = 10
"""Updates of an attempt besides one for each evaluation."""
LONGEST_SILENCE = 86400.0
"""How long a worker may announce to be silent, in seconds."""
CANCEL_SECONDS = 10.0
"""How long a worker may take to stop a job, for instance in the middle of an evaluation, before it is killed."""


@dataclass
class Device:
    """A device with one worker. A worker that ends is replaced, after a pause where it could not start."""

    settings: WorkerSettings
    has_worked: bool = False
    failed_starts: int = 0
    given_up: bool = False


class LocalExecutor:
    """Worker processes, one for each of `settings`. Implements `tfstyle_server.executors.executor.Executor`.

    A worker is killed that does not start within `start_seconds`, or has a job and gives no sign of life for
    `silence_seconds` and the time that the job is expected to take.
    """

    def __init__(self, settings: list[WorkerSettings], start_seconds: float, silence_seconds: float) -> None:
        self._start_seconds, self._silence_seconds = start_seconds, silence_seconds
        self._watchdog: Watchdog[WorkerProcess] = Watchdog(self._on_silent)
        self._expected: dict[WorkerProcess, float] = {}
        """{worker with a job: seconds that it may be silent in addition}."""
        self._updates: Counter[WorkerProcess] = Counter()
        """{worker with a job: updates that it has sent}."""
        self._decoding: dict[WorkerProcess, str] = {}
        """{worker with a job: the picture that it has decoded last, or is decoding}."""
        self._devices = [Device(each) for each in settings]
        self._listener: Listener
        self._workers: dict[WorkerProcess, Device] = {}
        self._starting: set[WorkerProcess] = set()
        self._idle: list[WorkerProcess] = []
        self._busy: dict[WorkerProcess, Run] = {}
        self._retiring: set[WorkerProcess] = set()
        self._reasons: dict[WorkerProcess, str] = {}
        """{worker: why it cannot start, or why it was killed}."""
        self._questions = Questions()
        self._stopping = False
        self._background = Background()

    @property
    def capacity(self) -> int:
        """As in `Executor`."""
        return len(self._devices)

    @property
    def idle(self) -> int:
        """As in `Executor`."""
        return len(self._idle)

    @property
    def processes(self) -> list[tuple[str, int]]:
        """(device, process ID) of each worker."""
        return [(worker.settings.device, worker.pid) for worker in list(self._workers) if worker.pid is not None]

    def start(self, listener: Listener) -> None:
        """As in `Executor`."""
        self._listener = listener
        for device in self._devices:
            self._start_worker(device)

    def stop(self) -> None:
        """As in `Executor`."""
        self._stopping = True
        self._background.cancel()
        for worker in self._workers:
            worker.kill()
        for worker in self._workers:  # so that none outlives the server
            worker.wait()

    def run(self, run: Run) -> None:
        """As in `Executor`."""
        if not self._idle:
            self._listener.on_lost(run.job, run.attempt, "its worker process ended before the job could start")
            return
        worker = self._idle.pop(0)
        self._busy[worker] = run
        self._updates[worker] = 0
        self._expected[worker] = 0.0
        self._heard_from(worker)
        self._background.start(worker.send(run))

    def cancel(self, job: str) -> None:
        """As in `Executor`. Kills a worker that does not stop the job in time."""
        for worker, run in self._busy.items():
            if run.job == job:
                self._background.start(worker.send(Cancel(job)))
                self._background.start(self._kill_unless_stopped(worker, run))

    async def estimate(self, sizes: Inputs[Size], options: TransferOptions, regions: int) -> Started:
        """As in `Executor`."""
        return await self._questions.ask(Estimate(sizes, options, regions), self._idle, self._busy)

    async def _kill_unless_stopped(self, worker: WorkerProcess, run: Run) -> None:
        await asyncio.sleep(CANCEL_SECONDS)
        if self._busy.get(worker) is run:
            log.warning("worker %s did not stop a cancelled job within %.0f s: killed", worker.pid, CANCEL_SECONDS)
            worker.kill()

    def _heard_from(self, worker: WorkerProcess) -> None:
        if worker in self._busy:
            self._watchdog.expect(worker, self._silence_seconds + self._expected[worker])

    def _on_silent(self, worker: WorkerProcess, seconds: float) -> None:
        doing = "start" if worker in self._starting else "end" if worker in self._retiring else "give a sign of life"
        self._reasons[worker] = f"its process did not {doing} within {seconds:.0f} s"
        log.error("worker %s is killed: %s", worker.pid, self._reasons[worker])
        worker.kill()

    def _start_worker(self, device: Device) -> None:
        try:
            worker = WorkerProcess(device.settings, self._on_report, self._on_exit)
        except (OSError, RuntimeError) as error:  # no more processes, threads, files or memory
            self._restart_later(device, f"its process cannot be started: {getattr(error, 'strerror', None) or error}")
            return
        self._workers[worker] = device
        self._starting.add(worker)
        self._watchdog.expect(worker, self._start_seconds)
        log.info("worker %s starts on %s", worker.pid, device.settings.device)

    async def _start_after(self, device: Device, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._start_worker(device)

    def _on_report(self, worker: WorkerProcess, report: Report) -> None:
        if worker in self._reasons:
            return  # it is about to end, and must not get another job
        if not self._may_report(worker, report):
            self._reasons[worker] = f"its process reported {type(report).__name__} out of turn"
            log.error("worker %s is killed: %s", worker.pid, self._reasons[worker])
            worker.kill()
            return
        match report:
            case Ready(network):
                log.info("worker %s is ready: %s", worker.pid, network.note or f"network {network.name}")
                device = self._workers[worker]
                device.has_worked, device.failed_starts = True, 0
                self._starting.discard(worker)
                self._watchdog.rest(worker)
                self._idle.append(worker)
                self._listener.on_ready(network)
                self._listener.on_idle()
            case CannotStart(reason, permanent):
                self._reasons[worker] = reason
                if permanent and not any(device.has_worked for device in self._devices):
                    self._listener.on_broken(reason)
            case Retiring():
                self._retiring.add(worker)
            case Decoding(picture):
                self._decoding[worker] = picture
                self._heard_from(worker)
            case Alive(seconds):
                self._expected[worker] = min(max(seconds, 0.0), LONGEST_SILENCE)
                self._heard_from(worker)
            case Estimated():
                self._questions.answer(worker, report)
            case Update():
                self._updates[worker] += 1
                self._heard_from(worker)
                self._listener.on_update(report)
            case _:
                self._on_end(worker, report)

    def _may_report(self, worker: WorkerProcess, report: Report) -> bool:
        """Whether a report fits what the worker is doing: it speaks of the job that it has, and of no other."""
        run = self._busy.get(worker)
        match report:
            case Ready() | CannotStart():
                return worker in self._starting
            case Retiring() | Decoding() | Alive():
                return run is not None
            case Estimated():
                return self._questions.is_asked(worker)
            case Update() if run is not None and self._updates[worker] > run.options.max_evaluations + EXTRA_UPDATES:
                return False
            case _:
                return run is not None and (report.job, report.attempt) == (run.job, run.attempt)

    def _on_end(self, worker: WorkerProcess, end: End) -> None:
        del self._busy[worker]
        self._decoding.pop(worker, None)
        self._listener.on_end(end)
        if worker in self._retiring:
            self._watchdog.expect(worker, EXIT_SECONDS)
        else:
            self._watchdog.rest(worker)
            self._idle.append(worker)
            self._listener.on_idle()

    def _on_exit(self, worker: WorkerProcess, exit_code: int | None) -> None:
        device = self._workers.pop(worker)
        self._questions.lose(worker)
        self._retiring.discard(worker)
        self._watchdog.rest(worker)
        self._expected.pop(worker, None)
        self._updates.pop(worker, None)
        what = "process ended while it started" if worker in self._starting else "worker process ended"
        reason = self._reasons.pop(worker, f"its {what} (exit code {exit_code})")
        if worker in self._idle:
            self._idle.remove(worker)
        if self._stopping:
            return
        log.log(logging.INFO if exit_code == 0 else logging.WARNING, "worker %s ended: %s", worker.pid, exit_code)
        run = self._busy.pop(worker, None)
        picture = self._decoding.pop(worker, None)
        if run is not None and picture is not None and exit_code == -signal.SIGXCPU:
            # Another attempt would end in the same way.
            why = Violation(picture, takes_too_long(device.settings.decode_seconds))
            self._listener.on_end(Refused(run.job, run.attempt, (why,)))
        elif run is not None:
            self._listener.on_lost(run.job, run.attempt, reason)
        if worker in self._starting:
            self._starting.remove(worker)
            self._restart_later(device, reason)
        else:
            self._start_worker(device)

    def _restart_later(self, device: Device, reason: str) -> None:
        """Handle a failed start: try again after a pause, or give up a device that has never worked."""
        device.failed_starts += 1
        name = device.settings.device
        if not device.has_worked and device.failed_starts >= MOST_FAILED_STARTS:
            device.given_up = True
            log.error("device %s is given up: %s", name, reason)
            if all(each.given_up for each in self._devices):
                self._listener.on_broken(f"no worker can start: {reason}")
                return
        if not self._idle and not self._busy:
            self._listener.on_unready()
        if device.given_up:
            return
        pause = min(2.0 ** (device.failed_starts - 1), LONGEST_PAUSE)
        log.error("no worker on %s: %s; trying again in %.0f s", name, reason, pause)
        self._background.start(self._start_after(device, pause))
