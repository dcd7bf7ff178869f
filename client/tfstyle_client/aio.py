"""The asyncio client: the same as `Client`, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

import grpc

from tfstyle.options import ProgressOptions
from tfstyle.v1 import style_transfer_pb2_grpc
from tfstyle_client.client import NO_PROGRESS
from tfstyle_client.errors import CallCancelledError, ClientError, from_rpc_error
from tfstyle_client.events import Event, EventReader, Result
from tfstyle_client.request import CHANNEL_OPTIONS, stylize_request


class AsyncClient:
    """A connection to a tfstyle server at `target` (host:port or unix:PATH). An async context manager.

    async with AsyncClient("localhost:50051") as client:
        call = client.stylize(photo, painting, size=512)
        async for event in call:
            ...
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self._channel = grpc.aio.insecure_channel(target, options=CHANNEL_OPTIONS)
        self._stub = style_transfer_pb2_grpc.StyleTransferStub(self._channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; calls still open are cancelled."""
        await self._channel.close()

    def stylize(
        self,
        content: bytes,
        style: bytes,
        *,
        preset: str = "default",
        progress: ProgressOptions = NO_PROGRESS,
        timeout: float | None = None,
        **options: Any,
    ) -> AsyncStylizeCall:
        """Start a transfer; arguments and errors as in `Client.stylize`."""
        request = stylize_request(content, style, preset, progress, options)
        return AsyncStylizeCall(self._stub.Stylize(request, timeout=timeout), self.target)


class AsyncStylizeCall:
    """A transfer under way: iterate it for its events, or await its `result`. `cancel` stops it."""

    def __init__(self, call: Any, target: str) -> None:
        self._call = call
        self._target = target
        self._reader = EventReader()
        self._cancelled = False

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Every event as it comes, the `Result` last. Raises `ClientError`."""
        answered = finished = False
        try:
            async for message in self._call:
                answered = True
                event = self._reader.read(message)
                if event is not None:
                    finished = isinstance(event, Result)
                    yield event
        except grpc.RpcError as error:
            raise from_rpc_error(error, self._target, answered=answered) from None
        except asyncio.CancelledError:
            # grpc.aio reports the call's own cancellation as if the reading task had been cancelled.
            if not self._cancelled:
                raise
            raise CallCancelledError("the call was cancelled", "CANCELLED") from None
        if not finished:
            raise ClientError("the server ended the call without a result", "DATA_LOSS")

    async def result(self) -> Result:
        """Wait for the end. Raises `ClientError`."""
        async for event in self:
            if isinstance(event, Result):
                return event
        raise AssertionError("the iteration raises where there is no result")

    def cancel(self) -> None:
        """Stop the transfer; whoever iterates gets a `CallCancelledError`."""
        self._cancelled = True
        self._call.cancel()
