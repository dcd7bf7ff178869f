"""What a transfer reports, as plain records; and the reader that makes them from the stream."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from tfstyle.options import TransferOptions
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.conversion import options_from_proto
from tfstyle_client.errors import ClientError


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
    steps: int
    options: TransferOptions
    memory: int
    expected: float
    tiled: bool


@dataclass(frozen=True)
class Progress:
    """After `evaluation` of `steps`. Times in seconds; `remaining` is None where it cannot be told yet.
    `preview` is a PNG, or None.
    """

    evaluation: int
    steps: int
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


Event = Accepted | Started | Progress | Result


class EventReader:
    """Makes records from the messages of one call, and the result from its chunks."""

    def __init__(self) -> None:
        self._result: pb.Result | None = None
        self._png = bytearray()

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
                self._result = message.result
                return None
            case "chunk":
                return self._add(message.chunk)
        return None  # an event of a newer server

    def _add(self, chunk: pb.Chunk) -> Result | None:
        if self._result is None or chunk.offset != len(self._png):
            raise ClientError("the server's result came in disorder", "DATA_LOSS")
        self._png += chunk.data
        if len(self._png) < self._result.size:
            return None
        png = bytes(self._png)
        if hashlib.sha256(png).hexdigest() != self._result.digest:
            raise ClientError("the result was damaged on its way", "DATA_LOSS")
        result = self._result
        elapsed = result.elapsed.ToTimedelta().total_seconds()
        losses = _losses(result.delivered)
        return Result(png, result.digest, result.width, result.height, losses, result.evaluations, elapsed)


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
        message.steps,
        options,
        message.memory,
        message.expected.ToTimedelta().total_seconds(),
        message.tiled,
    )


def _progress(message: pb.Progress) -> Progress:
    return Progress(
        message.evaluation,
        message.steps,
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
