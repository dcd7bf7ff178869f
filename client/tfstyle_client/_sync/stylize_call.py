# Generated from _async/stylize_call.py by client/unasync.py; edit that file instead.
"""A transfer in progress."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc

from tfstyle_client._sync.connection import Connection
from tfstyle_client.channel import call_cancellation
from tfstyle_client.errors import ClientError
from tfstyle_client.events import Event, Result
from tfstyle_client.readers import StylizeReader


class StylizeCall:
    """A transfer in progress: iterate over its events, or wait for its `result`.

    To leave the iteration does not cancel the transfer; `cancel` does, and stops the computation on the server.
    """

    def __init__(self, connection: Connection, call: Any) -> None:
        self._connection = connection
        self._call = call
        self._reader = StylizeReader()

    def __iter__(self) -> Iterator[Event]:
        """Every event as it arrives, the `Result` last. Raises `ClientError`."""
        answered = finished = False
        try:
            with call_cancellation():
                for message in self._call:
                    answered = True
                    event = self._reader.read(message)
                    if event is not None:
                        finished = isinstance(event, Result)
                        yield event
        except grpc.RpcError as error:
            raise self._connection.failure(error, answered=answered) from None
        if not finished:
            raise ClientError("the server ended the call without a result", "DATA_LOSS")

    def result(self) -> Result:
        """Wait for the result. Raises `ClientError`."""
        for event in self:
            if isinstance(event, Result):
                return event
        raise AssertionError("the iteration raises where there is no result")

    def cancel(self) -> None:
        """Stop the transfer; whoever iterates over it gets a `CallCancelledError`."""
        self._call.cancel()
