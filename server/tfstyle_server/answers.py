"""What a call is answered that raised an exception: its status."""

from __future__ import annotations

import errno
import logging
import sqlite3

from google.rpc import status_pb2

from tfstyle.errors import InvalidInputError, Violation
from tfstyle_server import status
from tfstyle_server.admission import LimitError
from tfstyle_server.blobs import BlobDamagedError, StoreUnavailableError
from tfstyle_server.executors.executor import NoAnswerError, UnpreparedError
from tfstyle_server.receiving import TooSlowError
from tfstyle_server.records import NotEndedError, RequestIdTakenError, UnknownJobError
from tfstyle_server.security import UnauthenticatedError
from tfstyle_server.states import State
from tfstyle_server.watches import CompactedError, StoppingError

log = logging.getLogger("tfstyle.front")

STORE_RETRY_SECONDS = 5.0


class JobEndedError(Exception):
    """The job of a call has ended without a result; `status` says why."""

    def __init__(self, why: status_pb2.Status) -> None:
        super().__init__(why.message)
        self.status = why


class UnknownImageError(Exception):
    """There is no such image, or it is another caller's."""


class NoResultError(Exception):
    """The job is in a state in which it has no result."""

    def __init__(self, name: str, state: State) -> None:
        super().__init__(f"{name} has no result: it is {state.name.lower()}")
        self.name = name


def status_of(error: Exception) -> status_pb2.Status:
    """The status for an exception. The details of an unexpected one go to the log and not to the caller."""
    match error:
        case InvalidInputError():
            return status.invalid_argument(error.violations)
        case JobEndedError():
            return error.status
        case NoResultError():
            return status.failed_precondition("STATE", error.name, str(error))
        case RequestIdTakenError():
            return status.invalid_argument([Violation("request_id", "was used for another transfer; choose a new one")])
        case UnknownJobError():
            return status.not_found(f"there is no job {str(error)[:100]!r}")
        case UnknownImageError():
            return status.not_found(f"there is no image {str(error)[:100]!r}")
        case UnpreparedError():
            return status.failed_precondition("WEIGHTS", "network", str(error))
        case NoAnswerError():
            return status.unavailable(str(error))
        case NotEndedError():
            return status.failed_precondition("STATE", str(error), f"{error} has not ended; cancel it first")
        case LimitError():
            return status.resource_exhausted(error.reason, str(error), error.retry_after)
        case CompactedError():
            return status.out_of_range("EVENTS_COMPACTED", str(error), oldest_sequence=str(error.oldest))
        case UnauthenticatedError():
            return status.unauthenticated(str(error))
        case TooSlowError():
            return status.deadline_exceeded("the request did not arrive in time")
        case StoppingError():
            return status.unavailable("the server is stopping")
        case StoreUnavailableError():
            log.error("the store of pictures cannot be used: %s", error.strerror)
            return status.unavailable("the server's store of pictures cannot be reached", STORE_RETRY_SECONDS)
        case BlobDamagedError():
            log.error("lost a picture: %s", error)
            return status.data_loss("the picture is missing or damaged on the server's disk")
        case (
            sqlite3.OperationalError(sqlite_errorcode=sqlite3.SQLITE_FULL) | OSError(errno=errno.ENOSPC | errno.EDQUOT)
        ):
            log.error("a request cannot be stored: %s", error)
            return status.resource_exhausted("DISK_FULL", "the server's disk is full", 60.0)
        case sqlite3.Error():
            log.error("the database cannot be used: %s", error)
            return status.internal("the server cannot use its database; its log has the cause")
        case _:
            log.error("a call failed", exc_info=error)
            return status.internal("the call failed inside the server; its log has the cause")
