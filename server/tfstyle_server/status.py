"""Errors as gRPC statuses with details a program can read (google.rpc, AIP-193)."""

from __future__ import annotations

from collections.abc import Iterable

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from tfstyle.errors import Violation


def invalid_argument(violations: Iterable[Violation]) -> grpc.Status:
    """INVALID_ARGUMENT with a BadRequest that names every field at fault."""
    violations = tuple(violations)
    details = error_details_pb2.BadRequest(
        field_violations=[
            error_details_pb2.BadRequest.FieldViolation(field=violation.field, description=violation.description)
            for violation in violations
        ]
    )
    return _status(grpc.StatusCode.INVALID_ARGUMENT, "; ".join(map(str, violations)), details)


def resource_exhausted(message: str, retry_after: float) -> grpc.Status:
    """RESOURCE_EXHAUSTED with a RetryInfo; `retry_after` in seconds."""
    delay = Duration()
    delay.FromMilliseconds(round(retry_after * 1000))
    return _status(grpc.StatusCode.RESOURCE_EXHAUSTED, message, error_details_pb2.RetryInfo(retry_delay=delay))


def failed_precondition(kind: str, subject: str, message: str) -> grpc.Status:
    """FAILED_PRECONDITION with a PreconditionFailure of one violation."""
    violation = error_details_pb2.PreconditionFailure.Violation(type=kind, subject=subject, description=message)
    details = error_details_pb2.PreconditionFailure(violations=[violation])
    return _status(grpc.StatusCode.FAILED_PRECONDITION, message, details)


def unavailable(message: str) -> grpc.Status:
    """UNAVAILABLE: the same request may succeed if it is sent again."""
    return _status(grpc.StatusCode.UNAVAILABLE, message)


def internal(message: str) -> grpc.Status:
    """INTERNAL: a bug or a broken machine; the log has the cause."""
    return _status(grpc.StatusCode.INTERNAL, message)


def cancelled(message: str) -> grpc.Status:
    """CANCELLED, by the server."""
    return _status(grpc.StatusCode.CANCELLED, message)


def _status(code: grpc.StatusCode, message: str, *details: Message) -> grpc.Status:
    packed = []
    for detail in details:
        any_message = AnyMessage()
        any_message.Pack(detail)
        packed.append(any_message)
    return rpc_status.to_status(status_pb2.Status(code=code.value[0], message=message, details=packed))
