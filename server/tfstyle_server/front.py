"""The front process: the gRPC server from its start to its graceful shutdown."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from urllib.parse import urlsplit

import grpc

from tfstyle.rules import shown
from tfstyle_server.dashboard import DashboardError, dashboard_page, private_socket
from tfstyle_server.data import Data, DataInUseError, open_data
from tfstyle_server.executors.local.process import WorkerProcess
from tfstyle_server.executors.local.settings import actor_settings, fallback_settings, worker_settings
from tfstyle_server.executors.pool import Scale, WorkerPool
from tfstyle_server.executors.ray.actors import Actors
from tfstyle_server.executors.ray.frames import Connect
from tfstyle_server.health import Health, Reflection
from tfstyle_server.heap import keep_little_freed_memory
from tfstyle_server.jobs import Jobs
from tfstyle_server.listen_address import has_listener, why_not
from tfstyle_server.metrics import Metrics
from tfstyle_server.metrics_page import metrics_page
from tfstyle_server.options import ServerOptions
from tfstyle_server.security import Gate, check_binding, credentials
from tfstyle_server.server_info import describe
from tfstyle_server.service_manager import ServiceManager
from tfstyle_server.servicer import SERVICE, StyleTransferServicer
from tfstyle_server.tokens import SecurityError
from tfstyle_server.traces import UNTRACED, Traces
from tfstyle_server.transport import channel_options, raise_file_limit

log = logging.getLogger("tfstyle.front")

_SETTINGS = ("weights: ", "dashboard: ", "executor: ", "ray-address: ", "blobs: ", "devices: ", "tensorflow: ")
"""The beginnings of reasons not to serve that lie with a setting."""
STOPPING_SECONDS = 30.0
"""Time beside the grace period that a service manager is asked for, until everything is closed."""
CLOSING_SECONDS = 0.5
"""Time for the statuses of the last calls to be sent, after which health watches are cut."""


class CannotServeError(Exception):
    """The server cannot start or continue; `str()` of it is one line with the reason."""


class BadSettingError(CannotServeError):
    """A setting is at fault, which the reason names at its beginning."""


async def serve(
    options: ServerOptions,
    *,
    stop_with_stdin: bool = False,
    on_listening: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then let calls to Stylize finish within the grace period.

    A second signal ends the server at once. `on_listening` is called with the address. With `stop_with_stdin`, the end
    of standard input counts as a signal, so that a private server ends when its owner does, even if that is killed.
    Raises `CannotServeError`, and `BadSettingError` where it does not start because of a setting.
    """
    stop = asyncio.Event()
    hurry = asyncio.Event()
    reason: list[str] = []

    def request_stop() -> None:
        (hurry if stop.is_set() else stop).set()

    def on_broken(why: str) -> None:
        reason.append(why)
        stop.set()
        hurry.set()

    def on_readiness(ready: bool) -> None:
        health.set_serving(SERVICE, serving=ready and not stop.is_set())
        manager.tell(STATUS="serving" if ready else "accepting jobs; no worker is ready")

    loop = asyncio.get_running_loop()
    manager = ServiceManager.of(os.environ)
    health = Health(("", SERVICE))
    os.umask(0o077)  # pictures are for the server's eyes only; workers inherit this
    most_connections = raise_file_limit()
    keep_little_freed_memory()
    server = grpc.aio.server(options=channel_options(options.max_image_bytes, most_connections))
    try:
        await asyncio.to_thread(check_binding, options.listen, options.security)
        if await asyncio.to_thread(has_listener, options.listen):
            raise BadSettingError(f"listen: another process listens on {options.listen}")
        tls = credentials(options.security)
        gate = Gate(options.security)
        data = await open_data(
            options.data, options.retention, options.blobs, accept_empty=options.accept_empty_database
        )
    except (SecurityError, DataInUseError) as error:
        raise BadSettingError(str(error)) from None
    metrics = Metrics()
    traces = _traces(options.traces)
    executor = _executor(options, data)
    metrics.reads_memory_of(lambda: executor.processes)
    jobs = Jobs(
        data,
        executor,
        options.queue,
        options.limits,
        metrics,
        on_readiness,
        on_broken,
        options.job_seconds,
        options.retention.disk_bytes,
        traces,
    )
    servicer = StyleTransferServicer(
        jobs,
        data.blobs,
        gate,
        metrics,
        options.max_image_bytes,
        options.max_pixels,
        options.limits.receiving,
        partial(describe, options),
        traces,
    )
    server.add_generic_rpc_handlers((servicer.handlers(),))
    server.add_generic_rpc_handlers((health.handlers(),))
    if not options.security.authenticates:
        server.add_generic_rpc_handlers((Reflection([SERVICE]).handlers(),))
    try:
        port = server.add_secure_port(options.listen, tls) if tls else server.add_insecure_port(options.listen)
    except RuntimeError:
        why = await asyncio.to_thread(why_not, options.listen)
        raise BadSettingError(f"listen: cannot listen on {options.listen}: {why}") from None
    pages = AsyncExitStack()
    own = None
    if options.dashboard is not None:
        own = pages.enter_context(private_socket())
        server.add_insecure_port(own.address)
    unix = options.listen.startswith("unix:")
    address = options.listen if unix else f"{options.listen.rpartition(':')[0]}:{port}"

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, request_stop)
    if stop_with_stdin:
        loop.add_reader(sys.stdin, _at_end_of_stdin, loop, request_stop)
    try:
        await pages.enter_async_context(metrics_page(metrics.registry, options.metrics))
    except (OSError, ValueError, OverflowError) as error:
        raise BadSettingError(f"metrics: cannot listen on {options.metrics}: {error}") from None
    try:
        await jobs.begin()
    except (sqlite3.Error, TypeError, ValueError, ArithmeticError) as error:  # of damage that no row's reader knows
        why = f"cannot resume the jobs in {options.data}: {error} (tfstyle-server check tells more)"
        raise BadSettingError(f"data: {why}") from None
    await server.start()
    revoking = loop.create_task(servicer.end_revoked_calls())
    alive = loop.create_task(manager.keep_alive())
    health.set_serving("", serving=True)  # the process is alive; SERVICE follows its workers
    log.info("listening on %s", address)
    # Jobs are accepted from now on, and wait until a worker is ready, which health tells.
    manager.tell(READY=1)
    if on_listening is not None:
        on_listening(address)
    try:
        if options.dashboard is not None and own is not None:
            try:
                await pages.enter_async_context(dashboard_page(options.dashboard, options.security, own, address))
            except DashboardError as error:
                on_broken(str(error))
        await stop.wait()
        for name in ("", SERVICE):
            health.set_serving(name, serving=False)
        servicer.refuse_new()
        grace = 0.0 if hurry.is_set() else options.grace
        manager.tell(STOPPING=1, EXTEND_TIMEOUT_USEC=int(1e6 * (grace + STOPPING_SECONDS)))
        log.info("stopping: calls to Stylize may continue for %.0f s", grace)
        waits = [loop.create_task(hurry.wait()), loop.create_task(servicer.drained())]
        await asyncio.wait(waits, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            task.cancel()
        servicer.abandon()
        # Called only once: in grpcio 1.85 a second stop() that overtakes the first one uses freed memory.
        await server.stop(CLOSING_SECONDS)
    finally:
        revoking.cancel()
        alive.cancel()
        await jobs.close()
        await data.close()
        await asyncio.to_thread(traces.close)
        await pages.aclose()
    log.info("stopped")
    if reason:
        raise (BadSettingError if reason[0].startswith(_SETTINGS) else CannotServeError)(reason[0])


def _executor(options: ServerOptions, data: Data) -> WorkerPool:
    """The workers: processes of this machine, or actors of a cluster."""
    places = data.blob_location, data.checkpoint_location, data.temporary
    waits = options.start_seconds, options.silence_seconds
    if options.ray is None:
        workers = worker_settings(options, *places)
        return WorkerPool(workers, WorkerProcess, *waits, fallback=fallback_settings(options, workers))
    actors = Actors(Connect(options.ray, options.log_format))
    scale = Scale(options.ray.least, options.ray.idle_seconds)
    return WorkerPool(actor_settings(options, options.ray, *places), actors.start, *waits, scale)


def _traces(endpoint: str | None) -> Traces:
    """What makes the traces of jobs. Raises `BadSettingError`."""
    if endpoint is None:
        return UNTRACED
    try:
        collector = urlsplit(endpoint)
        fits = collector.scheme in ("http", "https") and bool(collector.hostname) and collector.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise BadSettingError(f"traces: must be http://HOST:PORT, or https; got {shown(endpoint)}")
    try:
        from tfstyle_server.open_telemetry import open_telemetry

        return open_telemetry(endpoint)
    except ImportError as error:
        raise BadSettingError(f"traces: {error}; pip install 'tfstyle[traces]'") from None
    except Exception as error:  # OpenTelemetry's own settings are wrong, each with an error of its own kind
        raise BadSettingError(f"traces: OpenTelemetry cannot be set up: {error}") from None


def _at_end_of_stdin(loop: asyncio.AbstractEventLoop, then: Callable[[], None]) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        loop.remove_reader(sys.stdin)
        then()
