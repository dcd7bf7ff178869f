"""What a transfer reports, as plain records; and the reader that makes them from the stream."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from tfstyle.options import TransferOptions
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.conversion import options_from_proto
from tfstyle_client.errors import CallCancelledError, ClientError, from_status


@dataclass(frozen=True)
class Losses:
    """`total` is weighted; `parts` (content, style, tv, gamut) and `by_layer` are before their weights."""

    total: float
    parts: Mapping[str, float]
    by_layer: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Accepted:
    """The request waits; `position` requests are before it."""

    position: int


@dataclass(frozen=True)
class Started:
    """A worker begins: the `network` by name, where its weights came from, their SHA-256, a `note` for a person.

    `memory` in bytes and `expected` in seconds are estimates, compiling not counted; `tiled` where the
    picture is too large to be seen whole.
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


@dataclass(frozen=True)
class Progress:
    """After `evaluation` of `max_evaluations`. Times in seconds; `remaining` is None where it cannot be told yet.
    `preview` is a PNG, or None.
    """

    evaluation: int
    max_evaluations: int
    losses: Losses
    elapsed: float
    remaining: float | None
    preview: bytes | None


@dataclass(frozen=True)
class Result:
    """The end. `png` is whole and agrees with `digest` (SHA-256); `losses` are those of the 8-bit picture."""

    png: bytes
    digest: str
    width: int
    height: int
    losses: Losses
    evaluations: int
    elapsed: float


@dataclass(frozen=True)
class Interrupted:
    """A worker or the server has ended under the job, which goes on by itself; evaluations may be told again."""

    reason: str


Event = Accepted | Started | Progress | Interrupted | Result


@dataclass(frozen=True)
class JobStatus:
    """A job as it stands. `state` is queued, running, succeeded, failed or cancelled; times are UTC.

    `position` jobs are before it in the queue; `attempts` counts the workers that have begun it; `sequence` is
    the number of its latest event. `error` says why it has failed, `digest` is the result's SHA-256.
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


def job_status(message: pb.Job) -> JobStatus:
    """The record for `message`."""

    def time(field: str) -> datetime | None:
        return getattr(message, field).ToDatetime(UTC) if message.HasField(field) else None

    return JobStatus(
        message.name,
        pb.Job.State.Name(message.state).removeprefix("STATE_").lower(),
        message.create_time.ToDatetime(UTC),
        time("start_time"),
        time("end_time"),
        message.position,
        message.attempts,
        message.sequence,
        _started(message.started) if message.HasField("started") else None,
        _progress(message.progress) if message.HasField("progress") else None,
        message.error.message if message.HasField("error") else None,
        message.result.digest or None,
    )


class JobReader:
    """Makes records from the messages of one job's watches, of which there may be several after one another.

    `after` is the number of the last event seen, `result` is set once the job has succeeded.
    """

    def __init__(self, after: int) -> None:
        self.after = after
        self.result: pb.Result | None = None
        self._oldest = 1

    def read(self, message: pb.JobEvent) -> Event | None:
        """The record for `message`; None for one that has none. Raises the `ClientError` that the job ended with."""
        kind = message.WhichOneof("event")
        if kind == "job":
            self._oldest = message.job.oldest_sequence
            return None
        self.after = message.sequence
        match kind:
            case "accepted":
                return Accepted(message.accepted.position)
            case "started":
                return _started(message.started)
            case "progress":
                return _progress(message.progress)
            case "interrupted":
                return Interrupted(message.interrupted.reason)
            case "result":
                self.result = message.result
            case "failed":
                raise from_status(message.failed)
            case "cancelled":
                raise CallCancelledError(message.cancelled.reason, "CANCELLED")
        return None

    def skip_compacted(self) -> None:
        """Go on with the oldest event that the server has, where those before are no longer kept."""
        self.after = max(self.after, self._oldest - 1)


class ResultReader:
    """Puts the chunks of a result together, which may come in several calls."""

    def __init__(self, result: pb.Result) -> None:
        self._result = result
        self._png = bytearray()

    @property
    def offset(self) -> int:
        """Where the next chunk begins."""
        return len(self._png)

    def add(self, chunk: pb.Chunk) -> Result | None:
        """Take the next chunk; gives the result with the last one. Raises `ClientError` where it is damaged."""
        if chunk.offset != len(self._png):
            raise ClientError("the server's result came in disorder", "DATA_LOSS")
        self._png += chunk.data
        if len(self._png) < self._result.size:
            return None
        png, result = bytes(self._png), self._result
        if hashlib.sha256(png).hexdigest() != result.digest:
            raise ClientError("the result was damaged on its way", "DATA_LOSS")
        elapsed = result.elapsed.ToTimedelta().total_seconds()
        losses = _losses(result.delivered)
        return Result(png, result.digest, result.width, result.height, losses, result.evaluations, elapsed)


class EventReader:
    """Makes records from the messages of one call to Stylize, and the result from its chunks."""

    def __init__(self) -> None:
        self._result: ResultReader | None = None

    def read(self, message: pb.StylizeEvent) -> Event | None:
        """The record for `message`; None for one that is only a part. Raises `ClientError` on a damaged result."""
        match message.WhichOneof("event"):
            case "accepted":
                return Accepted(message.accepted.position)
            case "started":
                return _started(message.started)
            case "progress":
                return _progress(message.progress)
            case "result":
                self._result = ResultReader(message.result)
            case "chunk":
                if self._result is None:
                    raise ClientError("the server's result came in disorder", "DATA_LOSS")
                return self._result.add(message.chunk)
        return None  # a part, or an event of a newer server


def _started(message: pb.Started) -> Started:
    network = message.network
    options = TransferOptions(**options_from_proto(message.options))
    return Started(
        network.name,
        network.origin,
        network.digest,
        network.note,
        message.width,
        message.height,
        message.max_evaluations,
        options,
        message.memory,
        message.expected.ToTimedelta().total_seconds(),
        message.tiled,
    )


def _progress(message: pb.Progress) -> Progress:
    return Progress(
        message.evaluation,
        message.max_evaluations,
        _losses(message.losses),
        message.elapsed.ToTimedelta().total_seconds(),
        message.remaining.ToTimedelta().total_seconds() if message.HasField("remaining") else None,
        message.preview or None,
    )


def _losses(message: pb.Losses) -> Losses:
    return Losses(
        message.total,
        {part.name: part.value for part in message.parts},
        {part.name: dict(part.by_layer) for part in message.parts},
    )
