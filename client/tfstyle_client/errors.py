"""The errors of the client, with one-line messages, and how they are made from gRPC statuses."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from tfstyle.errors import TfstyleError, Violation


class ClientError(TfstyleError):
    """Base of the client's errors. `code` is the gRPC status code's name, such as "UNAVAILABLE"."""

    def __init__(self, message: str, code: str = "UNKNOWN") -> None:
        super().__init__(message)
        self.code = code


class BadRequestError(ClientError):
    """The input is invalid (INVALID_ARGUMENT). `violations` name each field by its path."""

    def __init__(self, violations: Sequence[Violation], message: str = "") -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(map(str, self.violations)) or message, "INVALID_ARGUMENT")


def refusal(field: str, why: str) -> BadRequestError:
    """The error for one field that cannot be used."""
    return BadRequestError([Violation(field, why)])


class FailedPreconditionError(ClientError):
    """The server lacks what the request needs, such as weights (FAILED_PRECONDITION)."""


class UnauthenticatedError(ClientError):
    """The server does not accept the caller's token or certificate (UNAUTHENTICATED)."""


class ServerBusyError(ClientError):
    """The server accepts no more requests now (RESOURCE_EXHAUSTED). `retry_after` is in seconds, or None.

    `reason` is the server's own word for it, such as "QUEUE_FULL", or "".
    """

    def __init__(self, message: str, retry_after: float | None, reason: str = "") -> None:
        self.retry_after = retry_after
        self.reason = reason
        advice = "" if retry_after is None else f"; try again in about {retry_after:.0f} s"
        super().__init__(message + advice, "RESOURCE_EXHAUSTED")


class ServerUnreachableError(ClientError):
    """There is no connection to the server, or it was lost during the call (UNAVAILABLE)."""


class DeadlineExceededError(ClientError):
    """The deadline passed before the result was complete (DEADLINE_EXCEEDED)."""


class CallCancelledError(ClientError):
    """The call was cancelled, by the client or by the server (CANCELLED)."""


class JobNotFoundError(ClientError):
    """There is no such job or picture: it never existed, is another caller's, or was deleted (NOT_FOUND)."""


_BY_CODE: dict[str, type[ClientError]] = {
    "FAILED_PRECONDITION": FailedPreconditionError,
    "UNAUTHENTICATED": UnauthenticatedError,
    "NOT_FOUND": JobNotFoundError,
    "UNAVAILABLE": ServerUnreachableError,
    "DEADLINE_EXCEEDED": DeadlineExceededError,
    "CANCELLED": CallCancelledError,
}


def from_rpc_error(error: grpc.RpcError) -> ClientError:
    """The exception for a failed call, with the details that the server attached."""
    code: grpc.StatusCode = error.code()
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceededError("timeout: the deadline passed before the result was complete", code.name)
    details = details_of(error)
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in details:
        # gRPC itself refused the message, before the server could say which picture is too large.
        why = "the pictures together are larger than the server accepts; it takes more with --max-image-bytes"
        return BadRequestError((), f"pictures: {why}")
    return from_status(_status_of(error))


def details_of(error: grpc.RpcError) -> str:
    """The text of a failed call's status, in one line."""
    return " ".join((error.details() or error.code().name).split())


def from_status(status: status_pb2.Status) -> ClientError:
    """The exception for a `google.rpc.Status` with its details: that of a call, or that of a failed job."""
    code = code_pb2.Code.Name(status.code)
    message = " ".join((status.message or code).split())
    if code == "INVALID_ARGUMENT":
        return BadRequestError(_violations(status), message)
    if code == "RESOURCE_EXHAUSTED":
        return ServerBusyError(message, _retry_after(status), _reason(status))
    kind = _BY_CODE.get(code)
    return kind(message, code) if kind else ClientError(f"{message} ({code})", code)


def _status_of(error: grpc.RpcError) -> status_pb2.Status:
    code: grpc.StatusCode = error.code()
    try:
        status: status_pb2.Status | None = rpc_status.from_call(error)
    except ValueError:  # the status contradicts its details
        status = None
    return status or status_pb2.Status(code=code.value[0], message=error.details() or "")


def _details(status: status_pb2.Status, kind: type) -> list:  # type: ignore[type-arg]
    found = []
    for detail in status.details:
        message = kind()
        if detail.Unpack(message):
            found.append(message)
    return found


def _violations(status: status_pb2.Status) -> list[Violation]:
    return [
        Violation(violation.field, violation.description)
        for detail in _details(status, error_details_pb2.BadRequest)
        for violation in detail.field_violations
    ]


def _retry_after(status: status_pb2.Status) -> float | None:
    for detail in _details(status, error_details_pb2.RetryInfo):
        return float(detail.retry_delay.ToTimedelta().total_seconds())
    return None


def _reason(status: status_pb2.Status) -> str:
    return next((str(detail.reason) for detail in _details(status, error_details_pb2.ErrorInfo)), "")
