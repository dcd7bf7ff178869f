"""The server's command line. Every flag can also be set by an environment variable."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from tfstyle.options import NETWORKS
from tfstyle.rules import shown
from tfstyle_server.admission import CallerLimits
from tfstyle_server.front import CannotServeError, serve
from tfstyle_server.logs import configure_logging
from tfstyle_server.options import MOST_IMAGE_BYTES, ServerOptions
from tfstyle_server.security import SecurityOptions
from tfstyle_server.store import Retention

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
_DEFAULT = ServerOptions()
# Depending on its version, Typer contains Click or depends on it. This is Click's UsageError in both cases.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]


@app.command()
def serve_command(
    listen: Annotated[
        str, typer.Option(envvar="TFSTYLE_LISTEN", help="host:port (port 0 for any free one), or unix:PATH")
    ] = _DEFAULT.listen,
    tls_certificate: Annotated[
        Path | None, typer.Option(envvar="TFSTYLE_TLS_CERTIFICATE", help="the server's certificate chain (PEM)")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(envvar="TFSTYLE_TLS_KEY", help="the server's private key (PEM)")
    ] = None,
    tls_client_ca: Annotated[
        Path | None,
        typer.Option(envvar="TFSTYLE_TLS_CLIENT_CA", help="require client certificates signed by this authority (PEM)"),
    ] = None,
    tokens: Annotated[
        Path | None,
        typer.Option(envvar="TFSTYLE_TOKENS", help="require a token listed in this file; tfstyle token adds one"),
    ] = None,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure", envvar="TFSTYLE_INSECURE", help="allow an address that other machines can reach without TLS"
        ),
    ] = False,
    devices: Annotated[
        str,
        typer.Option(
            envvar="TFSTYLE_DEVICES",
            help="one worker for each: cpu, or GPU numbers such as 0,1; empty: all GPUs, or else one CPU worker",
        ),
    ] = "",
    network: Annotated[
        str, typer.Option(envvar="TFSTYLE_NETWORK", help=f"network to load at the start: {', '.join(NETWORKS)}")
    ] = _DEFAULT.network,
    weights: Annotated[
        str | None,
        typer.Option(envvar="TFSTYLE_WEIGHTS", help="VGG19 weights without top layers (Keras HDF5)"),
    ] = None,
    data: Annotated[
        Path, typer.Option(envvar="TFSTYLE_DATA", help="folder for jobs, which survive a restart")
    ] = _DEFAULT.data,
    keep_days: Annotated[
        float,
        typer.Option(envvar="TFSTYLE_KEEP_DAYS", min=0, help="days of server uptime for which ended jobs are kept"),
    ] = _DEFAULT.retention.seconds / 86400,
    keep_jobs: Annotated[
        int, typer.Option(envvar="TFSTYLE_KEEP_JOBS", min=0, help="ended jobs that are kept for each caller")
    ] = _DEFAULT.retention.jobs,
    keep_mib: Annotated[
        int,
        typer.Option(
            envvar="TFSTYLE_KEEP_MIB", min=0, help="MiB of pictures of ended jobs that are kept for each caller"
        ),
    ] = _DEFAULT.retention.bytes // 2**20,
    keep_events: Annotated[
        int, typer.Option(envvar="TFSTYLE_KEEP_EVENTS", min=10, help="latest events that are kept of each job")
    ] = _DEFAULT.retention.events,
    queue: Annotated[
        int, typer.Option(envvar="TFSTYLE_QUEUE", min=0, help="jobs of all callers that may wait")
    ] = _DEFAULT.queue,
    caller_jobs: Annotated[
        int, typer.Option(envvar="TFSTYLE_CALLER_JOBS", min=1, help="unfinished jobs that one caller may have")
    ] = _DEFAULT.limits.jobs,
    caller_queue: Annotated[
        int, typer.Option(envvar="TFSTYLE_CALLER_QUEUE", min=0, help="of these, jobs that may wait")
    ] = _DEFAULT.limits.queue,
    caller_running: Annotated[
        int, typer.Option(envvar="TFSTYLE_CALLER_RUNNING", min=1, help="of these, jobs that may run at once")
    ] = _DEFAULT.limits.running,
    caller_watches: Annotated[
        int, typer.Option(envvar="TFSTYLE_CALLER_WATCHES", min=1, help="event streams that one caller may have open")
    ] = _DEFAULT.limits.watches,
    caller_work: Annotated[
        float,
        typer.Option(
            envvar="TFSTYLE_CALLER_WORK",
            min=0,
            help="megapixels x evaluations that one caller's unfinished jobs may amount to",
        ),
    ] = _DEFAULT.limits.work,
    metrics: Annotated[
        str | None,
        typer.Option(envvar="TFSTYLE_METRICS", help="host:port where metrics are served in Prometheus format"),
    ] = None,
    max_image_bytes: Annotated[
        int,
        typer.Option(
            envvar="TFSTYLE_MAX_IMAGE_BYTES", min=1, max=MOST_IMAGE_BYTES, help="bytes that a picture file may have"
        ),
    ] = _DEFAULT.max_image_bytes,
    max_pixels: Annotated[
        int, typer.Option(envvar="TFSTYLE_MAX_PIXELS", min=1, max=170_000_000, help="pixels that a picture may have")
    ] = _DEFAULT.max_pixels,
    grace: Annotated[
        float,
        typer.Option(
            envvar="TFSTYLE_GRACE", min=0, help="seconds for which calls to Stylize may continue after SIGTERM"
        ),
    ] = _DEFAULT.grace,
    memory: Annotated[
        int | None,
        typer.Option(
            envvar="TFSTYLE_MEMORY",
            min=1,
            help="MiB that a transfer may take; larger ones are tiled or refused [default: free memory / CPU workers]",
        ),
    ] = None,
    recycle_after: Annotated[
        int, typer.Option(envvar="TFSTYLE_RECYCLE_AFTER", min=1, help="compilations after which a worker is replaced")
    ] = _DEFAULT.recycle_after,
    checkpoint_seconds: Annotated[
        float,
        typer.Option(envvar="TFSTYLE_CHECKPOINT_SECONDS", min=0, help="least seconds between two checkpoints of a job"),
    ] = _DEFAULT.checkpoint_seconds,
    compiled_code: Annotated[
        str, typer.Option(envvar="TFSTYLE_COMPILED_CODE", help="folder where compiled code is kept; empty: nowhere")
    ] = str(_DEFAULT.compiled_code),
    stop_with_stdin: Annotated[
        bool, typer.Option("--stop-with-stdin", help="stop at the end of standard input", hidden=True)
    ] = False,
) -> None:
    """Serve style transfers over gRPC until SIGTERM or Ctrl-C."""
    if network not in NETWORKS:
        _refuse(f"network: must be one of {', '.join(NETWORKS)}; got {shown(network)}")
    if not all(device == "cpu" or device.isdecimal() for device in devices.split(",") if device):
        _refuse(f"devices: must be cpu, or GPU numbers such as 0,1; got {shown(devices)}")
    port = listen.rpartition(":")[2]
    if not listen.startswith("unix:") and not (port.isdecimal() and int(port) < 2**16):
        _refuse(f"listen: must be HOST:PORT with a port of 0 to 65535, or unix:PATH; got {shown(listen)}")
    options = ServerOptions(
        listen=listen,
        security=SecurityOptions(tls_certificate, tls_key, tls_client_ca, tokens, insecure),
        devices=tuple(device for device in devices.split(",") if device),
        network=network,
        weights=weights,
        data=data,
        queue=queue,
        limits=CallerLimits(caller_jobs, caller_queue, caller_running, caller_watches, caller_work),
        metrics=metrics,
        retention=Retention(keep_days * 86400, keep_jobs, keep_mib * 2**20, keep_events),
        max_image_bytes=max_image_bytes,
        max_pixels=max_pixels,
        grace=grace,
        memory=None if memory is None else memory * 2**20,
        recycle_after=recycle_after,
        checkpoint_seconds=checkpoint_seconds,
        compiled_code=Path(compiled_code) if compiled_code else None,
    )
    configure_logging()
    try:
        asyncio.run(serve(options, stop_with_stdin=stop_with_stdin))
    except CannotServeError as error:
        typer.echo(f"tfstyle-server: {error}", err=True)
        raise typer.Exit(1) from None


def _refuse(message: str) -> None:
    typer.echo(f"tfstyle-server: {message}", err=True)
    raise typer.Exit(2)


def run(arguments: list[str], name: str) -> int:
    """Run the server's command line under the program name `name` and return the exit code."""
    try:
        code = app(arguments, prog_name=name, standalone_mode=False)
    except _UsageError as error:
        typer.echo(f"tfstyle-server: {error.format_message()} (see {name} --help)", err=True)  # type: ignore[attr-defined]
        return 2
    return code if isinstance(code, int) else 0


def main() -> None:
    """Run the `tfstyle-server` script or `python -m tfstyle_server`."""
    sys.exit(run(sys.argv[1:], "tfstyle-server"))
