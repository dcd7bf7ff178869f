"""`tfstyle stylize`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tfstyle.presets import resolve_options
from tfstyle.rules import shown
from tfstyle_client._sync.client import Client
from tfstyle_client.cli.app import complain
from tfstyle_client.cli.parameters import (
    ACCESS,
    PATIENCE,
    OutputPath,
)
from tfstyle_client.cli.picture_files import (
    NO_PICTURE_FILES,
    PictureFiles,
    check_standard_input,
    paths_of,
    read_pictures,
    start_file,
)
from tfstyle_client.cli.picture_options import FirstOptions, OtherOptions, preset_and_overrides
from tfstyle_client.cli.reports import report
from tfstyle_client.cli.run_options import NO_RUN_OPTIONS, RunOptions
from tfstyle_client.cli.transfer import planned_run
from tfstyle_client.errors import refusal
from tfstyle_client.files import STANDARD_STREAM
from tfstyle_client.option_values import file_path
from tfstyle_client.output import default_output
from tfstyle_client.picture_formats import longer_side
from tfstyle_client.requests import request_of, watchable

NO_FIRST, NO_OTHERS = FirstOptions(), OtherOptions()


def stylize(
    content: Annotated[
        Path,
        Parameter(
            help="the photo: PNG, JPEG, WebP ...; - is standard input", allow_leading_hyphen=True, converter=file_path
        ),
    ],
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
    first: FirstOptions = NO_FIRST,
    output: Annotated[
        OutputPath | None, Parameter(show_default="CONTENT-STYLE.png beside the content, or with a number")
    ] = None,
    pictures: PictureFiles = NO_PICTURE_FILES,
    others: OtherOptions = NO_OTHERS,
    settings: RunOptions = NO_RUN_OPTIONS,
    detach: Annotated[
        bool, Parameter(help="only create a job on the server at --server, and print its name", group=ACCESS)
    ] = False,
) -> None:
    """Repaint CONTENT in the style of STYLE, or of several."""
    preset, overrides = preset_and_overrides(first, others)
    start = start_file(overrides)
    _check((content, style, *more_styles))
    check_standard_input(content, (style, *more_styles), pictures, start)
    settings.check()
    if detach:
        _check_detached(settings, output)
        run = None
    else:
        read = paths_of(content, (style, *more_styles), pictures, start)
        run = planned_run(settings, output or default_output(content, style), overrides.get("depth", 8), read)
    inputs = read_pictures(content, (style, *more_styles), pictures, start)
    options = resolve_options(preset, overrides)
    if run is None:
        request = request_of(inputs, preset, watchable(options), overrides)
        with Client(str(settings.server), PATIENCE, settings.access.credentials(), complain) as client:
            report("created", "name", client.submit(request).name, settings.as_json)
        return
    content_side = None if "size" in overrides else longer_side(inputs.content)
    replace(run, content_side=content_side).make(request_of(inputs, preset, run.progress(options), overrides))


def _check(pictures: Iterable[Path]) -> None:
    for path in pictures:
        if str(path).startswith("-") and path != STANDARD_STREAM:
            raise refusal(shown(str(path)), "there is no such option (see tfstyle stylize --help)")


def _check_detached(settings: RunOptions, output: Path | None) -> None:
    if settings.server is None:
        raise refusal("detach", "needs a server that stays, at --server; a private one ends with the command")
    given = {"output": output, "quality": settings.quality, "preview": settings.preview, "timeout": settings.timeout}
    for name, value in (
        given | {"plot": settings.plot, "gif": settings.gif, "open": settings.open_page or None}
    ).items():
        if value is not None:
            raise refusal(name, "has no effect with --detach; see tfstyle watch and tfstyle result")
