"""The worker process: one device, one job at a time. Everything that touches pixels happens here.

It ends when the executor's end of the pipe closes, however the server died: it looks at the pipe between two
evaluations and while idle.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, Protocol

from tfstyle.errors import TfstyleError
from tfstyle.v1.style_transfer_pb2 import JobEvent
from tfstyle_server.devices import CPU
from tfstyle_server.executors import events
from tfstyle_server.executors.checkpoints import Checkpoints
from tfstyle_server.executors.decoding import DecodingTime
from tfstyle_server.executors.executor import Exhausted, Failed, Run, Update
from tfstyle_server.executors.local.estimating import Estimator
from tfstyle_server.executors.local.messages import (
    Alive,
    Cancel,
    CannotStart,
    Decoding,
    Estimate,
    NoDevice,
    Ready,
    Report,
    Retiring,
)
from tfstyle_server.executors.local.retirement import Retirement
from tfstyle_server.executors.local.settings import WorkerSettings
from tfstyle_server.executors.local.wire import encode
from tfstyle_server.executors.run_job import JobCancelled, PortClosedError, run_job
from tfstyle_server.heap import trim
from tfstyle_server.locations import open_blobs, open_checkpoints
from tfstyle_server.logs import configure_logging

if TYPE_CHECKING:
    from tfstyle.engine import Engine
    from tfstyle.tiled.crew import Crew

log = logging.getLogger("tfstyle.worker")

ALIVE_SECONDS = 1.0
"""The least time between two signs of life."""


class Channel(Protocol):
    """A worker's connection to the front. All methods raise `PortClosedError` where the front has gone."""

    def send(self, report: Report) -> None:
        """Send a report."""

    def receive(self) -> Any:
        """Wait for the next command and return it."""

    def has_command(self) -> bool:
        """Whether `receive` returns at once."""


class Pipe:
    """A worker's end of the pipe: a `Channel`, whose methods raise `PortClosedError` where the other end has closed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, report: Report) -> None:
        """Send a report."""
        self._guarded(self._connection.send_bytes, encode(report))

    def receive(self) -> Any:
        """Wait for the next command and return it."""
        return self._guarded(self._connection.recv)

    def has_command(self) -> bool:
        """Whether `receive` returns at once."""
        return bool(self._guarded(self._connection.poll))

    def _guarded(self, call: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise PortClosedError from None


Gather = Callable[[Callable[[], None]], AbstractContextManager["Crew | None"]]
"""Who computes the large pictures of a job together, given what is to be called again and again while they compute."""


def alone(check: Callable[[], None]) -> AbstractContextManager[Crew | None]:
    """Nobody else: a `Gather`."""
    return nullcontext()


class PipePort:
    """The surroundings of the job of `run` in a worker process; implements `tfstyle_server.executors.run_job.Port`."""

    def __init__(
        self, pipe: Channel, run: Run, settings: WorkerSettings, estimator: Estimator, gather: Gather = alone
    ) -> None:
        from tfstyle.images import ImageLimits

        self._pipe = pipe
        self._run = run
        self._estimator = estimator
        self._gather = gather
        self.blobs = open_blobs(settings.blobs)
        files = open_checkpoints(settings.checkpoints).of(run.job)
        self.checkpoints = Checkpoints(files, run.attempt, settings.checkpoint_seconds)
        self.limits = ImageLimits(settings.max_image_bytes, settings.max_pixels)
        self._decoding_time = DecodingTime(settings.decode_seconds)
        self._question: Estimate | None = None
        self._answers_from = 0.0
        self._expected = 0.0
        self._spoke = time.monotonic()

    def decoding(self, picture: str) -> AbstractContextManager[None]:
        """As in `Port`."""
        self._pipe.send(Decoding(picture))
        return self._decoding_time.limit()

    def expect(self, seconds: float) -> None:
        """As in `Port`."""
        self._expected = seconds
        self._say_alive()

    def _say_alive(self) -> None:
        self._spoke = time.monotonic()
        self._pipe.send(Alive(self._expected))

    def close(self) -> None:
        """Answer a question that has waited until the job's end."""
        if self._question is not None:
            self._pipe.send(self._estimator.answer(self._question))

    def report(self, event: JobEvent, reached: int, preview: bytes = b"") -> None:
        """As in `Port`."""
        self._pipe.send(Update(self._run.job, self._run.attempt, event, reached, preview))

    def crew(self) -> AbstractContextManager[Crew | None]:
        """As in `Port`."""
        return self._gather(self.check_cancelled)

    def check_cancelled(self) -> None:
        """As in `Port`."""
        if time.monotonic() - self._spoke >= ALIVE_SECONDS:
            self._say_alive()
        while self._pipe.has_command():
            command = self._pipe.receive()
            if isinstance(command, Cancel) and command.job == self._run.job:
                raise JobCancelled
            if isinstance(command, Estimate):
                self._question = command
        if self._question is not None and time.monotonic() >= self._answers_from:
            began = time.monotonic()
            self._pipe.send(self._estimator.answer(self._question))
            self._question = None
            # Whoever asks for one after another holds up the job by a tenth at most.
            self._answers_from = time.monotonic() + 9 * (time.monotonic() - began)


def main(pipe: int) -> None:
    """Run jobs for the executor at the other end of the open file `pipe` until it closes."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})  # as the process was started
    try:
        os.set_inheritable(pipe, False)  # so that no process of ours keeps it
        connection = Connection(pipe)
        settings = connection.recv()
        configure_logging(settings.log_format)
        set_environment(settings)
        serve(Pipe(connection), settings)
    except (EOFError, ConnectionError, PortClosedError):
        log.info("the server has gone; ending")


def set_environment(settings: WorkerSettings) -> None:
    """Tell TensorFlow, before it is imported, which device it may use."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "" if settings.device == CPU else settings.device
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if settings.device != CPU:
        # A job that is resumed gives the same picture. On a processor that needs no setting.
        os.environ["TF_DETERMINISTIC_OPS"] = str(int(settings.repeatable))


def set_rounding(settings: WorkerSettings) -> None:
    """Tell TensorFlow, once it has been imported, whether a GPU may round to TF32."""
    from tfstyle.tensorflow_backend import tf

    tf.config.experimental.enable_tensor_float_32_execution(settings.tf32)


def memory_budget(settings: WorkerSettings) -> int | Callable[[], int]:
    """The bytes that a transfer may take, or a function that computes them when a transfer begins."""
    if settings.memory is not None:
        return settings.memory
    from tfstyle import machine_memory

    return lambda: int(machine_memory.available_memory() * settings.memory_share)


def serve(pipe: Channel, settings: WorkerSettings, gather: Gather = alone) -> None:
    """Load the network and run jobs, until the worker is to be replaced. Raises `PortClosedError`.

    `gather` finds those who compute a large picture together with this worker.
    """
    engine = _start(pipe, settings)
    if engine is None:
        return
    estimator, retirement = Estimator(engine, settings), Retirement(settings)
    while True:
        command = pipe.receive()
        if isinstance(command, Estimate):
            pipe.send(estimator.answer(command))
        if isinstance(command, Run):
            traces = engine.traces
            port = PipePort(pipe, command, settings, estimator, gather)
            end = run_job(engine, command, port)
            port.close()
            retiring = False
            # A job that traces nothing adds no memory, so a worker that has all it needs stays.
            if engine.traces > traces:
                trim()
                estimator.settle()
                retiring = retirement.is_due()
            # TensorFlow gives no memory of a GPU back, and an error there may leave the process without a GPU.
            retiring |= isinstance(end, Exhausted) or (isinstance(end, Failed) and settings.device != CPU)
            if retiring:
                pipe.send(Retiring())  # before the end, so that no other job is sent here
            pipe.send(end)
            if retiring:
                return


def _start(pipe: Channel, settings: WorkerSettings) -> Engine | None:
    """The engine with the server's network loaded. None where that failed, which has then been reported."""
    try:
        from tfstyle.engine import Engine

        if settings.device != CPU and (report := _gpu_trouble(settings)) is not None:
            pipe.send(report)
            return None
        engine = Engine(settings.weights, memory=memory_budget(settings))
        choice, network = engine.network(settings.network)
    except TfstyleError as error:
        pipe.send(CannotStart(str(error), permanent=True))
    except ImportError as error:
        reason = f"the engine is not installed ({error}); pip install 'tfstyle[server]'"
        pipe.send(CannotStart(reason, permanent=True))
    except Exception as error:
        log.exception("cannot start")
        pipe.send(CannotStart(f"{type(error).__name__}: {error}", permanent=False))
    else:
        pipe.send(Ready(events.network_message(network, choice.note)))
        return engine
    return None


def _gpu_trouble(settings: WorkerSettings) -> NoDevice | CannotStart | None:
    """What to report of the GPU if it cannot be used. TensorFlow's settings for it are made."""
    from tfstyle import device

    set_rounding(settings)
    name = f"devices: GPU {settings.device} cannot be used"
    if why := device.why_no_gpu():
        return NoDevice(f"{name}: {why}")
    if why := device.why_gpu_fails():
        return CannotStart(f"{name}: {why}", permanent=False)
    log.info("computing on %s", device.current_device())
    return None


if __name__ == "__main__":
    main(int(sys.argv[1]))
    # The interpreter's own end takes 10 s with TensorFlow on a busy machine, and a process whose pipe has closed is
    # killed after 5. Nothing is left to do: reports are sent, and the executor deletes the temporary folder.
    logging.shutdown()
    os._exit(0)
