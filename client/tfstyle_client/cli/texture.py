"""`tfstyle texture`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tfstyle.canvas import canvas, texture_options
from tfstyle.errors import InvalidInputError
from tfstyle.presets import resolve_options
from tfstyle.rules import shown
from tfstyle_client.cli.connecting import check_server
from tfstyle_client.cli.outputs import checked_output, checked_plot, checked_preview, keep_inputs
from tfstyle_client.cli.parameters import (
    MAIN,
    NO_ACCESS,
    Access,
    Json,
    OpenPage,
    OutputPath,
    Plot,
    Preview,
    Quality,
    Server,
    Timeout,
    Weights,
)
from tfstyle_client.cli.picture_files import NO_PICTURE_FILES, PictureFiles, paths_of, read_pictures, start_file
from tfstyle_client.cli.picture_options import TextureOptions, preset_and_overrides
from tfstyle_client.cli.transfer import PREVIEW_EVERY, Run, reported
from tfstyle_client.errors import BadRequestError, refusal
from tfstyle_client.files import STANDARD_STREAM
from tfstyle_client.option_values import file_path
from tfstyle_client.output import default_texture
from tfstyle_client.requests import request_of

SIZE = "512x512"
NO_OPTIONS = TextureOptions()


def texture(
    style: Annotated[
        Path,
        Parameter(
            help="the painting: PNG, JPEG, WebP ...; - is standard input",
            allow_leading_hyphen=True,
            converter=file_path,
        ),
    ],
    /,
    *more_styles: Annotated[
        Path, Parameter(name="STYLE", help="further paintings to blend with the first", converter=file_path)
    ],
    size: Annotated[
        str, Parameter(help="width and height in pixels", show_default=True, group=MAIN, metavar="WIDTHxHEIGHT")
    ] = SIZE,
    output: Annotated[
        OutputPath | None, Parameter(show_default="STYLE-texture.png beside the style, or with a number")
    ] = None,
    pictures: PictureFiles = NO_PICTURE_FILES,
    options: TextureOptions = NO_OPTIONS,
    quality: Quality = None,
    preview: Preview = None,
    plot: Plot = None,
    open_page: OpenPage = False,
    as_json: Json = False,
    server: Server = None,
    weights: Weights = None,
    timeout: Timeout = None,
    access: Access = NO_ACCESS,
) -> None:
    """Paint a texture in the style of STYLE, or of several, without a photo."""
    preset, overrides = preset_and_overrides(options)
    start, sides, styles = start_file(overrides), _sides(size), (style, *more_styles)
    try:
        overrides = texture_options(sides, preset, overrides)
        resolved = resolve_options(preset, overrides)
    except InvalidInputError as error:
        raise BadRequestError(error.violations) from None
    check_server(server, weights, timeout)
    if open_page and timeout is not None:
        raise refusal("timeout", "has no effect with --open; cancel the job on the page, or with Ctrl-C")
    if pictures.keep is not None:
        raise refusal("keep", "has no effect on a texture, which has no photo")
    for path in styles:
        if str(path).startswith("-") and path != STANDARD_STREAM:
            raise refusal(shown(str(path)), "there is no such option (see tfstyle texture --help)")
    target = checked_output(output or default_texture(style), quality, as_json, resolved.depth)
    preview_target = checked_preview(preview)
    plot_target = checked_plot(plot, target, preview_target)
    keep_inputs(
        paths_of(canvas(sides), styles, pictures, start), output=target, preview=preview_target, plot=plot_target
    )
    inputs = read_pictures(canvas(sides), styles, pictures, start)
    progress = reported(resolved, PREVIEW_EVERY if preview_target is not None else 0, open_page=open_page)
    Run(
        *(target, preview_target, server, access, weights, timeout, as_json), open_page=open_page, plot=plot_target
    ).make(request_of(inputs, preset, progress, overrides))


def _sides(size: str) -> tuple[int, int]:
    """(width, height). Raises `BadRequestError`."""
    match = re.fullmatch(r"([1-9]\d{0,5})[xX×]([1-9]\d{0,5})", size.strip())
    if match is None:
        raise refusal("size", f"must be WIDTHxHEIGHT in pixels, such as 1024x512; got {shown(size)}")
    return int(match[1]), int(match[2])
