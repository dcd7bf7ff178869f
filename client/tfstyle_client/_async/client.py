"""The asyncio client: the same as `Client`, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from types import TracebackType
from typing import Any, Self

import grpc

from tfstyle.options import ProgressOptions
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc
from tfstyle_client.access import Access
from tfstyle_client.client import NO_PROGRESS, OPEN, PATIENCE_SECONDS
from tfstyle_client.errors import CallCancelledError, ClientError, from_rpc_error
from tfstyle_client.events import Event, EventReader, JobReader, JobStatus, Result, ResultReader, job_status
from tfstyle_client.patience import Patience
from tfstyle_client.request import (
    CHANNEL_OPTIONS,
    creation_request,
    deletions,
    large_pictures,
    name_image,
    pieces,
    stylize_request,
)


class AsyncClient:
    """A connection to a tfstyle server at `target` (host:port or unix:PATH). An async context manager.

    async with AsyncClient("localhost:50051") as client:
        call = client.stylize(photo, painting, size=512)
        async for event in call:
            ...
    """

    def __init__(self, target: str, patience: float = PATIENCE_SECONDS, access: Access = OPEN) -> None:
        self.target = target
        self.metadata = access.metadata
        self._patience = patience
        credentials = access.credentials(target)
        self._channel = (
            grpc.aio.insecure_channel(target, options=CHANNEL_OPTIONS)
            if credentials is None
            else grpc.aio.secure_channel(target, credentials, options=CHANNEL_OPTIONS)
        )
        self.stub = style_transfer_pb2_grpc.StyleTransferStub(self._channel)

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
        return AsyncStylizeCall(self.stub.Stylize(request, timeout=timeout, metadata=self.metadata), self.target)

    async def create(
        self,
        content: bytes,
        style: bytes,
        *,
        preset: str = "default",
        progress: ProgressOptions = NO_PROGRESS,
        **options: Any,
    ) -> AsyncJob:
        """Create a job, as `Client.create`."""
        request = creation_request(content, style, preset, progress, options)
        for field, picture in large_pictures(request.transfer).items():
            name_image(request.transfer, field, await self.call(partial(self._upload, picture)))
        return AsyncJob(self, (await self.call(lambda: self.stub.CreateJob(request, metadata=self.metadata))).name)

    def _upload(self, picture: bytes) -> Any:
        return self.stub.UploadImage(pieces(picture), metadata=self.metadata)

    def job(self, name: str) -> AsyncJob:
        """The job of that name, "jobs/..."; whether there is one shows when it is used."""
        return AsyncJob(self, name)

    async def jobs(self) -> AsyncIterator[JobStatus]:
        """All jobs as they stand, the newest first. Raises `ClientError`."""
        request = pb.ListJobsRequest()
        while True:
            page = await self.call(lambda: self.stub.ListJobs(request, metadata=self.metadata))
            for job in page.jobs:
                yield job_status(job)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def call(self, attempt: Callable[[], Any]) -> Any:
        """What `attempt` gives, made again while the server does not answer. Raises `ClientError`."""
        patience = self.patience
        while True:
            try:
                return await attempt()
            except grpc.RpcError as error:
                await self.wait_or_raise(patience, error)

    async def wait_or_raise(self, patience: Patience, error: grpc.RpcError) -> None:
        """Wait until the next attempt. Raises `ClientError` where there is none."""
        delay = patience.delay(error)
        if delay is None:
            raise from_rpc_error(error, self.target, answered=False) from None
        await asyncio.sleep(delay)

    @property
    def patience(self) -> Patience:
        """A new patience, as long as this client's."""
        return Patience(self._patience)


class AsyncJob:
    """A job on the server, by its `name`: what `Job` is, awaited."""

    def __init__(self, client: AsyncClient, name: str) -> None:
        self.name = name
        self._client = client

    async def status(self) -> JobStatus:
        """The job as it stands."""
        request = pb.GetJobRequest(name=self.name)
        return job_status(
            await self._client.call(lambda: self._client.stub.GetJob(request, metadata=self._client.metadata))
        )

    async def watch(self, after: int = 0) -> AsyncIterator[Event]:
        """Every event after number `after` until the job has succeeded, across restarts of the server.

        Raises the `ClientError` that the job has failed with, `CallCancelledError` where it was cancelled.
        """
        async for event in self._watch(JobReader(after)):
            yield event

    async def result(self) -> Result:
        """Wait for the end, and read the picture."""
        reader = JobReader(max(0, (await self.status()).sequence - 1))
        async for _ in self._watch(reader):
            pass
        if reader.result is None:
            raise ClientError("the server ended the job without a result", "DATA_LOSS")
        return await self._read(ResultReader(reader.result))

    async def cancel(self) -> JobStatus:
        """Stop the job, and give it as it stands; one that has ended is left as it is."""
        request = pb.CancelJobRequest(name=self.name)
        return job_status(
            await self._client.call(lambda: self._client.stub.CancelJob(request, metadata=self._client.metadata))
        )

    async def delete(self) -> None:
        """Forget the job, which has ended, and its result."""
        client, requests = self._client, deletions(self.name)
        await client.call(lambda: client.stub.DeleteJob(next(requests), metadata=client.metadata))

    async def _watch(self, reader: JobReader) -> AsyncIterator[Event]:
        patience = self._client.patience
        while True:
            request = pb.WatchJobRequest(name=self.name, after_sequence=reader.after)
            try:
                async for message in self._client.stub.WatchJob(request, metadata=self._client.metadata):
                    patience.renew()
                    event = reader.read(message)
                    if event is not None:
                        yield event
                return
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.OUT_OF_RANGE:
                    reader.skip_compacted()
                else:
                    await self._client.wait_or_raise(patience, error)

    async def _read(self, reader: ResultReader) -> Result:
        patience = self._client.patience
        while True:
            request = pb.ReadResultRequest(name=self.name, offset=reader.offset)
            try:
                async for chunk in self._client.stub.ReadResult(request, metadata=self._client.metadata):
                    patience.renew()
                    result = reader.add(chunk)
                    if result is not None:
                        return result
                raise ClientError("the server's result is cut short", "DATA_LOSS")
            except grpc.RpcError as error:
                await self._client.wait_or_raise(patience, error)


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
