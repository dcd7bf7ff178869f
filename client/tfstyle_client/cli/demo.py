"""`tfstyle demo`."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tfstyle.presets import PRESETS, resolve_options
from tfstyle_client.cli.parameters import (
    MAIN,
    NO_ACCESS,
    Access,
    Gif,
    Json,
    OpenPage,
    OutputPath,
    Preview,
    Quality,
    Server,
)
from tfstyle_client.cli.run_options import RunOptions
from tfstyle_client.cli.transfer import planned_run
from tfstyle_client.option_values import whole_number
from tfstyle_client.requests import stylize_request

PRESET = "fast"
OUTPUT = Path("tfstyle-demo.png")


def demo(
    *,
    size: Annotated[
        int,
        Parameter(help="longer side of the result in pixels", show_default=True, group=MAIN, converter=whole_number),
    ] = PRESETS[PRESET].size,
    output: Annotated[OutputPath, Parameter(show_default=True)] = OUTPUT,
    quality: Quality = None,
    preview: Preview = None,
    gif: Gif = None,
    as_json: Json = False,
    open_page: OpenPage = False,
    server: Server = None,
    access: Access = NO_ACCESS,
) -> None:
    """Repaint the photo that comes with tfstyle in the style of the painting that comes with it."""
    settings = RunOptions(quality, preview, None, gif, None, open_page, as_json, server, access=access)
    run = planned_run(settings, output, 8, ())
    folder = files("tfstyle_client").joinpath("demo")
    photo, painting = (folder.joinpath(name).read_bytes() for name in ("landscape.jpg", "painting.jpg"))
    options = resolve_options(PRESET, {"size": size})
    run.make(stylize_request(photo, painting, PRESET, run.progress(options), {"size": size}))
