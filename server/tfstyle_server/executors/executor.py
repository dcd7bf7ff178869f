"""The interface between the server's jobs and whatever runs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tfstyle.errors import Violation
from tfstyle.inputs import Inputs, Size
from tfstyle.options import ProgressOptions, TransferOptions
from tfstyle.v1.style_transfer_pb2 import JobEvent, Network, Started


@dataclass(frozen=True)
class Run:
    """One attempt at a job. The pictures of `inputs` are digests of blobs; the options have been checked.

    `preset` is the one that the caller named.
    """

    job: str
    attempt: int
    inputs: Inputs[str]
    options: TransferOptions
    progress: ProgressOptions
    preset: str = "default"


@dataclass(frozen=True)
class Update:
    """An event of a running job, without sequence number and time.

    `reached` is the number of evaluations made so far, in this attempt and earlier ones. `preview` is the file of a
    preview, or empty.
    """

    job: str
    attempt: int
    event: JobEvent
    reached: int
    preview: bytes = b""


@dataclass(frozen=True)
class Done:
    """The job has a result: `event` is its result event, and the PNG is among the blobs."""

    job: str
    attempt: int
    event: JobEvent


@dataclass(frozen=True)
class Stopped:
    """The job was stopped, as requested."""

    job: str
    attempt: int


@dataclass(frozen=True)
class Refused:
    """The job's input cannot be used. Fields are named as the engine names them."""

    job: str
    attempt: int
    violations: tuple[Violation, ...]


@dataclass(frozen=True)
class Unprepared:
    """The server lacks something that the job needs, such as weights; `reason` is one line that names the fix."""

    job: str
    attempt: int
    reason: str


@dataclass(frozen=True)
class Failed:
    """The job failed through no fault of its input; `reason` is one line."""

    job: str
    attempt: int
    reason: str


@dataclass(frozen=True)
class Exhausted:
    """The memory of the worker's device did not suffice; `reason` is one line that names the size and the fix."""

    job: str
    attempt: int
    reason: str


End = Done | Stopped | Refused | Unprepared | Failed | Exhausted
"""How an attempt ends, unless its worker is lost."""


class NoAnswerError(Exception):
    """No worker can answer now; `str()` of it says why."""


class UnpreparedError(Exception):
    """The server lacks something that the transfer needs; `str()` of it names the fix, in one line."""


class Listener(Protocol):
    """What an executor reports to. All methods are called on the event loop's thread."""

    def on_ready(self, network: Network) -> None:
        """A worker has started, and has loaded `network`."""

    def on_unready(self) -> None:
        """No worker is left, and one could not start."""

    def on_idle(self) -> None:
        """A worker is idle: `Executor.idle` has grown."""

    def on_update(self, update: Update) -> None:
        """A running job has an event."""

    def on_end(self, end: End) -> None:
        """An attempt has ended, and its worker is about to be idle."""

    def on_lost(self, job: str, attempt: int, reason: str) -> None:
        """An attempt has ended without an `End`, because its worker did; `reason` is one line."""

    def on_broken(self, reason: str) -> None:
        """No worker will ever start; `reason` is one line."""


class Executor(Protocol):
    """Runs jobs on workers, each worker one job at a time. For use on the event loop's thread."""

    @property
    def capacity(self) -> int:
        """The number of jobs that can run at once when all workers are well."""

    @property
    def idle(self) -> int:
        """The number of jobs that can be started now."""

    def start(self, listener: Listener) -> None:
        """Start the workers, and report to `listener` from now on."""

    def stop(self) -> None:
        """End all workers at once. Nothing is reported any more."""

    def run(self, run: Run) -> None:
        """Start an attempt. It ends with `Listener.on_end` or `Listener.on_lost`, in any case once.

        If no worker is idle any more, it ends with `on_lost`.
        """

    def demand(self, waiting: int) -> None:
        """So many jobs wait that could be started. An executor that can have more workers may start some."""

    def cancel(self, job: str) -> None:
        """Stop a running job soon. Does nothing where the job is not running."""

    async def estimate(self, sizes: Inputs[Size], options: TransferOptions, regions: int) -> Started:
        """What a transfer of pictures of these sizes would be, in which so many regions have styles of their own.

        Raises `InvalidInputError` with fields as the engine names them, `UnpreparedError`, `NoAnswerError`.
        """
