"""The server's command line: each flag is also an environment variable."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from tfstyle.options import NETWORKS
from tfstyle_server.front import CannotServeError, serve
from tfstyle_server.logs import configure_logging
from tfstyle_server.options import ServerOptions

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
_DEFAULT = ServerOptions()


@app.command()
def run(
    listen: Annotated[
        str, typer.Option(envvar="TFSTYLE_LISTEN", help="host:port (port 0: any free one), or unix:PATH")
    ] = _DEFAULT.listen,
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
    queue: Annotated[int, typer.Option(envvar="TFSTYLE_QUEUE", min=0, help="requests that may wait")] = _DEFAULT.queue,
    max_image_bytes: Annotated[
        int, typer.Option(envvar="TFSTYLE_MAX_IMAGE_BYTES", min=1, max=2**29, help="largest picture, encoded")
    ] = _DEFAULT.max_image_bytes,
    max_pixels: Annotated[
        int, typer.Option(envvar="TFSTYLE_MAX_PIXELS", min=1, max=170_000_000, help="most pixels of a picture")
    ] = _DEFAULT.max_pixels,
    grace: Annotated[
        float, typer.Option(envvar="TFSTYLE_GRACE", min=0, help="seconds for running requests after SIGTERM")
    ] = _DEFAULT.grace,
    recycle_after: Annotated[
        int, typer.Option(envvar="TFSTYLE_RECYCLE_AFTER", min=1, help="compilations after which a worker is replaced")
    ] = _DEFAULT.recycle_after,
    stop_with_stdin: Annotated[
        bool, typer.Option("--stop-with-stdin", help="stop at the end of standard input", hidden=True)
    ] = False,
) -> None:
    """Serve style transfers over gRPC until SIGTERM or Ctrl-C."""
    if network not in NETWORKS:
        typer.echo(f"tfstyle-server: network: must be one of {', '.join(NETWORKS)}; got {network!r}", err=True)
        raise typer.Exit(2)
    options = ServerOptions(
        listen=listen,
        devices=tuple(device for device in devices.split(",") if device),
        network=network,
        weights=weights,
        queue=queue,
        max_image_bytes=max_image_bytes,
        max_pixels=max_pixels,
        grace=grace,
        recycle_after=recycle_after,
    )
    configure_logging()
    try:
        asyncio.run(serve(options, stop_with_stdin=stop_with_stdin))
    except CannotServeError as error:
        typer.echo(f"tfstyle-server: {error}", err=True)
        raise typer.Exit(1) from None


def main() -> None:
    """Entry point of the `tfstyle-server` script and `python -m tfstyle_server`."""
    app(prog_name="tfstyle-server")
