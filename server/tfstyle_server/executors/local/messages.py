"""The messages between the front and a worker, wherever it runs."""

from __future__ import annotations

from dataclasses import dataclass

from tfstyle.errors import Violation
from tfstyle.inputs import Inputs, Size
from tfstyle.options import TransferOptions
from tfstyle.v1.style_transfer_pb2 import Network, Started
from tfstyle_server.executors.executor import End, Run, Update


@dataclass(frozen=True)
class Cancel:
    """To a worker: stop this job, if it is still running."""

    job: str


@dataclass(frozen=True)
class Estimate:
    """To a worker: what would a transfer of pictures of these `sizes` be? It has one question at a time.

    So many `regions` have styles of their own.
    """

    sizes: Inputs[Size]
    options: TransferOptions
    regions: int


@dataclass(frozen=True)
class Estimated:
    """From a worker, to the question that it has: `started`, or why there is no such transfer."""

    started: Started | None = None
    violations: tuple[Violation, ...] = ()
    unprepared: str = ""


@dataclass(frozen=True)
class Ready:
    """From a worker: it has loaded `network` and accepts jobs."""

    network: Network


@dataclass(frozen=True)
class CannotStart:
    """From a worker that is about to end: `reason` is one line. `permanent` tells that a restart would not help."""

    reason: str
    permanent: bool


@dataclass(frozen=True)
class NoDevice:
    """From a worker that is about to end: TensorFlow cannot use its GPU; `reason` is one line that names the fix."""

    reason: str


@dataclass(frozen=True)
class Retiring:
    """From a worker, before the `End` of a job: it has traced enough sizes and ends after this job."""


@dataclass(frozen=True)
class Decoding:
    """From a worker with a job: it decodes this `picture` next, and ends by SIGXCPU where that takes too long."""

    picture: str


@dataclass(frozen=True)
class Alive:
    """From a worker with a job: it is at work, and the next sign of life may take some `seconds` longer than usual."""

    seconds: float


@dataclass(frozen=True)
class Placed:
    """From an executor, of a worker that had to wait for a place in a cluster: it starts, at `where`."""

    where: str


@dataclass(frozen=True)
class Draining:
    """From an executor: the worker's place is about to be taken away, so it shall get no further job."""


Command = Run | Cancel | Estimate
Report = Ready | CannotStart | NoDevice | Retiring | Decoding | Alive | Estimated | Update | End
Notice = Placed | Draining
