"""The service as the contract has it: checks the request, queues it, and relays what becomes of it."""

from __future__ import annotations

import asyncio
import logging

import grpc
from google.protobuf.message import DecodeError

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.options import RULES, ProgressOptions, TransferOptions, resolve_options
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc
from tfstyle.v1.conversion import options_from_proto
from tfstyle_server import status
from tfstyle_server.messages import Cancelled, Done, Failed, Refused, Unprepared
from tfstyle_server.scheduler import Lost, QueueFullError, Scheduler, Ticket

log = logging.getLogger("tfstyle.front")

SERVICE = pb.DESCRIPTOR.services_by_name["StyleTransfer"].full_name
CHUNK_BYTES = 256 * 1024


class StyleTransferServicer(style_transfer_pb2_grpc.StyleTransferServicer):
    """One coroutine a call; none of them computes."""

    def __init__(self, scheduler: Scheduler, max_image_bytes: int) -> None:
        self._scheduler = scheduler
        self._max_image_bytes = max_image_bytes
        self._refusing = False
        self._calls = 0
        self._drained = asyncio.Event()
        self._drained.set()

    def refuse_new(self) -> None:
        """Answer every call from now on with UNAVAILABLE."""
        self._refusing = True

    async def drained(self) -> None:
        """Wait until no call is left."""
        await self._drained.wait()

    def handlers(self) -> grpc.GenericRpcHandler:
        """The methods as the server takes them.

        In place of the generated registration, under which bytes that are no message end as UNKNOWN.
        """
        stylize = grpc.unary_stream_rpc_method_handler(self.Stylize, _parse, pb.StylizeEvent.SerializeToString)
        return grpc.method_handlers_generic_handler(SERVICE, {"Stylize": stylize})

    async def Stylize(  # noqa: N802 - gRPC's name
        self, request: pb.StylizeRequest | None, context: grpc.aio.ServicerContext
    ) -> None:
        """Relay the job's events; the end of the call, for whatever reason, is the end of the job."""
        if self._refusing:
            await context.abort_with_status(status.unavailable("the server is stopping"))
        if request is None:
            await context.abort_with_status(
                status.invalid_argument([Violation("request", "is no tfstyle.v1.StylizeRequest")])
            )
            return
        self._calls += 1
        self._drained.clear()
        try:
            await self._stylize(request, context)
        finally:
            self._calls -= 1
            if self._calls == 0:
                self._drained.set()

    async def _stylize(self, request: pb.StylizeRequest, context: grpc.aio.ServicerContext) -> None:
        try:
            options, progress = self._checked(request)
            ticket = self._scheduler.submit(request.content, request.style, options, progress)
        except InvalidInputError as error:
            await context.abort_with_status(status.invalid_argument(error.violations))
        except QueueFullError as error:
            await context.abort_with_status(status.resource_exhausted(str(error), error.retry_after))
        log.info(
            "job %s: accepted from %s, %s, %d px, %d steps, pictures of %d and %d kB",
            *(ticket.run.job, context.peer(), request.preset or "default", options.size, options.steps),
            *(len(request.content) // 1000, len(request.style) // 1000),
        )
        try:
            await self._relay(ticket, context)
        except asyncio.CancelledError:
            log.info("job %s: the caller has cancelled, gone, or run out of time", ticket.run.job)
            raise
        finally:
            self._scheduler.cancel(ticket)

    def _checked(self, request: pb.StylizeRequest) -> tuple[TransferOptions, ProgressOptions]:
        """The options in force. Raises `InvalidInputError` naming fields by their path in the request."""
        violations = [
            Violation(field, complaint)
            for field in ("content", "style")
            if (complaint := self._size_complaint(getattr(request, field)))
        ]
        try:
            options = resolve_options(request.preset or "default", options_from_proto(request.options))
        except InvalidInputError as error:
            violations += map(_in_request, error.violations)
        try:
            progress = ProgressOptions(**{field.name: value for field, value in request.progress.ListFields()})
        except InvalidInputError as error:
            violations += [Violation(f"progress.{v.field}", v.description) for v in error.violations]
        if violations:
            raise InvalidInputError(violations)
        return options, progress

    def _size_complaint(self, picture: bytes) -> str | None:
        if not picture:
            return "is empty; send a PNG, JPEG or WebP picture"
        if len(picture) > self._max_image_bytes:
            return f"is {len(picture):,} bytes; at most {self._max_image_bytes:,} are accepted"
        return None

    async def _relay(self, ticket: Ticket, context: grpc.aio.ServicerContext) -> None:
        sequence = 0

        async def send(event: pb.StylizeEvent) -> None:
            nonlocal sequence
            sequence += 1
            event.sequence = sequence
            event.time.GetCurrentTime()
            await context.write(event)

        while True:
            match await ticket.next():
                case pb.StylizeEvent() as event:
                    await send(event)
                case Done(_, event, png):
                    await send(event)
                    for offset in range(0, len(png), CHUNK_BYTES):
                        data = png[offset : offset + CHUNK_BYTES]
                        await send(pb.StylizeEvent(chunk=pb.Chunk(offset=offset, data=data)))
                    return
                case Refused(_, violations):
                    await context.abort_with_status(status.invalid_argument(map(_in_request, violations)))
                case Unprepared(_, reason):
                    await context.abort_with_status(status.failed_precondition("WEIGHTS", "network", reason))
                case Lost(job, reason):
                    await context.abort_with_status(status.unavailable(f"job {job} was lost: {reason}; try again"))
                case Failed(_, reason):
                    await context.abort_with_status(status.internal(reason))
                case Cancelled():
                    await context.abort_with_status(status.cancelled("the job was cancelled"))


def _parse(data: bytes) -> pb.StylizeRequest | None:
    try:
        return pb.StylizeRequest.FromString(data)
    except DecodeError:
        return None


def _in_request(violation: Violation) -> Violation:
    """The violation with an engine option's name as its path in the request."""
    prefix = "options." if violation.field in RULES else ""
    return Violation(prefix + violation.field, violation.description)
