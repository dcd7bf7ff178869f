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
from tfstyle_client.cli.parameters import (
    MAIN,
    OutputPath,
)
from tfstyle_client.cli.picture_files import NO_TEXTURE_FILES, TexturePictureFiles, paths_of, read_pictures, start_file
from tfstyle_client.cli.picture_options import TextureOptions, preset_and_overrides
from tfstyle_client.cli.run_options import NO_RUN_OPTIONS, RunOptions
from tfstyle_client.cli.transfer import planned_run
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
    pictures: TexturePictureFiles = NO_TEXTURE_FILES,
    keep: Annotated[Path | None, Parameter(show=False, converter=file_path)] = None,
    options: TextureOptions = NO_OPTIONS,
    settings: RunOptions = NO_RUN_OPTIONS,
) -> None:
    """Paint a texture in the style of STYLE, or of several, without a photo."""
    preset, overrides = preset_and_overrides(options)
    start, sides, styles = start_file(overrides), _sides(size), (style, *more_styles)
    try:
        overrides = texture_options(sides, preset, overrides)
        resolved = resolve_options(preset, overrides)
    except InvalidInputError as error:
        raise BadRequestError(error.violations) from None
    settings.check()
    if keep is not None:
        raise refusal("keep", "has no effect on a texture, which has no photo")
    for path in styles:
        if str(path).startswith("-") and path != STANDARD_STREAM:
            raise refusal(shown(str(path)), "there is no such option (see tfstyle texture --help)")
    files = pictures.files()
    read = paths_of(canvas(sides), styles, files, start)
    run = planned_run(settings, output or default_texture(style), resolved.depth, read)
    inputs = read_pictures(canvas(sides), styles, files, start)
    run.make(request_of(inputs, preset, run.progress(resolved), overrides))


def _sides(size: str) -> tuple[int, int]:
    """(width, height). Raises `BadRequestError`."""
    match = re.fullmatch(r"([1-9]\d{0,5})[xX×]([1-9]\d{0,5})", size.strip())
    if match is None:
        raise refusal("size", f"must be WIDTHxHEIGHT in pixels, such as 1024x512; got {shown(size)}")
    return int(match[1]), int(match[2])
