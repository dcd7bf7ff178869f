# Generated from _async/connection.py by client/unasync.py; edit that file instead.
"""A channel to one server: its calls, and what their failures mean."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import grpc

from tfstyle.v1 import style_transfer_pb2_grpc
from tfstyle_client.channel import call_cancellation, open_channel
from tfstyle_client.credentials import Credentials
from tfstyle_client.diagnosis import Diagnosis, diagnose
from tfstyle_client.errors import ClientError, ServerUnreachableError, details_of, from_rpc_error
from tfstyle_client.retry import Retry
from tfstyle_client.target import parse_target

OnRetry = Callable[[str], None]


class Connection:
    """The channel to the server at `address`, and its `stub`.

    Calls that have no side effects when repeated are retried while the server is unavailable, for `patience` seconds.
    `on_retry` is called with one line if that takes longer than a second. Raises `BadRequestError` for an address or
    credentials that cannot work.
    """

    def __init__(self, address: str, patience: float, credentials: Credentials, on_retry: OnRetry | None) -> None:
        self._target = parse_target(address)
        credentials.check(self._target)
        self._credentials = credentials
        self._patience = patience
        self._on_retry = on_retry
        self._channel = open_channel(self._target, credentials)
        self.stub = style_transfer_pb2_grpc.StyleTransferStub(self._channel)

    def close(self) -> None:
        """Close the channel; calls still open are cancelled."""
        self._channel.close()

    def retry(self) -> Retry:
        """The state of the retries of one call."""
        return Retry(self._patience)

    def call(self, attempt: Callable[[], Any]) -> Any:
        """The response to `attempt`, which is repeated while the server is unavailable. Raises `ClientError`."""
        retry = self.retry()
        while True:
            try:
                with call_cancellation():
                    return attempt()
            except grpc.RpcError as error:
                self.wait_or_raise(retry, error)

    def wait_or_raise(self, retry: Retry, error: grpc.RpcError) -> None:
        """Wait until the call that failed with `error` can be repeated. Raises `ClientError` if it cannot."""
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            raise from_rpc_error(error) from None
        found = self._diagnosis(error)
        delay = retry.next_delay() if found.may_pass or retry.has_begun else None
        if delay is None:
            raise self._unreachable(found) from None
        if retry.notice_is_due(delay) and self._on_retry is not None:
            self._on_retry(f"waiting for {self._target}, for up to {self._patience:.0f} s: {found.reason}")
        time.sleep(delay)

    def failure(self, error: grpc.RpcError, *, answered: bool) -> ClientError:
        """The exception for a call that failed with `error`; `answered` if the server had responded before."""
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            return from_rpc_error(error)
        if answered:
            message = f"server: the connection to {self._target} was lost: {details_of(error)}"
            return ServerUnreachableError(message, "UNAVAILABLE")
        return self._unreachable(self._diagnosis(error))

    def _diagnosis(self, error: grpc.RpcError) -> Diagnosis:
        found = diagnose(self._target, self._credentials)
        return found or Diagnosis(details_of(error), may_pass="CERTIFICATE_VERIFY_FAILED" not in details_of(error))

    def _unreachable(self, found: Diagnosis) -> ServerUnreachableError:
        return ServerUnreachableError(f"server: cannot connect to {self._target}: {found.reason}", "UNAVAILABLE")
