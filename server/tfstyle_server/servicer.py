"""The service as the contract has it: checks requests, hands them to the jobs, and answers."""

from __future__ import annotations

import asyncio
import errno
import logging
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeAlias

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server import status
from tfstyle_server.blobs import BlobStore
from tfstyle_server.jobs import Jobs
from tfstyle_server.limits import LimitError
from tfstyle_server.metrics import Metrics
from tfstyle_server.paths import in_transfer
from tfstyle_server.receiving import SMALL_SECONDS, Receiving, TooSlowError
from tfstyle_server.requests import checked, checked_creation, page_of, page_token
from tfstyle_server.security import Gate, UnauthenticatedError
from tfstyle_server.states import State
from tfstyle_server.store import NotEndedError, RequestIdTakenError, UnknownJobError
from tfstyle_server.watches import CompactedError, StoppingError

log = logging.getLogger("tfstyle.front")

SERVICE = pb.DESCRIPTOR.services_by_name["StyleTransfer"].full_name
CHUNK_BYTES = 256 * 1024
MOST_SMALL = 16
"""Requests without pictures of one caller that are taken in at once."""
Context: TypeAlias = Any
"""grpc.aio.ServicerContext, which has no types."""
TakeIn: TypeAlias = Callable[[str, AsyncIterator[Any], type], Awaitable[Any]]
"""Reads the request of an owner's call."""


class StyleTransferServicer:
    """One coroutine a call; none of them computes."""

    def __init__(
        self, jobs: Jobs, blobs: BlobStore, gate: Gate, metrics: Metrics, max_image_bytes: int, receiving: int
    ) -> None:
        self._jobs = jobs
        self._blobs = blobs
        self._receiving = Receiving(receiving)
        self._small = Receiving(MOST_SMALL, SMALL_SECONDS)
        self._gate = gate
        self._metrics = metrics
        self._max_image_bytes = max_image_bytes
        self._refusing = False
        self._abandoned = False
        self._calls = 0
        self._drained = asyncio.Event()
        self._drained.set()

    def refuse_new(self) -> None:
        """Answer every call from now on with UNAVAILABLE, and end watches so; calls to Stylize go on."""
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
        """The methods as the server takes them.

        In place of the generated registration, under which bytes that are no message end as UNKNOWN, and a request is
        taken in, whatever its size, before anybody asks who sends it.
        """
        unary, stream = grpc.stream_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
        small, large, pieces = self._small.small, self._receiving.one, self._in_pieces
        methods: dict[str, tuple[Any, Any, type, TakeIn]] = {
            "Stylize": (stream, self.Stylize, pb.StylizeRequest, large),
            "CreateJob": (unary, self.CreateJob, pb.CreateJobRequest, large),
            "GetJob": (unary, self.GetJob, pb.GetJobRequest, small),
            "ListJobs": (unary, self.ListJobs, pb.ListJobsRequest, small),
            "CancelJob": (unary, self.CancelJob, pb.CancelJobRequest, small),
            "DeleteJob": (unary, self.DeleteJob, pb.DeleteJobRequest, small),
            "WatchJob": (stream, self.WatchJob, pb.WatchJobRequest, small),
            "ReadResult": (stream, self.ReadResult, pb.ReadResultRequest, small),
            "UploadImage": (unary, self.UploadImage, pb.UploadImageRequest, pieces),
        }
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                name: kind(self._guarded(method, request, take_in), _parser(request), _serialised)
                for name, (kind, method, request, take_in) in methods.items()
            },
        )

    def _guarded(self, method: Callable[[Any, Context, str], Awaitable[Any]], kind: type, take_in: TakeIn) -> Any:
        """`method` for callers who are who they say, whose requests of that `kind` are then taken in; its exceptions
        become statuses.
        """

        async def call(requests: AsyncIterator[Any], context: Context) -> Any:
            if self._refusing:
                await context.abort_with_status(status.to_grpc(status.unavailable("the server is stopping")))
            try:
                owner = self._gate.owner(context.invocation_metadata() or (), context.auth_context() or {})
                return await method(await take_in(owner, requests, kind), context, owner)
            except (asyncio.CancelledError, grpc.aio.AbortError):
                raise
            except Exception as error:
                answer = _answer_to(error)
                self._metrics.rejected.labels(_reason(answer)).inc()
                await context.abort_with_status(status.to_grpc(answer))

        return call

    async def _in_pieces(self, owner: str, requests: AsyncIterator[Any], kind: type) -> AsyncGenerator[Any, None]:
        return self._receiving.each(owner, requests, kind)

    async def Stylize(self, request: pb.StylizeRequest, context: Context, owner: str) -> None:  # noqa: N802 - gRPC's name
        """A job that belongs to its call, unless it is detached, and all that there is to know of it."""
        options = checked(request, self._max_image_bytes)
        self._calls += 1
        self._drained.clear()
        detach, preset = request.detach, request.preset or "default"
        creation = asyncio.ensure_future(self._jobs.create(owner, request, "", attached=not detach))
        del request  # its pictures are on the disk from here on, and the call may wait for long
        try:
            job = await asyncio.shield(creation)
            log.info(
                "job %s: accepted from %s, %s, %d px, %d steps",
                *(job.name.removeprefix("jobs/"), context.peer(), preset),
                *(options.size, options.max_evaluations),
            )
            await self._relay(owner, job.name, context)
        except asyncio.CancelledError:
            log.info("the caller has cancelled, gone, or run out of time")
            raise
        finally:
            self._calls -= 1
            if self._calls == 0:
                self._drained.set()
            creation.add_done_callback(lambda made: self._end(owner, made, detach))

    def _end(self, owner: str, made: asyncio.Future[pb.Job], detach: bool) -> None:
        # Asked for its exception in any case: the call that would have told it may be over.
        if not made.cancelled() and made.exception() is None and not detach:
            self._jobs.end_of_call(owner, made.result().name)

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
                    async for chunk in self._chunks(event.result, 0):
                        await send(chunk=chunk)
                case "failed":
                    await context.abort_with_status(status.to_grpc(event.failed))
                case "cancelled":
                    await context.abort_with_status(status.to_grpc(status.cancelled(event.cancelled.reason)))

    async def CreateJob(self, request: pb.CreateJobRequest, context: Context, owner: str) -> pb.Job:  # noqa: N802
        """A job for everybody's future."""
        options = checked_creation(request, self._max_image_bytes)
        transfer = request.transfer
        creation = asyncio.ensure_future(self._jobs.create(owner, transfer, request.request_id, attached=False))
        creation.add_done_callback(lambda made: made.cancelled() or made.exception())  # if nobody is there to hear it
        try:
            # Once it is begun it is completed, even if the caller has gone.
            job = await asyncio.shield(creation)
        except InvalidInputError as error:
            raise InvalidInputError(map(in_transfer, error.violations)) from None
        log.info(
            "job %s: created from %s, %s, %d px, %d steps",
            *(job.name.removeprefix("jobs/"), context.peer(), transfer.preset or "default"),
            *(options.size, options.max_evaluations),
        )
        return job

    async def GetJob(self, request: pb.GetJobRequest, context: Context, owner: str) -> pb.Job:  # noqa: N802
        """The job as it stands."""
        return await self._jobs.get(owner, request.name)

    async def ListJobs(self, request: pb.ListJobsRequest, context: Context, owner: str) -> pb.ListJobsResponse:  # noqa: N802
        """A page of jobs."""
        before, size = page_of(request)
        page = await self._jobs.page(owner, before, size + 1)
        more = len(page) > size
        token = page_token(page[size - 1][0]) if more else ""
        return pb.ListJobsResponse(jobs=[job for _, job in page[:size]], next_page_token=token)

    async def CancelJob(self, request: pb.CancelJobRequest, context: Context, owner: str) -> pb.Job:  # noqa: N802
        """Stop a job."""
        return await self._jobs.cancel(owner, request.name, "cancelled by its owner")

    async def DeleteJob(self, request: pb.DeleteJobRequest, context: Context, owner: str) -> Empty:  # noqa: N802
        """Forget a job."""
        try:
            await self._jobs.delete(owner, request.name)
        except UnknownJobError:
            if not request.allow_missing:
                raise
        return Empty()

    async def WatchJob(self, request: pb.WatchJobRequest, context: Context, owner: str) -> None:  # noqa: N802
        """The job and its events, as they were serialised when they were recorded."""
        after = request.after_sequence
        name = request.name
        del request  # a watch may last for days
        async for data in self._jobs.watches.watch(owner, name, after, lambda: self._refusing):
            await context.write(data)

    async def ReadResult(self, request: pb.ReadResultRequest, context: Context, owner: str) -> None:  # noqa: N802
        """The picture in pieces."""
        job = await self._jobs.get(owner, request.name)
        if State(job.state) is not State.SUCCEEDED:
            state = State(job.state).name.lower()
            why = f"{request.name} has no result: it is {state}"
            await context.abort_with_status(status.to_grpc(status.failed_precondition("STATE", request.name, why)))
        if not 0 <= request.offset <= job.result.size:
            why = f"must be 0 to {job.result.size}, the result's size; got {request.offset}"
            raise InvalidInputError([Violation("offset", why)])
        async for chunk in self._chunks(job.result, request.offset):
            await context.write(chunk)

    async def UploadImage(self, requests: AsyncGenerator[Any, None], context: Context, owner: str) -> pb.Image:  # noqa: N802
        """A picture in pieces, the other way."""
        picture = bytearray()
        async with aclosing(requests):  # which keeps its room until the picture is on the disk
            async for request in requests:
                picture += request.data
                if len(picture) > self._max_image_bytes:
                    why = f"is more than {self._max_image_bytes:,} bytes (--max-image-bytes of the server)"
                    raise InvalidInputError([Violation("data", why)])
            if not picture:
                raise InvalidInputError([Violation("data", "is empty; send a PNG, JPEG or WebP picture")])
            return await self._jobs.images.upload(owner, bytes(picture))

    async def _chunks(self, result: pb.Result, offset: int) -> AsyncIterator[pb.Chunk]:
        path = self._blobs.path(result.digest)
        with await asyncio.to_thread(path.open, "rb") as file:
            file.seek(offset)
            while data := await asyncio.to_thread(file.read, CHUNK_BYTES):
                yield pb.Chunk(offset=offset, data=data)
                offset += len(data)


def _answer_to(error: Exception) -> status_pb2.Status:
    """The status for an exception; one that nobody expected is told to the log, and not to the caller."""
    match error:
        case InvalidInputError():
            return status.invalid_argument(error.violations)
        case RequestIdTakenError():
            return status.invalid_argument([Violation("request_id", "was used for another transfer; choose a new one")])
        case UnknownJobError():
            return status.not_found(f"there is no job {str(error)[:100]!r}")
        case NotEndedError():
            return status.failed_precondition("STATE", str(error), f"{error} has not ended; cancel it first")
        case LimitError():
            return status.resource_exhausted(error.reason, str(error), error.retry_after)
        case CompactedError():
            return status.out_of_range("EVENTS_COMPACTED", str(error), oldest_sequence=str(error.oldest))
        case UnauthenticatedError():
            return status.unauthenticated(str(error))
        case TooSlowError():
            return status.deadline_exceeded("the request has not arrived in time")
        case StoppingError():
            return status.unavailable("the server is stopping")
        case FileNotFoundError():
            log.error("a picture has been lost: %s", error)
            return status.data_loss("the picture has been lost on the server's disk")
        case (
            sqlite3.OperationalError(sqlite_errorcode=sqlite3.SQLITE_FULL) | OSError(errno=errno.ENOSPC | errno.EDQUOT)
        ):
            log.error("the request cannot be kept: %s", error)
            return status.resource_exhausted("DISK_FULL", "the server's disk is full", 60.0)
        case sqlite3.Error():
            log.error("the database cannot be used: %s", error)
            return status.internal("the server's database cannot be used; its log has the cause")
        case _:
            log.error("a call broke", exc_info=error)
            return status.internal("the call broke inside the server; its log has the cause")


def _reason(answer: status_pb2.Status) -> str:
    """A refusal's reason in a word: that of its ErrorInfo, else its code."""
    info = error_details_pb2.ErrorInfo()
    for detail in answer.details:
        if detail.Unpack(info):
            return str(info.reason)
    return str(code_pb2.Code.Name(answer.code))


def _parser(kind: Any) -> Callable[[bytes], Any]:
    def parse(data: bytes) -> Any:
        try:
            return kind.FromString(data)
        except DecodeError:
            return None

    return parse


def _serialised(message: Any) -> bytes:
    return message if isinstance(message, bytes) else message.SerializeToString()
