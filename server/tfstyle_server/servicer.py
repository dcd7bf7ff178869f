"""The gRPC service: checks requests, passes them to the jobs, and answers. No method computes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import grpc
from google.protobuf.empty_pb2 import Empty
from google.rpc import code_pb2, error_details_pb2, status_pb2

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.options import ORIGINAL_SIZE
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server import status
from tfstyle_server.answers import JobEndedError, NoResultError, UnknownImageError, status_of
from tfstyle_server.blobs import Blobs
from tfstyle_server.call_log import REQUEST_ID, Call, CallLog
from tfstyle_server.field_paths import in_creation, in_estimate
from tfstyle_server.jobs import Jobs
from tfstyle_server.live_job import short
from tfstyle_server.metrics import Metrics
from tfstyle_server.plan import Plan
from tfstyle_server.receiving import Receiving, SmallRequests
from tfstyle_server.records import UnknownJobError
from tfstyle_server.revocation import Revocation
from tfstyle_server.security import ANONYMOUS, Gate
from tfstyle_server.server_info import Load
from tfstyle_server.slots import Slots
from tfstyle_server.states import State
from tfstyle_server.strangers import host_of_peer
from tfstyle_server.traces import Receipt, Traces
from tfstyle_server.transport import Context, Read, reader_of
from tfstyle_server.validation import (
    EMPTY_PICTURE,
    Source,
    checked_creation,
    checked_estimate,
    checked_image,
    checked_page,
    checked_transfer,
    page_token,
    upload_too_large,
)
from tfstyle_server.watches import StoppingError

log = logging.getLogger("tfstyle.front")

SERVICE = pb.DESCRIPTOR.services_by_name["StyleTransfer"].full_name
CHUNK_BYTES = 256 * 1024
MOST_SMALL = 2
"""Requests without pictures that are received from one caller at once."""
Method: TypeAlias = Callable[[Read, Context, str], Awaitable[Any]]
"""A method as (reads the messages, context, owner)."""


class StyleTransferServicer:
    """The methods of the service, one coroutine for each call."""

    def __init__(
        self,
        jobs: Jobs,
        blobs: Blobs,
        gate: Gate,
        metrics: Metrics,
        max_image_bytes: int,
        max_image_pixels: int,
        receiving: int,
        describe: Callable[[Load], pb.ServerInfo],
        traces: Traces,
    ) -> None:
        self._jobs = jobs
        self._blobs = blobs
        self._receiving = Receiving(receiving)
        self._small = SmallRequests(MOST_SMALL)
        self._estimating = Slots(1)
        self._gate = gate
        self._revocation = Revocation(gate.has_revoked)
        self._metrics = metrics
        self._call_log = CallLog(SERVICE, metrics)
        self._max_image_bytes = max_image_bytes
        self._max_image_pixels = max_image_pixels
        self._describe = describe
        self._traces = traces
        self._refusing = False
        self._abandoned = False
        self._calls = 0
        self._drained = asyncio.Event()
        self._drained.set()

    async def end_revoked_calls(self) -> None:
        """End the calls of callers whose token is taken away, until cancelled."""
        await self._revocation.watch()

    def refuse_new(self) -> None:
        """From now on answer new calls with UNAVAILABLE, and end watches with it. Calls to Stylize continue."""
        self._refusing = True
        self._jobs.wake_watches()

    def abandon(self) -> None:
        """End the calls to Stylize as well."""
        self._abandoned = True
        self._jobs.wake_watches()

    async def drained(self) -> None:
        """Wait until no call to Stylize is left."""
        await self._drained.wait()

    def handlers(self) -> grpc.GenericRpcHandler:
        """The methods in the form in which the gRPC server takes them.

        This replaces the generated registration. With that, bytes that cannot be parsed would end as UNKNOWN, and a
        request of any size would be received before its caller is known.
        """
        unary, stream = grpc.stream_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
        methods: dict[str, tuple[Any, Method]] = {
            # These hold a place while they have pictures, so they receive their requests themselves.
            "Stylize": (stream, self.Stylize),
            "CreateJob": (unary, self.CreateJob),
            "UploadImage": (unary, self.UploadImage),
            "GetJob": (unary, self._received(self.GetJob, pb.GetJobRequest)),
            "ListJobs": (unary, self._received(self.ListJobs, pb.ListJobsRequest)),
            "CancelJob": (unary, self._received(self.CancelJob, pb.CancelJobRequest)),
            "EstimateTransfer": (unary, self._received(self.EstimateTransfer, pb.EstimateTransferRequest)),
            "GetServerInfo": (unary, self._received(self.GetServerInfo, pb.GetServerInfoRequest)),
            "DeleteJob": (unary, self._received(self.DeleteJob, pb.DeleteJobRequest)),
            "WatchJob": (stream, self._received(self.WatchJob, pb.WatchJobRequest)),
            "WatchJobs": (stream, self._received(self.WatchJobs, pb.WatchJobsRequest)),
            "ReadResult": (stream, self._received(self.ReadResult, pb.ReadResultRequest)),
            "ReadImage": (stream, self._received(self.ReadImage, pb.ReadImageRequest)),
        }
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                # Without a deserializer, gRPC hands over bytes; they are parsed when they have been received.
                name: handler(self._guarded(name, method), None, _serialised)
                for name, (handler, method) in methods.items()
            },
        )

    def _received(self, method: Callable[[Any, Context, str], Awaitable[Any]], kind: type) -> Method:
        """`method`, which takes a request without pictures, as a method that receives it."""

        async def receiving(read: Read, context: Context, owner: str) -> Any:
            return await method(await self._small.receive(_caller(owner, context), read, kind), context, owner)

        return receiving

    def _guarded(self, name: str, method: Method) -> Any:
        """The method as gRPC calls it: authenticates the caller, converts errors to statuses, and records the call."""

        async def guarded(_: Any, context: Context) -> Any:
            with self._call_log.record(name, context) as call:
                try:
                    response = await self._authenticated(method, call, context)
                except asyncio.CancelledError:
                    call.code = grpc.StatusCode.CANCELLED
                    raise
                except Exception as error:
                    answer = status_of(error)
                    call.code = status.code_of(answer)
                    if not isinstance(error, JobEndedError):
                        self._metrics.rejected.labels(_reason(answer)).inc()
                    await status.abort(context, answer, (REQUEST_ID, call.request_id))
                call.code = grpc.StatusCode.OK
                return response

        return guarded

    async def _authenticated(self, method: Method, call: Call, context: Context) -> Any:
        caller = self._gate.caller(context.invocation_metadata() or (), context.auth_context() or {})
        call.owner = caller.owner
        if self._refusing:
            raise StoppingError
        with self._revocation.open(caller):
            return await method(reader_of(context), context, caller.owner)

    async def Stylize(self, read: Read, context: Context, owner: str) -> None:  # noqa: N802 - gRPC's name
        """Create a job, attached to this call unless it is detached, and stream its events and its result."""
        self._calls += 1
        self._drained.clear()
        attached_to_call: asyncio.Future[pb.Job] | None = None
        try:
            async with (
                self._creation("Stylize", context) as receipt,
                self._receiving.one(_caller(owner, context), read, pb.StylizeRequest) as request,
            ):
                plan = await asyncio.to_thread(checked_transfer, request, self._max_image_bytes)
                attached, description = not request.detach, _described(plan)
                creation = asyncio.ensure_future(
                    self._jobs.create(owner, plan, "", attached=attached, trace=receipt.carrier)
                )
                attached_to_call = creation if attached else None
                del request, plan  # so that only the creation holds the pictures
                job = await _completed(creation)
                receipt.accepted(job.name)
            log.info("job %s: accepted from %s, %s", short(job.name), context.peer(), description)
            await self._relay(owner, job.name, context)
        finally:
            self._calls -= 1
            if self._calls == 0:
                self._drained.set()
            if attached_to_call is not None:
                attached_to_call.add_done_callback(lambda created: self._end(owner, created))

    @asynccontextmanager
    async def _creation(self, method: str, context: Context) -> AsyncIterator[Receipt]:
        """Around the reception of a request and the creation of its job."""
        with self._traces.receive(method, context.invocation_metadata() or ()) as receipt:
            yield receipt

    def _end(self, owner: str, created: asyncio.Future[pb.Job]) -> None:
        if not created.cancelled() and created.exception() is None:
            self._jobs.end_call(owner, created.result().name)

    async def _relay(self, owner: str, name: str, context: Context) -> None:
        sequence = 0

        async def send(**event: Any) -> None:
            nonlocal sequence
            sequence += 1
            message = pb.StylizeEvent(sequence=sequence, **event)
            message.time.GetCurrentTime()
            await context.write(message)

        async for data in self._jobs.watches.watch(owner, name, 0, lambda: self._abandoned):
            event = pb.JobEvent.FromString(data)
            match event.WhichOneof("event"):
                case "accepted" | "started" | "progress" as kind:
                    await send(**{kind: getattr(event, kind)})
                case "result":
                    await send(result=event.result)
                    async for chunk in self._chunks(event.result.digest, 0):
                        await send(chunk=chunk)
                case "failed":
                    raise JobEndedError(event.failed)
                case "cancelled":
                    raise JobEndedError(status.cancelled(event.cancelled.reason))

    async def CreateJob(self, read: Read, context: Context, owner: str) -> pb.Job:  # noqa: N802
        """Create a job. Once begun, that is completed even if the caller disconnects."""
        async with (
            self._creation("CreateJob", context) as receipt,
            self._receiving.one(_caller(owner, context), read, pb.CreateJobRequest) as request,
        ):
            plan = await asyncio.to_thread(checked_creation, request, self._max_image_bytes)
            request_id, description = request.request_id, _described(plan)
            creation = asyncio.ensure_future(
                self._jobs.create(owner, plan, request_id, attached=False, trace=receipt.carrier)
            )
            del request, plan  # so that only the creation holds the pictures
            try:
                job = await _completed(creation)
            except InvalidInputError as error:
                raise InvalidInputError(map(in_creation, error.violations)) from None
            receipt.accepted(job.name)
        log.info("job %s: created from %s, %s", short(job.name), context.peer(), description)
        return job

    async def GetJob(self, request: pb.GetJobRequest, context: Context, owner: str) -> pb.Job:  # noqa: N802
        """Return the current state of a job."""
        return await self._jobs.get(owner, request.name)

    async def ListJobs(self, request: pb.ListJobsRequest, context: Context, owner: str) -> pb.ListJobsResponse:  # noqa: N802
        """Return a page of the caller's jobs, newest first."""
        before, size, states = checked_page(request)
        page = await self._jobs.page(owner, before, size + 1, states)
        more = len(page) > size
        token = page_token(page[size - 1][0]) if more else ""
        return pb.ListJobsResponse(jobs=[job for _, job in page[:size]], next_page_token=token)

    async def CancelJob(self, request: pb.CancelJobRequest, context: Context, owner: str) -> pb.Job:  # noqa: N802
        """Cancel a job and return its state."""
        return await self._jobs.cancel(owner, request.name, "cancelled by its owner")

    async def DeleteJob(self, request: pb.DeleteJobRequest, context: Context, owner: str) -> Empty:  # noqa: N802
        """Delete a job that has ended."""
        try:
            await self._jobs.delete(owner, request.name)
        except UnknownJobError:
            if not request.allow_missing:
                raise
        return Empty()

    async def WatchJob(self, request: pb.WatchJobRequest, context: Context, owner: str) -> None:  # noqa: N802
        """Stream the state of a job and its events, serialised as they were recorded."""
        after, name = request.after_sequence, request.name
        async for data in self._jobs.watches.watch(owner, name, after, lambda: self._refusing):
            await context.write(data)

    async def WatchJobs(self, request: pb.WatchJobsRequest, context: Context, owner: str) -> None:  # noqa: N802
        """Stream the caller's jobs as they change."""
        async for change in self._jobs.watch_all(owner, lambda: self._refusing):
            await context.write(change)

    async def ReadResult(self, request: pb.ReadResultRequest, context: Context, owner: str) -> None:  # noqa: N802
        """Stream the PNG of a job that has succeeded."""
        job = await self._jobs.get(owner, request.name)
        if State(job.state) is not State.SUCCEEDED:
            raise NoResultError(request.name, State(job.state))
        await self._send(job.result.digest, job.result.size, request.offset, context, owner)

    async def ReadImage(self, request: pb.ReadImageRequest, context: Context, owner: str) -> None:  # noqa: N802
        """Stream a picture that the caller has uploaded, or that belongs to one of the caller's jobs."""
        digest = checked_image(request.name)
        size = await self._jobs.images.size(owner, digest)
        if size is None:
            raise UnknownImageError(request.name)
        await self._send(digest, size, request.offset, context, owner)

    async def _send(self, digest: str, size: int, offset: int, context: Context, owner: str) -> None:
        if not 0 <= offset <= size:
            complaint = f"must be 0 to {size}, the size of the picture; got {offset}"
            raise InvalidInputError([Violation("offset", complaint)])
        with self._jobs.watches.counted(owner):
            async for chunk in self._chunks(digest, offset):
                await context.write(chunk)

    async def UploadImage(self, read: Read, context: Context, owner: str) -> pb.Image:  # noqa: N802
        """Store an image that arrives in pieces."""
        picture = bytearray()
        async with self._receiving.each(_caller(owner, context), read, pb.UploadImageRequest) as pieces:
            async for piece in pieces:
                picture += piece.data
                if len(picture) > self._max_image_bytes:
                    raise InvalidInputError([Violation("data", upload_too_large(self._max_image_bytes))])
            if not picture:
                raise InvalidInputError([Violation("data", EMPTY_PICTURE)])
            return await self._jobs.images.upload(owner, await asyncio.to_thread(bytes, picture))

    async def GetServerInfo(self, request: pb.GetServerInfoRequest, context: Context, owner: str) -> pb.ServerInfo:  # noqa: N802
        """Describe the server."""
        return self._describe(self._jobs.load)

    async def EstimateTransfer(  # noqa: N802
        self, request: pb.EstimateTransferRequest, context: Context, owner: str
    ) -> pb.Started:
        """Return what a transfer would be."""
        sizes, options, regions = checked_estimate(request, self._max_image_pixels)
        try:
            async with self._estimating.one(_caller(owner, context)):
                return await self._jobs.estimate(sizes, options, regions)
        except InvalidInputError as error:
            raise InvalidInputError(map(in_estimate, error.violations)) from None

    async def _chunks(self, digest: str, offset: int) -> AsyncIterator[pb.Chunk]:
        pieces = self._blobs.pieces(digest, offset, CHUNK_BYTES)
        while data := await asyncio.to_thread(next, pieces, b""):
            yield pb.Chunk(offset=offset, data=data)
            offset += len(data)


async def _completed(creation: asyncio.Future[pb.Job]) -> pb.Job:
    """The job, once it is created; a call that is cancelled meanwhile waits too, because the pictures are in memory."""
    try:
        return await asyncio.shield(creation)
    except asyncio.CancelledError:
        await asyncio.wait([creation])
        raise


def _caller(owner: str, context: Context) -> str:
    """Whose requests count together: the owner's, or where callers do not authenticate those of one address."""
    return owner if owner != ANONYMOUS else host_of_peer(context.peer())


def _described(plan: Plan[Source]) -> str:
    size = "original size" if plan.options.size == ORIGINAL_SIZE else f"{plan.options.size} px"
    return f"{plan.preset}, {size}, {plan.options.max_evaluations} evaluations"


def _reason(answer: status_pb2.Status) -> str:
    """Why a request was refused, in one word: the reason of its ErrorInfo, or else its code."""
    info = error_details_pb2.ErrorInfo()
    for detail in answer.details:
        if detail.Unpack(info):
            return str(info.reason)
    return str(code_pb2.Code.Name(answer.code))


def _serialised(message: Any) -> bytes:
    return message if isinstance(message, bytes) else message.SerializeToString()
