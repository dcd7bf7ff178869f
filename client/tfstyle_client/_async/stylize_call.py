"""A transfer in progress."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc

from tfstyle_client._async.connection import AsyncConnection
from tfstyle_client.channel import call_cancellation
from tfstyle_client.errors import ClientError
from tfstyle_client.events import Event, Result
from tfstyle_client.readers import StylizeReader


class AsyncStylizeCall:
    """A transfer in progress: iterate over its events, or wait for its `result`.

    To leave the iteration does not cancel the transfer; `cancel` does, and stops the computation on the server.
    """

    def __init__(self, connection: AsyncConnection, call: Any) -> None:
        self._connection = connection
        self._call = call
        self._reader = StylizeReader()

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Every event as it arrives, the `Result` last. Raises `ClientError`."""
        answered = finished = False
        try:
            with call_cancellation():
                async for message in self._call:
                    answered = True
                    event = self._reader.read(message)
                    if event is not None:
                        finished = isinstance(event, Result)
                        yield event
        except grpc.RpcError as error:
            raise await self._connection.failure(error, answered=answered) from None
        if not finished:
            raise ClientError("the server ended the call without a result", "DATA_LOSS")

    async def result(self) -> Result:
        """Wait for the result. Raises `ClientError`."""
        async for event in self:
            if isinstance(event, Result):
                return event
        raise AssertionError("the iteration raises where there is no result")

    def cancel(self) -> None:
        """Stop the transfer; whoever iterates over it gets a `CallCancelledError`."""
        self._call.cancel()
