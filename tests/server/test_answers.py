"""Exceptions as statuses: what nobody expected is told to the log and to no caller."""

from __future__ import annotations

import errno
import logging
import sqlite3

import grpc
import pytest

from tfstyle_server.answers import status_of
from tfstyle_server.blobs import BlobDamagedError, StoreUnavailableError


def full() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (full(), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (sqlite3.OperationalError("no such column: secret"), grpc.StatusCode.INTERNAL),
        (OSError(errno.ENOSPC, "no space"), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (StoreUnavailableError(errno.EIO, "secret"), grpc.StatusCode.UNAVAILABLE),
        (BlobDamagedError("blob"), grpc.StatusCode.DATA_LOSS),
        (FileNotFoundError("secret"), grpc.StatusCode.INTERNAL),
        (sqlite3.DatabaseError("malformed secret"), grpc.StatusCode.INTERNAL),
        (RuntimeError("secret"), grpc.StatusCode.INTERNAL),
    ],
)
def test_answers(error: Exception, code: grpc.StatusCode, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = status_of(error)
    assert answer.code == code.value[0]
    assert "secret" not in answer.message
    assert (getattr(error, "strerror", None) or str(error)) in caplog.text
