"""The server's command line. Every flag can also be set by an environment variable.

gRPC reads GRPC_VERBOSITY when it is imported. Its own log lines would stand before the error message.
"""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import asyncio
import math
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.exceptions import CycloptsError

from tfstyle import __version__
from tfstyle.environment import drop_empty_settings
from tfstyle.options import NETWORKS
from tfstyle.rules import shown
from tfstyle_client.exit_codes import BAD_INPUT, DONE, FAILED
from tfstyle_client.usage_errors import usage_message
from tfstyle_server.admission import CallerLimits
from tfstyle_server.backup import back_up
from tfstyle_server.blobs import StoreUnavailableError
from tfstyle_server.check import DataUnreadableError, check
from tfstyle_server.dashboard import DashboardOptions
from tfstyle_server.devices import DeviceError, choose_devices
from tfstyle_server.executors.ray.flags import NO_RAY, RayFlags
from tfstyle_server.executors.ray.options import RayOptionError
from tfstyle_server.flags import flag, number
from tfstyle_server.front import BadSettingError, CannotServeError, serve
from tfstyle_server.listen_address import AddressError, host_of
from tfstyle_server.logs import LogFormat, configure_logging
from tfstyle_server.options import MOST_IMAGE_BYTES, ServerOptions
from tfstyle_server.retention import Retention
from tfstyle_server.security import SecurityOptions

_DEFAULT = ServerOptions()


def serve_command(
    *,
    listen: Annotated[str, flag("LISTEN", "host:port (port 0 for any free one), or unix:PATH")] = _DEFAULT.listen,
    tls_certificate: Annotated[Path | None, flag("TLS_CERTIFICATE", "the server's certificate chain (PEM)")] = None,
    tls_key: Annotated[Path | None, flag("TLS_KEY", "the server's private key (PEM)")] = None,
    tls_client_ca: Annotated[
        Path | None, flag("TLS_CLIENT_CA", "require client certificates signed by this authority (PEM)")
    ] = None,
    tokens: Annotated[
        Path | None, flag("TOKENS", "require a token listed in this file; tfstyle token adds one")
    ] = None,
    insecure: Annotated[
        bool, flag("INSECURE", "allow an address that other machines can reach without TLS", show_default=False)
    ] = False,
    devices: Annotated[
        str,
        flag(
            "DEVICES",
            "one worker for each: cpu, or GPUs by number or UUID, such as 0,1; empty: all GPUs, or else one CPU worker",
            show_default=False,
        ),
    ] = "",
    tf32: Annotated[
        bool, flag("TF32", "let GPUs round float32 products to TF32 (10 bits), which is faster", show_default=False)
    ] = False,
    not_repeatable: Annotated[
        bool,
        flag(
            "NOT_REPEATABLE",
            "let GPUs choose how to sum, so that the same job may give other bits, and a resumed one too",
            show_default=False,
        ),
    ] = False,
    ray: RayFlags = NO_RAY,
    network: Annotated[str, flag("NETWORK", f"network to load at the start: {', '.join(NETWORKS)}")] = _DEFAULT.network,
    weights: Annotated[str | None, flag("WEIGHTS", "VGG19 weights without top layers (Keras HDF5)")] = None,
    data: Annotated[Path, flag("DATA", "folder for jobs, which survive a restart")] = _DEFAULT.data,
    blobs: Annotated[
        str | None,
        flag(
            "BLOBS",
            "where pictures and checkpoints are that workers on other machines reach: s3://BUCKET/PREFIX or a folder",
            show_default="in the data folder",
        ),
    ] = None,
    accept_empty_database: Annotated[
        bool,
        flag(
            "ACCEPT_EMPTY_DATABASE",
            "start although the data folder has pictures and no database, and delete the pictures",
            show_default=False,
        ),
    ] = False,
    keep_days: Annotated[
        float, flag("KEEP_DAYS", "days of server uptime for which ended jobs are kept", least=0)
    ] = _DEFAULT.retention.seconds / 86400,
    keep_jobs: Annotated[
        int, number("KEEP_JOBS", "ended jobs that are kept for each caller", least=0)
    ] = _DEFAULT.retention.jobs,
    keep_mib: Annotated[
        int, number("KEEP_MIB", "MiB of pictures of ended jobs that are kept for each caller", least=0)
    ] = _DEFAULT.retention.bytes // 2**20,
    disk_mib: Annotated[
        int | None,
        number("DISK_MIB", "MiB of pictures that all callers together may have", least=1, show_default="no limit"),
    ] = None,
    keep_events: Annotated[
        int, number("KEEP_EVENTS", "latest events that are kept of each job", least=10)
    ] = _DEFAULT.retention.events,
    queue: Annotated[int, number("QUEUE", "jobs of all callers that may wait", least=0)] = _DEFAULT.queue,
    caller_jobs: Annotated[
        int, number("CALLER_JOBS", "unfinished jobs that one caller may have", least=1)
    ] = _DEFAULT.limits.jobs,
    caller_queue: Annotated[
        int, number("CALLER_QUEUE", "of these, jobs that may wait", least=0)
    ] = _DEFAULT.limits.queue,
    caller_running: Annotated[
        int, number("CALLER_RUNNING", "of these, jobs that may run at once", least=1)
    ] = _DEFAULT.limits.running,
    caller_watches: Annotated[
        int, number("CALLER_WATCHES", "streams of events and results that one caller may have open", least=1)
    ] = _DEFAULT.limits.watches,
    caller_work: Annotated[
        float,
        flag("CALLER_WORK", "megapixels x evaluations that one caller's unfinished jobs may amount to", least=0),
    ] = _DEFAULT.limits.work,
    dashboard: Annotated[
        str | None, flag("DASHBOARD", "host:port of a page that shows the jobs, and makes new ones")
    ] = None,
    dashboard_host: Annotated[
        tuple[str, ...],
        Parameter(help="a further name by which browsers ask for the page, as behind a proxy"),
    ] = (),
    dashboard_origin: Annotated[
        tuple[str, ...], Parameter(help="another page that may read the page's API, such as https://example.org")
    ] = (),
    metrics: Annotated[str | None, flag("METRICS", "host:port where metrics are served in Prometheus format")] = None,
    traces: Annotated[
        str | None,
        flag("TRACES", "http://HOST:PORT of an OpenTelemetry collector that gets traces of jobs (OTLP, gRPC)"),
    ] = None,
    log_format: Annotated[
        LogFormat, flag("LOG_FORMAT", "format of log lines: text, or a JSON object a line")
    ] = _DEFAULT.log_format,
    max_image_bytes: Annotated[
        int, number("MAX_IMAGE_BYTES", "bytes that a picture file may have", least=1, most=MOST_IMAGE_BYTES)
    ] = _DEFAULT.max_image_bytes,
    max_pixels: Annotated[
        int, number("MAX_PIXELS", "pixels that a picture may have", least=1, most=170_000_000)
    ] = _DEFAULT.max_pixels,
    grace: Annotated[
        float, flag("GRACE", "seconds for which calls to Stylize may continue after SIGTERM", least=0)
    ] = _DEFAULT.grace,
    start_seconds: Annotated[
        float, flag("START_SECONDS", "seconds after which a worker that has not started is replaced", least=1)
    ] = _DEFAULT.start_seconds,
    silence_seconds: Annotated[
        float,
        flag(
            "SILENCE_SECONDS",
            "seconds, besides the job's estimate, after which a worker without a sign of life is replaced",
            least=1,
        ),
    ] = _DEFAULT.silence_seconds,
    decode_seconds: Annotated[
        float,
        flag("DECODE_SECONDS", "seconds of processor time in which a job's pictures have to be decoded", least=1),
    ] = _DEFAULT.decode_seconds,
    job_seconds: Annotated[
        float | None,
        flag("JOB_SECONDS", "seconds after which a running job fails", least=1, show_default="no limit"),
    ] = None,
    memory: Annotated[
        int | None,
        number(
            "MEMORY",
            "MiB that a transfer may take; larger ones are tiled or refused",
            least=1,
            show_default="free memory / CPU workers",
        ),
    ] = None,
    recycle_after: Annotated[
        int | None,
        number(
            "RECYCLE_AFTER",
            "jobs of new sizes after which a worker is replaced",
            least=1,
            show_default="when it keeps 1/16 of the memory",
        ),
    ] = None,
    checkpoint_seconds: Annotated[
        float, flag("CHECKPOINT_SECONDS", "least seconds between two checkpoints of one stage of a job", least=0)
    ] = _DEFAULT.checkpoint_seconds,
    stop_with_stdin: Annotated[bool, Parameter(help="stop at the end of standard input", show=False)] = False,
) -> int:
    """Serve style transfers over gRPC until SIGTERM or Ctrl-C."""
    if network not in NETWORKS:
        return _refuse(f"network: must be one of {', '.join(NETWORKS)}; got {shown(network)}")
    names = tuple(name.strip() for name in devices.split(",") if name.strip())
    try:
        choose_devices(names)
        host_of(listen)
    except (AddressError, DeviceError) as error:
        return _refuse(str(error))
    try:
        ray_options = ray.options()
    except RayOptionError as error:
        return _refuse(str(error))
    if blobs is not None and blobs.startswith("memory://"):
        return _refuse("blobs: memory:// is gone with the process; give a folder, file:///FOLDER or s3://BUCKET/PREFIX")
    if ray_options is not None and devices:
        return _refuse("devices: are this machine's; with --executor ray give --ray-gpus, --ray-cpus and --ray-actors")
    options = ServerOptions(
        listen=listen,
        security=SecurityOptions(tls_certificate, tls_key, tls_client_ca, tokens, insecure),
        devices=names,
        tf32=tf32,
        repeatable=not not_repeatable,
        ray=ray_options,
        network=network,
        weights=weights,
        data=data,
        blobs=blobs,
        accept_empty_database=accept_empty_database,
        queue=queue,
        limits=CallerLimits(caller_jobs, caller_queue, caller_running, caller_watches, caller_work),
        dashboard=None if dashboard is None else DashboardOptions(dashboard, dashboard_host, dashboard_origin),
        metrics=metrics,
        traces=traces,
        log_format=log_format,
        retention=Retention(
            keep_days * 86400,
            keep_jobs,
            keep_mib * 2**20,
            keep_events,
            math.inf if disk_mib is None else disk_mib * 2**20,
        ),
        max_image_bytes=max_image_bytes,
        max_pixels=max_pixels,
        grace=grace,
        start_seconds=start_seconds,
        silence_seconds=silence_seconds,
        decode_seconds=decode_seconds,
        job_seconds=math.inf if job_seconds is None else job_seconds,
        memory=None if memory is None else memory * 2**20,
        recycle_after=recycle_after,
        checkpoint_seconds=checkpoint_seconds,
    )
    configure_logging(log_format)
    try:
        asyncio.run(serve(options, stop_with_stdin=stop_with_stdin))
    except BadSettingError as error:
        return _refuse(str(error))
    except CannotServeError as error:
        return _refuse(str(error), FAILED)
    return DONE


def check_command(*, data: Annotated[Path, flag("DATA", "the server's data folder")] = _DEFAULT.data) -> int:
    """Check a data folder: the database, each of its rows, and each picture by its digest. A server may be using it."""
    try:
        report = check(data)
    except DataUnreadableError as error:
        return _refuse(f"data: {error}")
    for finding in report.findings:
        print(finding)
    print(f"{data}: {report.jobs} jobs, {report.pictures} pictures ({report.bytes / 1e6:.1f} MB): {report.verdict}")
    return FAILED if report.findings else DONE


def backup_command(
    folder: Path, /, *, data: Annotated[Path, flag("DATA", "the server's data folder")] = _DEFAULT.data
) -> int:
    """Write a copy of a data folder to FOLDER, a new one. A server may be using the data folder.

    The copy has all jobs, events and pictures of one moment. To restore it, start a server with --data FOLDER. Jobs
    that were running begin anew.
    """
    os.umask(0o077)
    try:
        report = back_up(data, folder)
    except DataUnreadableError as error:
        return _refuse(f"data: {error}")
    except StoreUnavailableError as error:
        return _refuse(f"data: the pictures of {data} cannot be read: {error.strerror}", FAILED)
    except OSError as error:
        return _refuse(f"folder: cannot write {folder}: {error.strerror or error}", FAILED)
    for finding in report.findings:
        print(finding)
    verdict = f"{len(report.findings)} lost" if report.findings else "complete"
    print(f"{folder}: {report.jobs} jobs, {report.pictures} pictures ({report.bytes / 1e6:.1f} MB): {verdict}")
    return FAILED if report.findings else DONE


def _refuse(message: str, code: int = BAD_INPUT) -> int:
    sys.stderr.write(f"tfstyle-server: {message}\n")
    return code


def run(arguments: list[str], name: str) -> int:
    """Run the server's command line under the program name `name` and return the exit code."""
    app = App(
        name=name,
        help_format="plaintext",
        version=__version__,
        version_flags=["--version"],
        default_parameter=Parameter(negative="", allow_repeating=True),
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    app.default(serve_command)
    app.command(check_command, name="check")
    app.command(backup_command, name="backup")
    drop_empty_settings()
    try:
        code = app(arguments, exit_on_error=False, print_error=False, verbose=False)
    except CycloptsError as error:
        return _refuse(usage_message(error, name))
    return code if isinstance(code, int) else DONE
