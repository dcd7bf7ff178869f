"""The client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from types import TracebackType
from typing import Any, Self

from tfstyle.inputs import File, Size, Style, Temporal
from tfstyle.options import ProgressOptions
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client._async.connection import AsyncConnection
from tfstyle_client._async.image import read_image
from tfstyle_client._async.job import AsyncJob
from tfstyle_client._async.stylize_call import AsyncStylizeCall
from tfstyle_client.credentials import PLAINTEXT, Credentials
from tfstyle_client.errors import ServerBusyError
from tfstyle_client.events import JobStatus, Started
from tfstyle_client.readers import job_status, read_started
from tfstyle_client.requests import (
    NO_PREVIEWS,
    creation_request,
    estimate_request,
    large_pictures,
    pieces,
    sizes_from,
    states_request,
    stylize_request,
)
from tfstyle_client.server_info import ServerInfo, read_server_info


class AsyncClient:
    """A connection to the tfstyle server at `address`, HOST:PORT or unix:PATH. An async context manager.

    async with AsyncClient("localhost:50051") as client:
        async for event in client.stylize(photo, painting, size=512):
            ...  # Accepted, Started, Progress ..., and at last the Result
        png = (await client.stylize(photo, painting).result()).png
        job = await client.create(photo, painting)  # outlives this client
        png = (await client.job(job.name).result()).png

    Calls about jobs are repeated for `patience` seconds while the server is unavailable; `on_retry` is called with one
    line that says why, if that takes longer than a second. `credentials` are for a server with TLS or tokens. Raises
    `BadRequestError` for an address or credentials that cannot work.
    """

    def __init__(
        self,
        address: str,
        patience: float = 120.0,
        credentials: Credentials = PLAINTEXT,
        on_retry: Callable[[str], None] | None = None,
    ) -> None:
        self._connection = AsyncConnection(address, patience, credentials, on_retry)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; calls still open are cancelled."""
        await self._connection.close()

    @property
    def stub(self) -> Any:
        """The generated stub on this connection, for calls that have no method here."""
        return self._connection.stub

    async def call(self, attempt: Callable[[], Any]) -> Any:
        """The response to `attempt`, repeated while the server is unavailable. Raises `ClientError`."""
        return await self._connection.call(attempt)

    def stylize(
        self,
        content: File,
        style: File | Style[File] | Iterable[File | Style[File]],
        *,
        preset: str = "default",
        progress: ProgressOptions = NO_PREVIEWS,
        timeout: float | None = None,
        start_picture: File | None = None,
        keep: File | None = None,
        regions: File | None = None,
        temporal: Iterable[Temporal[File]] = (),
        **options: Any,
    ) -> AsyncStylizeCall:
        """Start to repaint `content` (a photo) in the style of `style` (a painting), both picture files.

        `style` may also be a `Style`, with a weight, a mask and a region, or several styles. `start_picture`, `keep`
        and `regions` are further picture files, as in `tfstyle.inputs.Inputs`, and `temporal` earlier results of a
        sequence, moved as `Temporal` says. `options` are those of
        `tfstyle.TransferOptions`; None means the preset's value. `timeout` is the deadline of the whole transfer in
        seconds. Raises `BadRequestError` for options out of range; every other `ClientError` is raised by the call.
        """
        pictures = {"start_picture": start_picture, "keep": keep, "regions": regions}
        request = stylize_request(content, style, preset, progress, options, temporal=temporal, **pictures)
        return self.send(request, timeout)

    def send(self, request: pb.StylizeRequest, timeout: float | None = None) -> AsyncStylizeCall:
        """Start the transfer of a request from `tfstyle_client.requests.stylize_request`."""
        return AsyncStylizeCall(self._connection, self._connection.stub.Stylize(request, timeout=timeout))

    async def create(
        self,
        content: File,
        style: File | Style[File] | Iterable[File | Style[File]],
        *,
        preset: str = "default",
        progress: ProgressOptions = NO_PREVIEWS,
        start_picture: File | None = None,
        keep: File | None = None,
        regions: File | None = None,
        temporal: Iterable[Temporal[File]] = (),
        request_id: str | None = None,
        **options: Any,
    ) -> AsyncJob:
        """Create a job, with arguments as for `stylize`. Raises `ClientError`.

        With a `request_id` of up to 64 characters, a second call with the same id and arguments returns the same job.
        """
        pictures = {"start_picture": start_picture, "keep": keep, "regions": regions}
        request = stylize_request(content, style, preset, progress, options, temporal=temporal, **pictures)
        return await self.submit(request, request_id)

    async def submit(self, request: pb.StylizeRequest, request_id: str | None = None) -> AsyncJob:
        """Create a job from a request; pictures of more than 4 MiB are uploaded first. Raises `ClientError`.

        `request_id` is as for `create`.
        """
        creation = creation_request(request, request_id)
        for picture in large_pictures(creation.transfer):
            try:
                picture.image = await self.upload(picture.data)
            except ServerBusyError as error:
                if error.reason != "CALLER_IMAGES":
                    raise
                break  # uploaded images are kept for a day; where there is no room for more, the request carries them
        job = await self._connection.call(lambda: self._connection.stub.CreateJob(creation))
        return AsyncJob(self._connection, job.name)

    async def upload(self, picture: bytes) -> str:
        """Upload a picture file, and return the name by which requests can use it for a day. Raises `ClientError`."""
        image = await self._connection.call(partial(self._upload, picture))
        return str(image.name)

    def _upload(self, picture: bytes) -> Any:
        return self._connection.stub.UploadImage(pieces(picture))

    def job(self, name: str) -> AsyncJob:
        """The job of that name, "jobs/..."; its methods raise `JobNotFoundError` if there is none."""
        return AsyncJob(self._connection, name)

    async def jobs(self, states: Iterable[str] = ()) -> AsyncIterator[JobStatus]:
        """The status of every job, the newest first; of those in some `states`, if any are given.

        Raises `ClientError`.
        """
        request = states_request(states)
        while True:
            page = await self._connection.call(lambda: self._connection.stub.ListJobs(request))
            for job in page.jobs:
                yield job_status(job)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def image(self, name: str) -> bytes:
        """A picture by its name, "images/..."; an uploaded one, or one that belongs to a job. Raises `ClientError`."""
        return await read_image(self._connection, name)

    async def estimate(
        self,
        content: Size,
        styles: Iterable[Size | Style[Size]],
        *,
        start_picture: Size | None = None,
        keep: Size | None = None,
        regions: Size | None = None,
        region_colours: int = 0,
        temporal: Iterable[Size] = (),
        preset: str = "default",
        **options: Any,
    ) -> Started:
        """What a transfer of pictures of these sizes (width, height) would be, with its time and memory.

        A style with a mask or regions is a `Style` of sizes; `region_colours` is the number of flat colours in
        `regions`, 0 where it is not known; `temporal` are the sizes of earlier results. The other arguments are as for
        `stylize`. Raises `ClientError`.
        """
        sizes = sizes_from(content, styles, start_picture=start_picture, keep=keep, regions=regions, temporal=temporal)
        request = estimate_request(sizes, preset, options, region_colours)
        return read_started(await self._connection.call(lambda: self._connection.stub.EstimateTransfer(request)))

    async def server_info(self) -> ServerInfo:
        """What the server is: its version, its limits, and what it can do. Raises `ClientError`."""
        asked = pb.GetServerInfoRequest()
        return read_server_info(await self._connection.call(lambda: self._connection.stub.GetServerInfo(asked)))
