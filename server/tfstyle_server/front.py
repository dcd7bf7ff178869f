"""The front process: the gRPC server from its start to its graceful end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sqlite3
import sys
from collections.abc import Callable

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from tfstyle_server.data import DataInUseError, open_data
from tfstyle_server.jobs import Jobs
from tfstyle_server.messages import WorkerSettings
from tfstyle_server.metrics import Metrics
from tfstyle_server.options import ServerOptions
from tfstyle_server.security import Gate, SecurityError, check_binding, credentials
from tfstyle_server.servicer import SERVICE, StyleTransferServicer

log = logging.getLogger("tfstyle.front")

_REQUEST_OVERHEAD = 64 * 1024
LAST_WORDS = 0.5
"""Seconds for the statuses of the last calls to leave, and for health watches to be cut."""


class CannotServeError(Exception):
    """The server cannot start or go on; `str()` of it is one line with the reason."""


async def serve(
    options: ServerOptions,
    *,
    stop_with_stdin: bool = False,
    on_listening: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then let running requests end within the grace.

    A second signal ends at once. `on_listening` is called with the address. With
    `stop_with_stdin` the end of standard input counts as a signal: a server that belongs to one
    process ends with it, however that dies. Raises `CannotServeError`.
    """
    stop = asyncio.Event()
    hurry = asyncio.Event()
    reason: list[str] = []

    def ask_to_stop() -> None:
        (hurry if stop.is_set() else stop).set()

    def broken(why: str) -> None:
        reason.append(why)
        stop.set()
        hurry.set()

    def ready() -> None:
        for name in ("", SERVICE):
            tasks.append(loop.create_task(checks.set(name, health_pb2.HealthCheckResponse.SERVING)))

    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[None]] = []
    checks = health.aio.HealthServicer()
    for name in ("", SERVICE):
        await checks.set(name, health_pb2.HealthCheckResponse.NOT_SERVING)

    settings = [
        WorkerSettings(
            device,
            options.network,
            options.weights,
            options.max_image_bytes,
            options.max_pixels,
            options.memory,
            options.recycle_after,
            options.checkpoint_seconds,
            options.compiled_code,
        )
        for device in options.resolved_devices()
    ]
    metrics = Metrics()
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", 2 * options.max_image_bytes + _REQUEST_OVERHEAD),
            ("grpc.so_reuseport", 0),
            # Clients may ask whether a silent server lives, each 10 s at most.
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
            ("grpc.keepalive_permit_without_calls", 1),
        ]
    )
    try:
        check_binding(options.listen, options.security)
        tls = credentials(options.security)
        gate = Gate(options.security)
        data = await open_data(options.data, options.retention)
    except (SecurityError, DataInUseError) as error:
        raise CannotServeError(str(error)) from None
    jobs = Jobs(data, settings, options.queue, options.limits, metrics, ready, broken)
    servicer = StyleTransferServicer(jobs, data.blobs, gate, metrics, options.max_image_bytes, options.limits.receiving)
    server.add_generic_rpc_handlers((servicer.handlers(),))
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    if not options.security.authenticates:
        reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    try:
        port = server.add_secure_port(options.listen, tls) if tls else server.add_insecure_port(options.listen)
    except RuntimeError:
        raise CannotServeError(
            f"listen: cannot listen on {options.listen}: it is in use, or no address of this machine"
        ) from None
    unix = options.listen.startswith("unix:")
    address = options.listen if unix else f"{options.listen.rpartition(':')[0]}:{port}"

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask_to_stop)
    if stop_with_stdin:
        loop.add_reader(sys.stdin, _at_end_of_stdin, loop, ask_to_stop)
    try:
        stop_metrics = metrics.serve(options.metrics)
    except (OSError, ValueError, OverflowError) as error:
        raise CannotServeError(f"metrics: cannot listen on {options.metrics}: {error}") from None
    try:
        await jobs.begin()
    except (sqlite3.Error, DecodeError) as error:
        raise CannotServeError(f"data: cannot go on with the jobs in {options.data}: {error}") from None
    await server.start()
    log.info("listening on %s", address)
    if on_listening is not None:
        on_listening(address)
    try:
        await stop.wait()
        await checks.enter_graceful_shutdown()
        servicer.refuse_new()
        grace = 0.0 if hurry.is_set() else options.grace
        log.info("stopping: running requests have %.0f s", grace)
        enough = [loop.create_task(hurry.wait()), loop.create_task(servicer.drained())]
        await asyncio.wait(enough, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
        for task in enough:
            task.cancel()
        servicer.abandon()
        # Once only: a second stop() that overtakes the first one touches freed memory in grpcio 1.85.
        await server.stop(LAST_WORDS)
    finally:
        await jobs.close()
        await data.close()
        stop_metrics()
    log.info("stopped")
    if reason:
        raise CannotServeError(reason[0])


def _at_end_of_stdin(loop: asyncio.AbstractEventLoop, then: Callable[[], None]) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        loop.remove_reader(sys.stdin)
        then()
