"""The server's command line: each flag is also an environment variable."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from tfstyle.options import NETWORKS
from tfstyle.rules import shown
from tfstyle_server.front import CannotServeError, serve
from tfstyle_server.limits import CallerLimits
from tfstyle_server.logs import configure_logging
from tfstyle_server.options import ServerOptions
from tfstyle_server.security import SecurityOptions
from tfstyle_server.store import Retention

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
_DEFAULT = ServerOptions()
# Typer has Click under its own name or as a dependency, by version; this is Click's UsageError in both.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]


@app.command()
def serve_command(
    listen: Annotated[
        str, typer.Option(envvar="TFSTYLE_LISTEN", help="host:port (port 0: any free one), or unix:PATH")
    ] = _DEFAULT.listen,
    tls_certificate: Annotated[
        Path | None, typer.Option(envvar="TFSTYLE_TLS_CERTIFICATE", help="the server's certificate chain, PEM")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(envvar="TFSTYLE_TLS_KEY", help="its private key, PEM")] = None,
    tls_client_ca: Annotated[
        Path | None,
        typer.Option(envvar="TFSTYLE_TLS_CLIENT_CA", help="clients must show a certificate of this authority, PEM"),
    ] = None,
    tokens: Annotated[
        Path | None,
        typer.Option(envvar="TFSTYLE_TOKENS", help="callers must send a token of this file; see tfstyle token"),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", envvar="TFSTYLE_INSECURE", help="listen without TLS where others can reach it")
    ] = False,
    devices: Annotated[
        str,
        typer.Option(
            envvar="TFSTYLE_DEVICES",
            help="a worker for each: cpu, or GPU numbers such as 0,1; empty: all GPUs, else one CPU worker",
        ),
    ] = "",
    network: Annotated[
        str, typer.Option(envvar="TFSTYLE_NETWORK", help=f"loaded at the start: {', '.join(NETWORKS)}")
    ] = _DEFAULT.network,
    weights: Annotated[
        str | None,
        typer.Option(envvar="TFSTYLE_WEIGHTS", help="VGG19 weights without top, as Keras' HDF5 file"),
    ] = None,
    data: Annotated[
        Path, typer.Option(envvar="TFSTYLE_DATA", help="folder with the jobs, which outlive the server")
    ] = _DEFAULT.data,
    keep_days: Annotated[
        float,
        typer.Option(
            envvar="TFSTYLE_KEEP_DAYS", min=0, help="how long jobs that have ended are kept, while a server runs"
        ),
    ] = _DEFAULT.retention.seconds / 86400,
    keep_jobs: Annotated[
        int, typer.Option(envvar="TFSTYLE_KEEP_JOBS", min=0, help="how many jobs that have ended are kept")
    ] = _DEFAULT.retention.jobs,
    keep_mib: Annotated[
        int, typer.Option(envvar="TFSTYLE_KEEP_MIB", min=0, help="MiB of pictures of jobs that have ended")
    ] = _DEFAULT.retention.bytes // 2**20,
    keep_events: Annotated[
        int, typer.Option(envvar="TFSTYLE_KEEP_EVENTS", min=10, help="events of a job that can be watched again")
    ] = _DEFAULT.retention.events,
    queue: Annotated[
        int, typer.Option(envvar="TFSTYLE_QUEUE", min=0, help="requests of all callers that may wait")
    ] = _DEFAULT.queue,
    caller_jobs: Annotated[
        int, typer.Option(envvar="TFSTYLE_CALLER_JOBS", min=1, help="unfinished jobs that one caller may have")
    ] = _DEFAULT.limits.jobs,
    caller_queue: Annotated[
        int, typer.Option(envvar="TFSTYLE_CALLER_QUEUE", min=0, help="of these, how many may wait")
    ] = _DEFAULT.limits.queue,
    caller_running: Annotated[
        int, typer.Option(envvar="TFSTYLE_CALLER_RUNNING", min=1, help="of these, how many run at once")
    ] = _DEFAULT.limits.running,
    caller_watches: Annotated[
        int, typer.Option(envvar="TFSTYLE_CALLER_WATCHES", min=1, help="streams of events that one caller may have")
    ] = _DEFAULT.limits.watches,
    caller_work: Annotated[
        float,
        typer.Option(
            envvar="TFSTYLE_CALLER_WORK", min=0, help="megapixels x evaluations of a caller's unfinished jobs"
        ),
    ] = _DEFAULT.limits.work,
    metrics: Annotated[
        str | None, typer.Option(envvar="TFSTYLE_METRICS", help="host:port for figures in Prometheus' format")
    ] = None,
    max_image_bytes: Annotated[
        int, typer.Option(envvar="TFSTYLE_MAX_IMAGE_BYTES", min=1, max=2**29, help="largest picture, encoded")
    ] = _DEFAULT.max_image_bytes,
    max_pixels: Annotated[
        int, typer.Option(envvar="TFSTYLE_MAX_PIXELS", min=1, max=170_000_000, help="most pixels of a picture")
    ] = _DEFAULT.max_pixels,
    grace: Annotated[
        float, typer.Option(envvar="TFSTYLE_GRACE", min=0, help="seconds for running requests after SIGTERM")
    ] = _DEFAULT.grace,
    memory: Annotated[
        int | None,
        typer.Option(
            envvar="TFSTYLE_MEMORY",
            min=1,
            help="MiB that a transfer may take; larger ones are tiled or refused [default: what is free]",
        ),
    ] = None,
    recycle_after: Annotated[
        int, typer.Option(envvar="TFSTYLE_RECYCLE_AFTER", min=1, help="compilations after which a worker is replaced")
    ] = _DEFAULT.recycle_after,
    checkpoint_seconds: Annotated[
        float,
        typer.Option(envvar="TFSTYLE_CHECKPOINT_SECONDS", min=0, help="least time between two checkpoints of a job"),
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
        _refuse(f"devices: must be cpu, or numbers of GPUs such as 0,1; got {shown(devices)}")
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
    """Run the server's command line as the program `name` and give its exit code."""
    try:
        code = app(arguments, prog_name=name, standalone_mode=False)
    except _UsageError as error:
        typer.echo(f"tfstyle-server: {error.format_message()} (see {name} --help)", err=True)  # type: ignore[attr-defined]
        return 2
    return code if isinstance(code, int) else 0


def main() -> None:
    """Entry point of the `tfstyle-server` script and `python -m tfstyle_server`."""
    sys.exit(run(sys.argv[1:], "tfstyle-server"))
