"""Make records from the messages that a server streams."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from tfstyle.options import TransferOptions
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.conversion import options_from_proto
from tfstyle_client.errors import CallCancelledError, ClientError, from_status
from tfstyle_client.events import (
    Accepted,
    Device,
    Event,
    Interrupted,
    JobStatus,
    Losses,
    Progress,
    Result,
    Stage,
    Started,
)


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
        read_started(message.started) if message.HasField("started") else None,
        _progress(message.progress) if message.HasField("progress") else None,
        message.error.message if message.HasField("error") else None,
        message.result.digest or None,
    )


class JobReader:
    """Makes records from the messages of WatchJob, over all the calls that it takes to watch one job.

    `after` is the number of the last event read; `result` is set once the job has succeeded.
    """

    def __init__(self, after: int) -> None:
        self.after = after
        self.result: pb.Result | None = None
        self._oldest = 1

    def read(self, message: pb.JobEvent) -> Event | None:
        """The record for `message`, or None if it has none. Raises the `ClientError` with which the job ended."""
        kind = message.WhichOneof("event")
        if kind == "job":
            self._oldest = message.job.oldest_sequence
            return None
        self.after = message.sequence
        match kind:
            case "accepted":
                return Accepted(message.accepted.position)
            case "started":
                return read_started(message.started)
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
        """Continue with the oldest event that the server still keeps."""
        self.after = max(self.after, self._oldest - 1)


class ResultReader:
    """Joins the chunks of a result, which may arrive in several calls."""

    def __init__(self, result: pb.Result) -> None:
        self._result = result
        self._png = bytearray()

    @property
    def offset(self) -> int:
        """Where the next chunk begins, in bytes."""
        return len(self._png)

    def add(self, chunk: pb.Chunk) -> Result | None:
        """Add the next chunk; the result after the last one, else None. Raises `ClientError` if it is damaged."""
        if chunk.offset != len(self._png):
            raise ClientError("the chunks of the result arrived out of order", "DATA_LOSS")
        self._png += chunk.data
        if len(self._png) < self._result.size:
            return None
        png, result = bytes(self._png), self._result
        if hashlib.sha256(png).hexdigest() != result.digest:
            raise ClientError("the result was damaged in transit", "DATA_LOSS")
        elapsed = result.elapsed.ToTimedelta().total_seconds()
        losses = _losses(result.delivered)
        return Result(png, result.digest, result.width, result.height, losses, result.evaluations, elapsed)


class ImageReader:
    """Joins the chunks of the image `name`, which may arrive in several calls."""

    def __init__(self, name: str) -> None:
        self._digest = name.rpartition("/")[2]
        self._data = bytearray()

    @property
    def offset(self) -> int:
        """Where the next chunk begins, in bytes."""
        return len(self._data)

    def add(self, chunk: pb.Chunk) -> None:
        """Add the next chunk. Raises `ClientError` if it is another one."""
        if chunk.offset != len(self._data):
            raise ClientError("the chunks of the picture arrived out of order", "DATA_LOSS")
        self._data += chunk.data

    def image(self) -> bytes:
        """The picture, when all chunks are there. Raises `ClientError` if it is damaged."""
        image = bytes(self._data)
        if hashlib.sha256(image).hexdigest() != self._digest:
            raise ClientError("the picture was damaged in transit", "DATA_LOSS")
        return image


class StylizeReader:
    """Makes records from the messages of one Stylize call, and the result from its chunks."""

    def __init__(self) -> None:
        self._result: ResultReader | None = None

    def read(self, message: pb.StylizeEvent) -> Event | None:
        """The record for `message`, or None if it is only a part. Raises `ClientError` if the result is damaged."""
        match message.WhichOneof("event"):
            case "accepted":
                return Accepted(message.accepted.position)
            case "started":
                return read_started(message.started)
            case "progress":
                return _progress(message.progress)
            case "result":
                self._result = ResultReader(message.result)
            case "chunk":
                if self._result is None:
                    raise ClientError("the chunks of the result arrived out of order", "DATA_LOSS")
                return self._result.add(message.chunk)
        return None  # part of the result, or an event that a newer server sends


def read_started(message: pb.Started) -> Started:
    """The record for `message`."""
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
        tuple(message.warnings),
        tuple(Stage(each.network, each.width, each.height, each.evaluations) for each in message.stages),
        message.precision.name,
        message.precision.note,
        _device(message.device) if message.HasField("device") else None,
        message.tracing.ToTimedelta().total_seconds(),
    )


def _device(message: pb.Device) -> Device:
    return Device(message.name, message.gpu, message.tf32, message.repeatable, message.note)


def _progress(message: pb.Progress) -> Progress:
    return Progress(
        message.evaluation,
        message.max_evaluations,
        _losses(message.losses),
        message.elapsed.ToTimedelta().total_seconds(),
        message.remaining.ToTimedelta().total_seconds() if message.HasField("remaining") else None,
        message.preview or None,
        message.stage,
    )


def _losses(message: pb.Losses) -> Losses:
    return Losses(
        message.total,
        {part.name: part.weighted for part in message.parts},
        {part.name: part.value for part in message.parts},
        {part.name: dict(part.by_layer) for part in message.parts},
    )
