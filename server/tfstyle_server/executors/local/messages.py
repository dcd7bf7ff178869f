"""What the front and a worker say to each other, over a pipe between the two processes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tfstyle.errors import Violation
from tfstyle.options import ProgressOptions, TransferOptions
from tfstyle.v1.style_transfer_pb2 import JobEvent


@dataclass(frozen=True)
class WorkerSettings:
    """What a worker is told when it starts; fields as in `ServerOptions`."""

    device: str
    network: str
    weights: str | None
    max_image_bytes: int
    max_pixels: int
    memory: int | None
    recycle_after: int
    checkpoint_seconds: float
    compiled_code: Path | None


@dataclass(frozen=True)
class Run:
    """To a worker: make this picture. The options have been checked; `content` and `style` are blobs of `blobs`.

    `attempt` goes into all that is said of it. `checkpoints` is a folder of the job's own.
    """

    job: str
    attempt: int
    content: str
    style: str
    options: TransferOptions
    progress: ProgressOptions
    blobs: Path
    checkpoints: Path


@dataclass(frozen=True)
class Cancel:
    """To a worker: stop this job, if it is still running."""

    job: str


@dataclass(frozen=True)
class Ready:
    """From a worker: it has loaded the network and takes jobs. `network` says which, in words."""

    network: str


@dataclass(frozen=True)
class CannotStart:
    """From a worker: it ends; `reason` is one line for a person. `lasting`: no other with these settings will work."""

    reason: str
    lasting: bool


@dataclass(frozen=True)
class Retiring:
    """From a worker, before the end of a job: it has compiled enough and ends with this job; start another."""


@dataclass(frozen=True)
class News:
    """From a worker: an event of a running job; sequence and time are not set.

    `reached` is how many evaluations have been made, in this process and before; `preview` a PNG, or empty.
    """

    job: str
    attempt: int
    event: JobEvent
    reached: int
    preview: bytes = b""


@dataclass(frozen=True)
class Done:
    """From a worker: the job's result event. The PNG is in the blobs."""

    job: str
    attempt: int
    event: JobEvent


@dataclass(frozen=True)
class Stopped:
    """From a worker: it was told to stop the job, and has."""

    job: str
    attempt: int


@dataclass(frozen=True)
class Refused:
    """From a worker: the job's input cannot be used."""

    job: str
    attempt: int
    violations: tuple[Violation, ...]


@dataclass(frozen=True)
class Unprepared:
    """From a worker: the server lacks what the job needs; `reason` is one line with the ways out."""

    job: str
    attempt: int
    reason: str


@dataclass(frozen=True)
class Failed:
    """From a worker: the job broke, by no fault of its input. The worker goes on."""

    job: str
    attempt: int
    reason: str


End = Done | Stopped | Refused | Unprepared | Failed
"""What a worker's turn at a job ends with."""
Command = Run | Cancel
Report = Ready | CannotStart | Retiring | News | End
