"""What a transfer reports, as plain records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tfstyle.options import TransferOptions


@dataclass(frozen=True)
class Losses:
    """`total` is the sum of `weighted`: what each part (content, style, tv, gamut) adds to it.

    `parts` and `by_layer` are the values before their weights.
    """

    total: float
    weighted: Mapping[str, float]
    parts: Mapping[str, float]
    by_layer: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Accepted:
    """The request waits for a worker; `position` requests are ahead of it."""

    position: int


@dataclass(frozen=True)
class Stage:
    """`evaluations` on one `network` at one scale, whose picture has `width` x `height` pixels."""

    network: str
    width: int
    height: int
    evaluations: int


@dataclass(frozen=True)
class Device:
    """What a worker computes on: the `name` of a GPU, or "CPU" and its instructions.

    `tf32` says that products of float32 numbers are rounded to TF32, `repeatable` that the same transfer gives the same
    bits again. `note` says why it is not a GPU although the machine has one, or is empty.
    """

    name: str
    gpu: bool
    tf32: bool
    repeatable: bool
    note: str

    def __str__(self) -> str:
        notes = [*(["TF32"] if self.tf32 else []), *([] if self.repeatable else ["not repeatable"])]
        return ", ".join([self.name, *notes])


@dataclass(frozen=True)
class Started:
    """A worker has started on the request. `digest` is the SHA-256 of the network's weights, `origin` their source.

    `note` explains the choice of the network, where that needs it. `memory` in bytes and `expected` in seconds
    are estimates; `tracing` is the part of the latter that is due to what is new to the worker, 0 from former releases.
    `tiled` says that the picture is computed in tiles, because it does not fit into memory as a whole. `warnings` are
    remarks on the pictures, a line each. `stages` are what it goes through. `precision` is that of the network's
    features ("" from a server of a former release); `precision_note` says why it is not the faster one. `device` is
    None from a server of a former release.
    """

    network: str
    origin: str
    digest: str
    note: str
    width: int
    height: int
    max_evaluations: int
    options: TransferOptions
    memory: int
    expected: float
    tiled: bool
    warnings: tuple[str, ...]
    stages: tuple[Stage, ...]
    precision: str
    precision_note: str
    device: Device | None = None
    tracing: float = 0.0


@dataclass(frozen=True)
class Progress:
    """The state after `evaluation` of `max_evaluations`.

    Times are in seconds; `remaining` is None while there is no estimate. `preview` is a PNG, or None. `stage` counts
    the stages from 1 (0 from a server of a former release); losses of different stages cannot be compared.
    """

    evaluation: int
    max_evaluations: int
    losses: Losses
    elapsed: float
    remaining: float | None
    preview: bytes | None
    stage: int


@dataclass(frozen=True)
class Result:
    """The finished picture. `digest` is the SHA-256 of `png`; `losses` are those of the 8-bit picture."""

    png: bytes
    digest: str
    width: int
    height: int
    losses: Losses
    evaluations: int
    elapsed: float


@dataclass(frozen=True)
class Interrupted:
    """The job's worker or the server stopped. The job resumes by itself; some evaluations may be reported again."""

    reason: str


Event = Accepted | Started | Progress | Interrupted | Result


@dataclass(frozen=True)
class JobStatus:
    """The status of a job. `state` is queued, running, succeeded, failed or cancelled; times are in UTC.

    `position` jobs are ahead of it in the queue; `attempts` is how many workers have started it; `sequence` is the
    number of its latest event. `error` says why it failed; `digest` is the SHA-256 of its result.
    """

    name: str
    state: str
    created: datetime
    began: datetime | None
    ended: datetime | None
    position: int
    attempts: int
    sequence: int
    started: Started | None
    progress: Progress | None
    error: str | None
    digest: str | None
