"""The reports of a worker process as bytes.

A worker decodes strangers' pictures. What it sends is parsed as a message of `worker.proto`, and never unpickled: one
that somebody has taken over can then say something wrong, but run nothing in the front process.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest

from tfstyle.errors import Violation
from tfstyle.v1 import worker_pb2 as wire
from tfstyle.v1.style_transfer_pb2 import JobEvent
from tfstyle_server.executors.executor import Done, End, Exhausted, Failed, Refused, Stopped, Unprepared, Update
from tfstyle_server.executors.local.messages import (
    Alive,
    CannotStart,
    Decoding,
    Estimated,
    NoDevice,
    Ready,
    Report,
    Retiring,
)
from tfstyle_server.executors.piped_process import UnreadableError
from tfstyle_server.plan import IMAGE_PREFIX
from tfstyle_server.wire_size import TooMuchError, check_rest

MOST_BYTES = 16 * 2**20
"""The largest report. A preview has a few megabytes."""
MOST_REST = 256 * 1024
"""What a report may have besides its preview."""
MOST_VIOLATIONS, LONGEST_TEXT = 50, 2000
"""What of a refusal reaches the caller."""
MOST_RESULT = 2**30
"""The largest result in bytes."""
_DIGEST = re.compile("[0-9a-f]{64}")


class WireError(UnreadableError):
    """The bytes are not a report."""


def encode(report: Report) -> bytes:
    """The bytes of a report."""
    return bytes(_message(report).SerializeToString())


def _message(report: Report) -> wire.Report:
    match report:
        case Ready(network):
            return wire.Report(ready=wire.Ready(network=network))
        case CannotStart(reason, permanent):
            return wire.Report(cannot_start=wire.CannotStart(reason=reason, permanent=permanent))
        case NoDevice(reason):
            return wire.Report(no_device=wire.NoDevice(reason=reason))
        case Retiring():
            return wire.Report(retiring=Empty())
        case Decoding(picture):
            return wire.Report(decoding=wire.Decoding(picture=picture))
        case Alive(seconds):
            expected = Duration()
            expected.FromNanoseconds(round(seconds * 1e9))
            return wire.Report(alive=wire.Alive(expected=expected))
        case Estimated():
            return wire.Report(estimated=_estimated_message(report))
        case Update(job, attempt, event, reached, preview):
            return wire.Report(
                update=wire.Update(job=job, attempt=attempt, event=event, reached=reached, preview=preview)
            )
        case _:
            return wire.Report(end=_end_message(report))


def _estimated_message(report: Estimated) -> wire.Estimated:
    if report.started is not None:
        return wire.Estimated(started=report.started)
    if report.unprepared:
        return wire.Estimated(unprepared=report.unprepared)
    return wire.Estimated(refused=_refused(report.violations))


def _refused(violations: Iterable[Violation]) -> BadRequest:
    return BadRequest(
        field_violations=[
            BadRequest.FieldViolation(field=violation.field, description=violation.description)
            for violation in violations
        ]
    )


def _end_message(end: End) -> wire.End:
    message = wire.End(job=end.job, attempt=end.attempt)
    match end:
        case Done():
            message.done.CopyFrom(end.event.result)
        case Stopped():
            message.stopped.SetInParent()
        case Refused():
            message.refused.CopyFrom(_refused(end.violations))
        case Unprepared():
            message.unprepared = end.reason
        case Failed():
            message.failed = end.reason
        case Exhausted():
            message.exhausted = end.reason
    return message


def decode(data: bytes) -> Report:
    """The report that `encode` made bytes of. Raises `WireError`."""
    try:
        check_rest(data, wire.Report.DESCRIPTOR, MOST_REST)
        message = wire.Report.FromString(data)
    except TooMuchError:
        raise WireError(f"it has more than {MOST_REST} bytes besides a preview") from None
    except DecodeError as error:
        raise WireError(str(error)) from None
    match message.WhichOneof("report"):
        case "ready":
            return Ready(message.ready.network)
        case "cannot_start":
            return CannotStart(message.cannot_start.reason, message.cannot_start.permanent)
        case "no_device":
            return NoDevice(message.no_device.reason)
        case "retiring":
            return Retiring()
        case "decoding":
            return Decoding(message.decoding.picture[:LONGEST_TEXT])
        case "alive":
            return Alive(message.alive.expected.ToNanoseconds() / 1e9)
        case "update" if message.update.event.WhichOneof("event") in ("started", "progress"):
            update = message.update
            if update.event.HasField("progress"):
                update.event.progress.ClearField("preview")  # it has a field of its own, and is not stored
                _check_kept(update.event.progress.preview_image, update.preview)
            return Update(update.job, update.attempt, update.event, update.reached, update.preview)
        case "end":
            return _end(message.end)
        case "estimated" if message.estimated.WhichOneof("answer") is not None:
            return _estimated(message.estimated)
        case other:
            raise WireError(f"it says nothing that a worker may say ({other})")


def _estimated(message: wire.Estimated) -> Estimated:
    match message.WhichOneof("answer"):
        case "started":
            return Estimated(started=message.started)
        case "refused":
            return Estimated(violations=_violations(message.refused))
        case _:
            return Estimated(unprepared=message.unprepared)


def _check_kept(name: str, preview: bytes) -> None:
    """Raise `WireError` where a preview is said to be kept as another picture, which its caller could then read."""
    if name and not (preview and name == f"{IMAGE_PREFIX}{hashlib.sha256(preview).hexdigest()}"):
        raise WireError("its preview is not the one that is kept")


def _end(message: wire.End) -> End:
    job, attempt = message.job, message.attempt
    match message.WhichOneof("how"):
        case "done":
            if not _DIGEST.fullmatch(message.done.digest) or not 0 < message.done.size <= MOST_RESULT:
                raise WireError("its result has no digest, or no possible size")
            return Done(job, attempt, JobEvent(result=message.done))
        case "stopped":
            return Stopped(job, attempt)
        case "refused":
            return Refused(job, attempt, _violations(message.refused))
        case "unprepared":
            return Unprepared(job, attempt, message.unprepared)
        case "failed":
            return Failed(job, attempt, message.failed)
        case "exhausted":
            return Exhausted(job, attempt, message.exhausted)
        case _:
            raise WireError("it does not say how the job ended")


def _violations(refused: BadRequest) -> tuple[Violation, ...]:
    return tuple(
        Violation(each.field[:LONGEST_TEXT], each.description[:LONGEST_TEXT])
        for each in refused.field_violations[:MOST_VIOLATIONS]
    )
