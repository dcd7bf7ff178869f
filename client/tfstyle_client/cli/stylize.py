"""`tfstyle stylize`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tfstyle.presets import resolve_options
from tfstyle.rules import shown
from tfstyle_client._sync.client import Client
from tfstyle_client.cli.app import complain
from tfstyle_client.cli.connecting import check_server
from tfstyle_client.cli.outputs import checked_growth, checked_output, checked_plot, checked_preview, keep_inputs
from tfstyle_client.cli.parameters import (
    ACCESS,
    NO_ACCESS,
    OUTPUT,
    PATIENCE,
    Access,
    Gif,
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
from tfstyle_client.cli.transfer import FRAMES, PREVIEW_EVERY, Run, previews_every, reported
from tfstyle_client.errors import refusal
from tfstyle_client.files import STANDARD_STREAM
from tfstyle_client.option_values import file_path, whole_number
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
    quality: Quality = None,
    preview: Preview = None,
    preview_every: Annotated[
        int | None,
        Parameter(
            help="evaluations between two previews",
            show_default=f"{PREVIEW_EVERY}; with --gif: --steps / {FRAMES}",
            group=OUTPUT,
            converter=whole_number,
        ),
    ] = None,
    gif: Gif = None,
    plot: Plot = None,
    open_page: OpenPage = False,
    as_json: Json = False,
    server: Server = None,
    weights: Weights = None,
    timeout: Timeout = None,
    detach: Annotated[
        bool, Parameter(help="only create a job on the server at --server, and print its name", group=ACCESS)
    ] = False,
    access: Access = NO_ACCESS,
) -> None:
    """Repaint CONTENT in the style of STYLE, or of several."""
    preset, overrides = preset_and_overrides(first, others)
    start = start_file(overrides)
    _check((content, style, *more_styles), preview_every)
    check_standard_input(content, (style, *more_styles), pictures, start)
    check_server(server, weights, timeout)
    if open_page and timeout is not None:
        raise refusal("timeout", "has no effect with --open; cancel the job on the page, or with Ctrl-C")
    if detach:
        given: dict[str, object] = {"output": output, "quality": quality, "preview": preview, "timeout": timeout}
        _check_detached(server, given | {"plot": plot, "gif": gif, "open": open_page or None})
        target = None
    else:
        target = checked_output(output or default_output(content, style), quality, as_json, overrides.get("depth", 8))
    preview_target = checked_preview(preview)
    plot_target = checked_plot(plot, target, preview_target)
    growth = checked_growth(gif, output=target, preview=preview_target, plot=plot_target)
    read = paths_of(content, (style, *more_styles), pictures, start)
    keep_inputs(read, output=target, preview=preview_target, plot=plot_target, gif=growth)
    inputs = read_pictures(content, (style, *more_styles), pictures, start)
    options = resolve_options(preset, overrides)
    if target is None:
        progress = watchable(options)
    else:
        progress = reported(
            options, previews_every(preview_every, options, preview_target, growth), open_page=open_page
        )
    request = request_of(inputs, preset, progress, overrides)
    if target is None:
        with Client(str(server), PATIENCE, access.credentials(), complain) as client:
            report("created", "name", client.submit(request).name, as_json)
        return
    content_side = None if "size" in overrides else longer_side(inputs.content)
    files = (target, preview_target, server, access, weights, timeout, as_json, content_side, open_page, plot_target)
    Run(*files, growth).make(request)


def _check(pictures: Iterable[Path], preview_every: int | None) -> None:
    for path in pictures:
        if str(path).startswith("-") and path != STANDARD_STREAM:
            raise refusal(shown(str(path)), "there is no such option (see tfstyle stylize --help)")
    if preview_every is not None and not 1 <= preview_every <= 10_000:
        raise refusal("preview_every", f"must be 1 to 10000; got {shown(preview_every)}")


def _check_detached(server: str | None, given: dict[str, object]) -> None:
    if server is None:
        raise refusal("detach", "needs a server that stays, at --server; a private one ends with the command")
    for name, value in given.items():
        if value is not None:
            raise refusal(name, "has no effect with --detach; see tfstyle watch and tfstyle result")
