"""What can go wrong between a client and a server, as exceptions with one-line messages."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tfstyle.errors import TfstyleError, Violation


class ClientError(TfstyleError):
    """Base of the client's errors. `code` is the gRPC status code's name, such as "UNAVAILABLE"."""

    def __init__(self, message: str, code: str = "UNKNOWN") -> None:
        super().__init__(message)
        self.code = code


class BadRequestError(ClientError):
    """The server refused the input (INVALID_ARGUMENT). `violations` name each field by its path."""

    def __init__(self, violations: Sequence[Violation], message: str = "") -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(map(str, self.violations)) or message, "INVALID_ARGUMENT")


class NotPreparedError(ClientError):
    """The server lacks what the request needs, such as weights (FAILED_PRECONDITION)."""


class ServerBusyError(ClientError):
    """The server takes no more requests now (RESOURCE_EXHAUSTED); `retry_after` seconds, where it says."""

    def __init__(self, message: str, retry_after: float | None) -> None:
        self.retry_after = retry_after
        advice = "" if retry_after is None else f"; try again in about {retry_after:.0f} s"
        super().__init__(message + advice, "RESOURCE_EXHAUSTED")


class ServerUnreachableError(ClientError):
    """No server answers at the address, or it has gone in the middle (UNAVAILABLE)."""


class OutOfTimeError(ClientError):
    """The deadline passed before the result was there (DEADLINE_EXCEEDED)."""


class CallCancelledError(ClientError):
    """The call was cancelled, here or by the server (CANCELLED)."""


_BY_CODE: dict[grpc.StatusCode, type[ClientError]] = {
    grpc.StatusCode.FAILED_PRECONDITION: NotPreparedError,
    grpc.StatusCode.UNAVAILABLE: ServerUnreachableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: OutOfTimeError,
    grpc.StatusCode.CANCELLED: CallCancelledError,
}


def from_rpc_error(error: grpc.RpcError, target: str, *, answered: bool) -> ClientError:
    """The exception for a failed call to `target`, with the details that the server attached.

    `answered` says whether the server had sent anything before.
    """
    code: grpc.StatusCode = error.code()
    message = " ".join((error.details() or code.name).split())
    if code is grpc.StatusCode.INVALID_ARGUMENT:
        return BadRequestError(_violations(error), message)
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return ServerBusyError(message, _retry_after(error))
    if code is grpc.StatusCode.UNAVAILABLE:
        message = f"server: {target} has gone: {message}" if answered else f"server: nothing answers at {target}"
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        message = "timeout: the deadline passed before the result was there"
    kind = _BY_CODE.get(code)
    return kind(message, code.name) if kind else ClientError(f"{message} ({code.name})", code.name)


def _details(error: grpc.RpcError, kind: type) -> list:  # type: ignore[type-arg]
    try:
        status = rpc_status.from_call(error)
    except ValueError:  # a status that contradicts its details
        return []
    found = []
    for detail in status.details if status else ():
        message = kind()
        if detail.Unpack(message):
            found.append(message)
    return found


def _violations(error: grpc.RpcError) -> list[Violation]:
    return [
        Violation(violation.field, violation.description)
        for detail in _details(error, error_details_pb2.BadRequest)
        for violation in detail.field_violations
    ]


def _retry_after(error: grpc.RpcError) -> float | None:
    for detail in _details(error, error_details_pb2.RetryInfo):
        return float(detail.retry_delay.ToTimedelta().total_seconds())
    return None
