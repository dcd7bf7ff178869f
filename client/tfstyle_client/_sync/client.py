"""The blocking client."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from types import TracebackType
from typing import Any, Self

import grpc

from tfstyle.options import ProgressOptions
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc
from tfstyle_client.access import Access
from tfstyle_client.errors import ClientError, from_rpc_error
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

NO_PROGRESS = ProgressOptions()
PATIENCE_SECONDS = 120.0
OPEN = Access()


class Client:
    """A connection to a tfstyle server at `target` (host:port or unix:PATH). A context manager.

    with Client("localhost:50051") as client:
        for event in client.stylize(photo, painting, size=512):
            ...                                   # Accepted, Started, Progress, and at last the Result
        png = client.stylize(photo, painting).result().png
        job = client.create(photo, painting)      # goes on whatever becomes of us and of the server
        png = client.job(job.name).result().png

    What has to do with jobs outlives the server: for `patience` seconds without an answer it is tried again.
    `access` is for a server with TLS or tokens. May be shared by threads.
    """

    def __init__(self, target: str, patience: float = PATIENCE_SECONDS, access: Access = OPEN) -> None:
        self.target = target
        self.metadata = access.metadata
        self._patience = patience
        credentials = access.credentials(target)
        self._channel = (
            grpc.insecure_channel(target, options=CHANNEL_OPTIONS)
            if credentials is None
            else grpc.secure_channel(target, credentials, options=CHANNEL_OPTIONS)
        )
        self.stub = style_transfer_pb2_grpc.StyleTransferStub(self._channel)

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
        return StylizeCall(self.stub.Stylize(request, timeout=timeout, metadata=self.metadata), self.target)

    def create(
        self,
        content: bytes,
        style: bytes,
        *,
        preset: str = "default",
        progress: ProgressOptions = NO_PROGRESS,
        **options: Any,
    ) -> Job:
        """Create a job, arguments as in `stylize`; pictures of more than 4 MiB are uploaded in pieces. Raises
        `ClientError`.
        """
        request = creation_request(content, style, preset, progress, options)
        for field, picture in large_pictures(request.transfer).items():
            name_image(request.transfer, field, self.call(partial(self._upload, picture)))
        return Job(self, self.call(lambda: self.stub.CreateJob(request, metadata=self.metadata)).name)

    def _upload(self, picture: bytes) -> Any:
        return self.stub.UploadImage(pieces(picture), metadata=self.metadata)

    def job(self, name: str) -> Job:
        """The job of that name, "jobs/..."; whether there is one shows when it is used."""
        return Job(self, name)

    def jobs(self) -> Iterator[JobStatus]:
        """All jobs as they stand, the newest first. Raises `ClientError`."""
        request = pb.ListJobsRequest()
        while True:
            page = self.call(lambda: self.stub.ListJobs(request, metadata=self.metadata))
            yield from map(job_status, page.jobs)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def call(self, attempt: Callable[[], Any]) -> Any:
        """What `attempt` gives, made again while the server does not answer. Raises `ClientError`."""
        patience = self.patience
        while True:
            try:
                return attempt()
            except grpc.RpcError as error:
                self.wait_or_raise(patience, error)

    def wait_or_raise(self, patience: Patience, error: grpc.RpcError) -> None:
        """Wait until the next attempt. Raises `ClientError` where there is none."""
        delay = patience.delay(error)
        if delay is None:
            raise from_rpc_error(error, self.target, answered=False) from None
        time.sleep(delay)

    @property
    def patience(self) -> Patience:
        """A new patience, as long as this client's."""
        return Patience(self._patience)


class Job:
    """A job on the server, by its `name`. Every method raises `ClientError`, `JobNotFoundError` among them."""

    def __init__(self, client: Client, name: str) -> None:
        self.name = name
        self._client = client

    def status(self) -> JobStatus:
        """The job as it stands."""
        client, request = self._client, pb.GetJobRequest(name=self.name)
        return job_status(client.call(lambda: client.stub.GetJob(request, metadata=client.metadata)))

    def watch(self, after: int = 0) -> Iterator[Event]:
        """Every event after number `after` until the job has succeeded, across restarts of the server.

        Raises the `ClientError` that the job has failed with, `CallCancelledError` where it was cancelled.
        """
        yield from self._watch(JobReader(after))

    def result(self) -> Result:
        """Wait for the end, and read the picture."""
        # Of a job that is over, the last event says it all.
        reader = JobReader(max(0, self.status().sequence - 1))
        for _ in self._watch(reader):
            pass
        if reader.result is None:
            raise ClientError("the server ended the job without a result", "DATA_LOSS")
        return self._read(ResultReader(reader.result))

    def cancel(self) -> JobStatus:
        """Stop the job, and give it as it stands; one that has ended is left as it is."""
        client, request = self._client, pb.CancelJobRequest(name=self.name)
        return job_status(client.call(lambda: client.stub.CancelJob(request, metadata=client.metadata)))

    def delete(self) -> None:
        """Forget the job, which has ended, and its result."""
        client, requests = self._client, deletions(self.name)
        client.call(lambda: client.stub.DeleteJob(next(requests), metadata=client.metadata))

    def _watch(self, reader: JobReader) -> Iterator[Event]:
        patience = self._client.patience
        while True:
            request = pb.WatchJobRequest(name=self.name, after_sequence=reader.after)
            try:
                for message in self._client.stub.WatchJob(request, metadata=self._client.metadata):
                    patience.renew()
                    event = reader.read(message)
                    if event is not None:
                        yield event
                return
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.OUT_OF_RANGE:
                    reader.skip_compacted()
                else:
                    self._client.wait_or_raise(patience, error)

    def _read(self, reader: ResultReader) -> Result:
        patience = self._client.patience
        while True:
            try:
                request = pb.ReadResultRequest(name=self.name, offset=reader.offset)
                for chunk in self._client.stub.ReadResult(request, metadata=self._client.metadata):
                    patience.renew()
                    result = reader.add(chunk)
                    if result is not None:
                        return result
                raise ClientError("the server's result is cut short", "DATA_LOSS")
            except grpc.RpcError as error:
                self._client.wait_or_raise(patience, error)


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
