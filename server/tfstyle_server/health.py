"""gRPC's health checking and server reflection, which are open to callers without credentials.

Health is implemented here, because grpcio's servicer receives messages of any size before code of ours runs, and one
watcher that does not read keeps it from setting a status.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import grpc
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from tfstyle_server.logs import STRANGERS
from tfstyle_server.strangers import StrangerError, Strangers, host_of_peer
from tfstyle_server.transport import Context, reader_of

log = logging.getLogger("tfstyle.front")

HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
REFLECTION = reflection.SERVICE_NAME
REFLECTING_SECONDS = 10.0
"""How long a reflection stream may be idle between two messages."""
REFLECTING_AT_ONCE = 16
Response: TypeAlias = health_pb2.HealthCheckResponse


class Health:
    """The status of each service by its name; "" is the server as a whole."""

    def __init__(self, services: Sequence[str]) -> None:
        self._statuses = dict.fromkeys(services, Response.NOT_SERVING)
        self._changed = asyncio.Event()
        self._strangers = Strangers()

    def set_serving(self, service: str, *, serving: bool) -> None:
        """Set a status, and tell those who watch it."""
        self._statuses[service] = Response.SERVING if serving else Response.NOT_SERVING
        self._changed.set()
        self._changed = asyncio.Event()

    def handlers(self) -> grpc.GenericRpcHandler:
        """The methods in the form in which the gRPC server takes them."""
        unary, stream = grpc.stream_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
        serialised = Response.SerializeToString
        return grpc.method_handlers_generic_handler(
            HEALTH,
            {
                "Check": unary(_answering(self._check), None, serialised),
                "Watch": stream(_answering(self._watch), None, serialised),
            },
        )

    async def _check(self, context: Context) -> Response | None:
        service = await self._service(context)
        status = self._statuses.get(service)
        if status is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"there is no service {service[:100]!r}")
        return Response(status=status)

    async def _watch(self, context: Context) -> None:
        service = await self._service(context)
        with self._strangers.stream(context.peer()):
            sent = None
            while True:
                changed, status = self._changed, self._statuses.get(service, Response.SERVICE_UNKNOWN)
                if status != sent:
                    await context.write(Response(status=status))
                    sent = status
                await changed.wait()

    async def _service(self, context: Context) -> str:
        request = await self._strangers.receive(context.peer(), reader_of(context), health_pb2.HealthCheckRequest)
        return "" if request is None else str(request.service)


class Reflection:
    """Server reflection of `services`."""

    def __init__(self, services: Sequence[str]) -> None:
        self._servicer = reflection.aio.ReflectionServicer([*services, HEALTH, REFLECTION])
        self._strangers = Strangers(REFLECTING_SECONDS, REFLECTING_AT_ONCE)

    def handlers(self) -> grpc.GenericRpcHandler:
        """The method in the form in which the gRPC server takes it."""
        serialised = reflection_pb2.ServerReflectionResponse.SerializeToString
        handler = grpc.stream_stream_rpc_method_handler(_answering(self._reflect), None, serialised)
        return grpc.method_handlers_generic_handler(REFLECTION, {"ServerReflectionInfo": handler})

    async def _reflect(self, context: Context) -> None:
        async def messages() -> AsyncIterator[Any]:
            read, kind = reader_of(context), reflection_pb2.ServerReflectionRequest
            while (message := await self._strangers.receive(context.peer(), read, kind)) is not None:
                yield message

        with self._strangers.stream(context.peer()):
            async for response in self._servicer.ServerReflectionInfo(messages(), context):
                await context.write(response)


def _answering(method: Callable[[Context], Awaitable[Any]]) -> Callable[[Any, Context], Awaitable[Any]]:
    """`method` as gRPC calls it, with refusals as statuses, and one line in the log for each."""

    async def call(_: Any, context: Context) -> Any:
        try:
            return await method(context)
        except StrangerError as error:
            if (note := STRANGERS.note(host_of_peer(context.peer()))) is not None:
                log.info("a call without credentials from %s is refused: %s%s", context.peer(), error, note)
            code = grpc.StatusCode.RESOURCE_EXHAUSTED if error.busy else grpc.StatusCode.INVALID_ARGUMENT
            await context.abort(code, str(error))

    return call
