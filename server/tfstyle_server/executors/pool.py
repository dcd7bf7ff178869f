"""Runs jobs on workers: keeps one alive for each device, and knows which runs which job.

Where the workers are is not its affair: they are processes of this machine, or actors of a cluster. Everything here
runs on the event loop's thread.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import Counter
from dataclasses import dataclass, replace

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
    Draining,
    Estimate,
    Estimated,
    NoDevice,
    Notice,
    Placed,
    Ready,
    Report,
    Retiring,
)
from tfstyle_server.executors.local.questions import Questions
from tfstyle_server.executors.local.settings import WorkerSettings
from tfstyle_server.executors.local.watchdog import Watchdog
from tfstyle_server.executors.places import Place, Places
from tfstyle_server.executors.worker import StartWorker, Worker

log = logging.getLogger("tfstyle.front")

EXIT_SECONDS = 60.0
"""How long a worker that retires may take to exit before it is killed."""
EXTRA_UPDATES = 10
"""Updates of an attempt besides one for each evaluation."""
LONGEST_SILENCE = 86400.0
"""How long a worker may announce to be silent, in seconds."""
OUT_OF_TIME = f"exit code {-signal.SIGXCPU}"
"""How a process ends that has used the processor time that it had to decode pictures."""
CANCEL_SECONDS = 10.0
"""How long a worker may take to stop a job, for instance in the middle of an evaluation, before it is killed."""


@dataclass(frozen=True)
class Scale:
    """How many workers there are: `least` always, more while jobs wait for one, fewer after `idle_seconds`."""

    least: int
    idle_seconds: float


class WorkerPool:
    """Workers made by `start_worker`, one for each of `settings`. Implements `executors.executor.Executor`.

    A worker is killed that does not start within `start_seconds`, or has a job and gives no sign of life for
    `silence_seconds` and the time that the job is expected to take. With `scale`, there are as many workers as are
    needed.

    Where `fallback` is None, the devices were asked for, and one that TensorFlow cannot use ends everything. Otherwise
    it is given up, and `fallback` takes the place of the last one.
    """

    def __init__(
        self,
        settings: list[WorkerSettings],
        start_worker: StartWorker,
        start_seconds: float,
        silence_seconds: float,
        scale: Scale | None = None,
        fallback: WorkerSettings | None = None,
    ) -> None:
        self._fallback, self._asked = fallback, fallback is None
        self._start_one = start_worker
        self._start_seconds, self._silence_seconds = start_seconds, silence_seconds
        self._scale = scale or Scale(len(settings), LONGEST_SILENCE)
        self._waiting = 0
        self._watchdog: Watchdog[Worker] = Watchdog(self._on_silent)
        self._unused: Watchdog[Worker] = Watchdog(self._on_unused)
        """Workers without a job, where some may be released."""
        self._expected: dict[Worker, float] = {}
        """{worker with a job: seconds that it may be silent in addition}."""
        self._updates: Counter[Worker] = Counter()
        """{worker with a job: updates that it has sent}."""
        self._places = Places(settings)
        self._decoding: dict[Worker, str] = {}
        """{worker with a job: the picture that it has decoded last, or is decoding}."""
        self._listener: Listener
        self._workers: dict[Worker, Place] = {}
        self._starting: set[Worker] = set()
        self._idle: list[Worker] = []
        self._busy: dict[Worker, Run] = {}
        self._retiring: set[Worker] = set()
        self._draining: set[Worker] = set()
        """Workers that shall end after the job that they have."""
        self._released: set[Worker] = set()
        """Workers that get no further job, and are not missed when they end."""
        self._reasons: dict[Worker, str] = {}
        """{worker: why it cannot start, or why it was killed}."""
        self._questions: Questions[Worker] = Questions()
        self._at_work = False
        """Between `start` and `stop`."""
        self._background = Background()

    @property
    def capacity(self) -> int:
        """As in `Executor`."""
        return max(1, self._places.left)

    @property
    def idle(self) -> int:
        """As in `Executor`."""
        return len(self._idle)

    @property
    def processes(self) -> list[tuple[str, int]]:
        """(device, process ID) of each worker that is a process of this machine."""
        workers = list(self._workers.items())
        return [(device.settings.device, worker.pid) for worker, device in workers if worker.pid is not None]

    def start(self, listener: Listener) -> None:
        """As in `Executor`."""
        self._listener = listener
        self._at_work = True
        self._grow(self._wanted)

    def stop(self) -> None:
        """As in `Executor`."""
        self._at_work = False
        self._background.cancel()
        for worker in self._workers:
            worker.kill()
        for worker in self._workers:  # so that none outlives the server
            worker.wait()

    def run(self, run: Run) -> None:
        """As in `Executor`."""
        if not self._idle:
            self._listener.on_lost(run.job, run.attempt, "its worker ended before the job could start")
            return
        worker = self._idle.pop(0)
        self._unused.rest(worker)
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

    def demand(self, waiting: int) -> None:
        """As in `Executor`."""
        self._waiting = waiting
        self._grow(self._wanted)

    async def estimate(self, sizes: Inputs[Size], options: TransferOptions, regions: int) -> Started:
        """As in `Executor`."""
        self._grow(1)
        return await self._questions.ask(Estimate(sizes, options, regions), self._idle, self._busy)

    @property
    def _wanted(self) -> int:
        """How many workers there should be: in any case one, until one has shown that they can start."""
        first = 0 if self._places.has_worked else 1
        return max(self._scale.least, len(self._busy) + self._waiting, first)

    def _grow(self, wanted: int) -> None:
        """Start workers where there are fewer than `wanted`, and places for them."""
        if self._at_work:
            for place in self._places.take(wanted):
                self._start_worker(place)

    async def _kill_unless_stopped(self, worker: Worker, run: Run) -> None:
        await asyncio.sleep(CANCEL_SECONDS)
        if self._busy.get(worker) is run:
            log.warning("worker %s did not stop a cancelled job within %.0f s: killed", worker.name, CANCEL_SECONDS)
            worker.kill()

    def _heard_from(self, worker: Worker) -> None:
        if worker in self._busy:
            self._watchdog.expect(worker, self._silence_seconds + self._expected[worker])

    def _on_silent(self, worker: Worker, seconds: float) -> None:
        doing = "start" if worker in self._starting else "end" if worker in self._retiring else "give a sign of life"
        self._kill_for(worker, f"its process did not {doing} within {seconds:.0f} s")

    def _kill_for(self, worker: Worker, reason: str) -> None:
        self._reasons[worker] = reason
        log.error("worker %s is killed: %s", worker.name, reason)
        worker.kill()

    def _may_be_unused(self, worker: Worker) -> None:
        """Look later whether a worker without a job is still needed."""
        if self._scale.least < len(self._places):
            self._unused.expect(worker, self._scale.idle_seconds)

    def _on_unused(self, worker: Worker, seconds: float) -> None:
        if len(self._workers) - len(self._released) > self._wanted:
            log.info("worker %s is released: it had no job for %.0f s", worker.name, seconds)
            self._release(worker)
        else:
            self._may_be_unused(worker)

    def _release(self, worker: Worker) -> None:
        """End a worker that has no job."""
        if worker in self._idle:
            self._idle.remove(worker)
        self._released.add(worker)
        worker.kill()

    def _start_worker(self, place: Place) -> None:
        try:
            worker = self._start_one(place.settings, self._on_report, self._on_exit)
        except (OSError, RuntimeError) as error:  # no more processes, threads, files or memory
            self._restart_later(place, f"its process cannot be started: {getattr(error, 'strerror', None) or error}")
            return
        self._workers[worker] = place
        self._starting.add(worker)
        self._may_be_unused(worker)
        if worker.placed:
            self._begin_start(worker, f"on {place.settings.device}")

    def _begin_start(self, worker: Worker, where: str) -> None:
        self._watchdog.expect(worker, self._start_seconds)
        log.info("worker %s starts %s", worker.name, where)

    async def _start_after(self, place: Place, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._start_worker(place)

    def _on_report(self, worker: Worker, report: Report | Notice) -> None:
        if worker in self._reasons or worker in self._released:
            return  # it is about to end, and must not get another job
        if not self._may_report(worker, report):
            self._kill_for(worker, f"its process reported {type(report).__name__} out of turn")
            return
        match report:
            case Placed(where):
                self._begin_start(worker, where)
            case Ready(network):
                log.info("worker %s is ready: %s", worker.name, network.note or f"network {network.name}")
                self._places.started(self._workers[worker])
                self._starting.discard(worker)
                self._watchdog.rest(worker)
                self._listener.on_ready(network)
                self._rest(worker)
            case CannotStart(reason, permanent):
                self._reasons[worker] = reason
                if permanent and not self._places.has_worked:
                    self._listener.on_broken(reason)
            case NoDevice(reason):
                self._reasons[worker] = reason
                self._on_no_device(self._workers[worker], reason)
            case Retiring():
                self._retiring.add(worker)
            case Draining():
                self._on_draining(worker)
            case Decoding(picture):
                self._decoding[worker] = picture
                self._heard_from(worker)
            case Alive(seconds):
                self._expected[worker] = min(max(seconds, 0.0), LONGEST_SILENCE)
                self._heard_from(worker)
            case Estimated():
                if report.started is not None:
                    report.started.device.note = self._workers[worker].settings.note
                self._questions.answer(worker, report)
            case Update():
                if report.event.HasField("started"):
                    report.event.started.device.note = self._workers[worker].settings.note
                self._updates[worker] += 1
                self._heard_from(worker)
                self._listener.on_update(report)
            case _:
                self._on_end(worker, report)

    def _may_report(self, worker: Worker, report: Report | Notice) -> bool:
        """Whether a report fits what the worker is doing: it speaks of the job that it has, and of no other."""
        run = self._busy.get(worker)
        match report:
            case Draining():
                return True
            case Ready() | CannotStart() | NoDevice() | Placed():
                return worker in self._starting
            case Retiring() | Decoding() | Alive():
                return run is not None
            case Estimated():
                return self._questions.is_asked(worker)
            case Update() if run is not None and self._updates[worker] > run.options.max_evaluations + EXTRA_UPDATES:
                return False
            case _:
                return run is not None and (report.job, report.attempt) == (run.job, run.attempt)

    def _on_draining(self, worker: Worker) -> None:
        """End the worker, after the job that it may have. What that does not finish goes on from its checkpoint."""
        log.info("worker %s gets no further job: its node is drained", worker.name)
        if worker in self._busy:
            self._draining.add(worker)
        else:
            self._release(worker)

    def _on_end(self, worker: Worker, end: End) -> None:
        del self._busy[worker]
        self._decoding.pop(worker, None)
        self._listener.on_end(end)
        if worker in self._retiring:
            self._watchdog.expect(worker, EXIT_SECONDS)
        elif worker in self._draining:
            self._release(worker)
        else:
            self._watchdog.rest(worker)
            self._rest(worker)

    def _rest(self, worker: Worker) -> None:
        """A worker has nothing to do."""
        self._idle.append(worker)
        self._may_be_unused(worker)
        self._listener.on_idle()

    def _on_exit(self, worker: Worker, how: str) -> None:
        place = self._workers.pop(worker)
        self._questions.lose(worker)
        self._watchdog.rest(worker)
        self._unused.rest(worker)
        self._expected.pop(worker, None)
        self._updates.pop(worker, None)
        what = "worker ended while it started" if worker in self._starting else "worker ended"
        reason = self._reasons.pop(worker, f"its {what} ({how})")
        if worker in self._idle:
            self._idle.remove(worker)
        if not self._at_work:
            return
        expected = worker in self._retiring or worker in self._released
        log.log(logging.INFO if expected else logging.WARNING, "worker %s ended: %s", worker.name, how)
        self._retiring.discard(worker)
        self._draining.discard(worker)
        run = self._busy.pop(worker, None)
        picture = self._decoding.pop(worker, None)
        if run is not None and picture is not None and how == OUT_OF_TIME:
            # Another attempt would end in the same way.
            why = Violation(picture, takes_too_long(place.settings.decode_seconds))
            self._listener.on_end(Refused(run.job, run.attempt, (why,)))
        elif run is not None:
            self._listener.on_lost(run.job, run.attempt, reason)
        failed = worker in self._starting and worker not in self._released
        self._starting.discard(worker)
        self._released.discard(worker)
        if failed:
            self._restart_later(place, reason)
        else:
            place.taken = False
        self._grow(self._wanted)

    def _restart_later(self, place: Place, reason: str) -> None:
        """Handle a failed start: try again after a pause, or give up the place."""
        pause, name = None if place.given_up else self._places.failed(place), place.settings.device
        if pause is None and self._is_end(place, reason):
            self._listener.on_broken(f"no worker can start: {reason}")
            return
        if not self._idle and not self._busy:
            self._listener.on_unready()
        if pause is not None:
            log.error("no worker on %s: %s; trying again in %.0f s", name, reason, pause)
            self._background.start(self._start_after(place, pause))

    def _on_no_device(self, place: Place, reason: str) -> None:
        """Handle a GPU that TensorFlow does not list. One that has worked may come back."""
        if place.has_worked:
            return
        self._places.give_up(place)
        if self._asked:
            self._listener.on_broken(reason)

    def _is_end(self, place: Place, reason: str) -> bool:
        """Whether no place is left after this one, which is given up. If there is a fallback, it takes the place."""
        log.error("device %s is given up: %s", place.settings.device, reason)
        if not self._places.given_up or self._fallback is None:
            return self._places.given_up
        note = f"computing on the processor: {reason.removeprefix('devices: ')}"
        log.warning(note)
        self._start_worker(self._places.instead(place, replace(self._fallback, note=note)))
        self._fallback = None
        return False
