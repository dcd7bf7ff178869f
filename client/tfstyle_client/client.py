"""The blocking client."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import grpc

from tfstyle.options import ProgressOptions
from tfstyle.v1 import style_transfer_pb2_grpc
from tfstyle_client.errors import ClientError, from_rpc_error
from tfstyle_client.events import Event, EventReader, Result
from tfstyle_client.request import CHANNEL_OPTIONS, stylize_request

NO_PROGRESS = ProgressOptions()


class Client:
    """A connection to a tfstyle server at `target` (host:port or unix:PATH). A context manager.

    with Client("localhost:50051") as client:
        for event in client.stylize(photo, painting, size=512):
            ...                                   # Accepted, Started, Progress, and at last the Result
        png = client.stylize(photo, painting).result().png

    May be shared by threads.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self._channel = grpc.insecure_channel(target, options=CHANNEL_OPTIONS)
        self._stub = style_transfer_pb2_grpc.StyleTransferStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; calls still open are cancelled."""
        self._channel.close()

    def stylize(
        self,
        content: bytes,
        style: bytes,
        *,
        preset: str = "default",
        progress: ProgressOptions = NO_PROGRESS,
        timeout: float | None = None,
        **options: Any,
    ) -> StylizeCall:
        """Start a transfer of `style` (a painting) onto `content` (a photo), both PNG, JPEG or WebP bytes.

        `options` are those of `tfstyle.TransferOptions`; None means the preset's value. `timeout`
        in seconds is the deadline of the whole transfer. Raises `BadRequestError` for options that no
        server would take; the call raises every other `ClientError` as it is read.
        """
        request = stylize_request(content, style, preset, progress, options)
        return StylizeCall(self._stub.Stylize(request, timeout=timeout), self.target)


class StylizeCall:
    """A transfer under way: iterate it for its events, or ask for its `result`.

    Leaving the iteration does not cancel; `cancel` does, and stops the computation on the server.
    """

    def __init__(self, call: Any, target: str) -> None:
        self._call = call
        self._target = target
        self._reader = EventReader()

    def __iter__(self) -> Iterator[Event]:
        """Every event as it comes, the `Result` last. Raises `ClientError`."""
        answered = finished = False
        try:
            for message in self._call:
                answered = True
                event = self._reader.read(message)
                if event is not None:
                    finished = isinstance(event, Result)
                    yield event
        except grpc.RpcError as error:
            raise from_rpc_error(error, self._target, answered=answered) from None
        if not finished:
            raise ClientError("the server ended the call without a result", "DATA_LOSS")

    def result(self) -> Result:
        """Wait for the end. Raises `ClientError`."""
        for event in self:
            if isinstance(event, Result):
                return event
        raise AssertionError("the iteration raises where there is no result")

    def cancel(self) -> None:
        """Stop the transfer; whoever iterates gets a `CallCancelledError`."""
        self._call.cancel()
