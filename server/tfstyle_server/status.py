"""gRPC statuses with machine-readable details (google.rpc, AIP-193)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from tfstyle.errors import Violation
from tfstyle_server.transport import Context

DOMAIN = "tfstyle"


def invalid_argument(violations: Iterable[Violation]) -> status_pb2.Status:
    """INVALID_ARGUMENT with a BadRequest that names every invalid field."""
    violations = tuple(violations)
    details = error_details_pb2.BadRequest(
        field_violations=[
            error_details_pb2.BadRequest.FieldViolation(field=violation.field, description=violation.description)
            for violation in violations
        ]
    )
    return _status(grpc.StatusCode.INVALID_ARGUMENT, "; ".join(map(str, violations)), details)


def resource_exhausted(reason: str, message: str, retry_after: float | None = None) -> status_pb2.Status:
    """RESOURCE_EXHAUSTED with an ErrorInfo of `reason`, and a RetryInfo where a retry may help, in `retry_after` s."""
    details = [error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN)]
    if retry_after is not None:
        details.append(_retry_info(retry_after))
    return _status(grpc.StatusCode.RESOURCE_EXHAUSTED, message, *details)


def failed_precondition(kind: str, subject: str, message: str) -> status_pb2.Status:
    """FAILED_PRECONDITION with a PreconditionFailure of one violation."""
    violation = error_details_pb2.PreconditionFailure.Violation(type=kind, subject=subject, description=message)
    details = error_details_pb2.PreconditionFailure(violations=[violation])
    return _status(grpc.StatusCode.FAILED_PRECONDITION, message, details)


def unavailable(message: str, retry_after: float = 1.0) -> status_pb2.Status:
    """UNAVAILABLE with a RetryInfo: the same call may succeed when it is repeated after `retry_after` seconds."""
    return _status(grpc.StatusCode.UNAVAILABLE, message, _retry_info(retry_after))


def not_found(message: str) -> status_pb2.Status:
    """NOT_FOUND: the resource does not exist, or belongs to another caller."""
    return _status(grpc.StatusCode.NOT_FOUND, message)


def data_loss(message: str) -> status_pb2.Status:
    """DATA_LOSS: stored data is missing or damaged, and no retry helps."""
    return _status(grpc.StatusCode.DATA_LOSS, message)


def unauthenticated(message: str) -> status_pb2.Status:
    """UNAUTHENTICATED: the caller has no valid credentials."""
    return _status(grpc.StatusCode.UNAUTHENTICATED, message)


def out_of_range(reason: str, message: str, **metadata: str) -> status_pb2.Status:
    """OUT_OF_RANGE with an ErrorInfo of `reason`."""
    details = error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=metadata)
    return _status(grpc.StatusCode.OUT_OF_RANGE, message, details)


def internal(message: str) -> status_pb2.Status:
    """INTERNAL: a bug or a hardware fault; the log has the cause."""
    return _status(grpc.StatusCode.INTERNAL, message)


def deadline_exceeded(message: str) -> status_pb2.Status:
    """DEADLINE_EXCEEDED: the server has waited too long for the request."""
    return _status(grpc.StatusCode.DEADLINE_EXCEEDED, message)


def cancelled(message: str) -> status_pb2.Status:
    """CANCELLED: the job was cancelled."""
    return _status(grpc.StatusCode.CANCELLED, message)


def code_of(status: status_pb2.Status) -> grpc.StatusCode:
    """The status's code as gRPC has it."""
    return next((code for code in grpc.StatusCode if code.value[0] == status.code), grpc.StatusCode.UNKNOWN)


async def abort(context: Context, status: status_pb2.Status, *metadata: tuple[str, str]) -> NoReturn:
    """End a call with a status, its details, and further trailing metadata."""
    answer = rpc_status.to_status(status)
    await context.abort(answer.code, answer.details, (*answer.trailing_metadata, *metadata))
    raise AssertionError("abort raises")


def _retry_info(seconds: float) -> error_details_pb2.RetryInfo:
    delay = Duration()
    delay.FromMilliseconds(round(seconds * 1000))
    return error_details_pb2.RetryInfo(retry_delay=delay)


def _status(code: grpc.StatusCode, message: str, *details: Message) -> status_pb2.Status:
    packed = []
    for detail in details:
        any_message = AnyMessage()
        any_message.Pack(detail)
        packed.append(any_message)
    return status_pb2.Status(code=code.value[0], message=message, details=packed)
