"""What the front and a worker say to each other, over a pipe between the two processes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tfstyle.errors import Violation
from tfstyle.options import ProgressOptions, TransferOptions
from tfstyle.v1.style_transfer_pb2 import StylizeEvent


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
    compiled_code: Path | None


@dataclass(frozen=True)
class Run:
    """To a worker: make this picture. The options have been checked."""

    job: str
    content: bytes
    style: bytes
    options: TransferOptions
    progress: ProgressOptions


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
    """From a worker: it will never work with these settings; `reason` is one line for a person."""

    reason: str


@dataclass(frozen=True)
class Retiring:
    """From a worker, before the end of a job: it has compiled enough and ends with this job; start another."""


@dataclass(frozen=True)
class News:
    """From a worker: an event of a running job; sequence and time are not set."""

    job: str
    event: StylizeEvent


@dataclass(frozen=True)
class Done:
    """From a worker: the job's result event and the PNG."""

    job: str
    event: StylizeEvent
    png: bytes


@dataclass(frozen=True)
class Cancelled:
    """From a worker: the job was cancelled and its computation has stopped."""

    job: str


@dataclass(frozen=True)
class Refused:
    """From a worker: the job's input cannot be used."""

    job: str
    violations: tuple[Violation, ...]


@dataclass(frozen=True)
class Unprepared:
    """From a worker: the server lacks what the job needs; `reason` is one line with the ways out."""

    job: str
    reason: str


@dataclass(frozen=True)
class Failed:
    """From a worker: the job broke, by no fault of its input. The worker goes on."""

    job: str
    reason: str


End = Done | Cancelled | Refused | Unprepared | Failed
"""What a job ends with."""
Command = Run | Cancel
Report = Ready | CannotStart | Retiring | News | End
