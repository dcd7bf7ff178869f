"""What goes into the store of jobs, what comes out of it, and its errors."""

from __future__ import annotations

from dataclasses import dataclass

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server.plan import Plan
from tfstyle_server.states import State


class UnknownJobError(Exception):
    """There is no such job, or it belongs to another caller."""


class RequestIdTakenError(Exception):
    """The caller has used the request id for another transfer."""


class NotEndedError(Exception):
    """The job has not ended."""


@dataclass(frozen=True)
class NewJob:
    """A job to create. `bytes` is the size of the plan's pictures together, `trace` where its spans belong."""

    name: str
    owner: str
    request_id: str | None
    fingerprint: str
    attached: bool
    plan: Plan[str]
    bytes: int
    trace: str = ""


@dataclass(frozen=True)
class Unfinished:
    """A job that has not ended.

    `number` is in the order of creation, `plan` as `plan_from_proto` takes it, `trace` as in `NewJob`.
    """

    number: int
    name: str
    owner: str
    state: State
    attached: bool
    plan: pb.StylizeRequest
    shorthand: bool
    trace: str


@dataclass(frozen=True)
class Entry:
    """An event to record. `attempt` is that of the worker that reports it; None for the server's own events.

    `preview_bytes` is the size of the preview that comes with it, which counts where that is kept.
    """

    name: str
    event: pb.JobEvent
    attempt: int | None = None
    preview_bytes: int = 0


@dataclass(frozen=True)
class Stored:
    """A recorded event: `data` is the serialised JobEvent, `last` tells whether it ended the job."""

    sequence: int
    data: bytes
    last: bool
