"""`tfstyle redo`: repeat a result, as its file says that it was made."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tfstyle.presets import PRESETS
from tfstyle.provenance_json import read_provenance
from tfstyle_client.cli.app import complain
from tfstyle_client.cli.connecting import check_server
from tfstyle_client.cli.outputs import checked_output, checked_preview, keep_inputs
from tfstyle_client.cli.parameters import (
    NO_ACCESS,
    PICTURES,
    Access,
    Json,
    OutputPath,
    Preview,
    Quality,
    Server,
    Timeout,
    Weights,
)
from tfstyle_client.cli.picture_files import start_file
from tfstyle_client.cli.picture_options import ChangedOptions, overrides_of
from tfstyle_client.cli.transfer import PREVIEW_EVERY, Run, reported
from tfstyle_client.errors import refusal
from tfstyle_client.files import STANDARD_STREAM, read_file
from tfstyle_client.option_values import file_path, file_paths
from tfstyle_client.output import repeated_output
from tfstyle_client.repetition import Repetition, canvas_of, check_names, files_by_name
from tfstyle_client.requests import request_of

NO_CHANGES = ChangedOptions()


def redo(
    result: Annotated[
        Path,
        Parameter(
            help="a picture that tfstyle has made: PNG, JPEG, WebP or TIFF",
            allow_leading_hyphen=True,
            converter=file_path,
        ),
    ],
    /,
    *,
    content: Annotated[
        Path | None,
        Parameter(
            help="the photo that it was made from; - is standard input",
            group=PICTURES,
            allow_leading_hyphen=True,
            converter=file_path,
        ),
    ] = None,
    style: Annotated[
        tuple[Path, ...],
        Parameter(
            help="the painting that it was made from, or the paintings in order",
            group=PICTURES,
            metavar="FILE ...",
            consume_multiple=True,
            converter=file_paths,
        ),
    ] = (),
    picture: Annotated[
        tuple[str, ...],
        Parameter(
            help="any other picture by the name that tfstyle info RESULT shows, such as style.mask=mask.png",
            group=PICTURES,
            metavar="NAME=FILE",
            consume_multiple=True,
        ),
    ] = (),
    changes: ChangedOptions = NO_CHANGES,
    output: Annotated[OutputPath | None, Parameter(show_default="RESULT.png with a number, beside the result")] = None,
    quality: Quality = None,
    preview: Preview = None,
    as_json: Json = False,
    server: Server = None,
    weights: Weights = None,
    timeout: Timeout = None,
    access: Access = NO_ACCESS,
) -> None:
    """Repeat RESULT, a picture that tfstyle has made, to the bit, or with changes."""
    overrides = overrides_of(asdict(changes))
    start = start_file(overrides)
    check_server(server, weights, timeout)
    files = files_by_name({"content": content, "start_picture": start}, style, picture)
    if result == content == STANDARD_STREAM:
        raise refusal("content", "cannot be standard input, because the result is; name a file")
    made = read_provenance(read_file(result, "result"), "result")
    empty = {} if content is not None or (painted := canvas_of(made)) is None else {"content": painted}
    check_names(made, str(result), [*empty, *files])
    pictures = empty | {name: read_file(path, name) for name, path in files.items()}
    repetition = Repetition(made, str(result), pictures, overrides, private=server is None)
    options, inputs = repetition.options, repetition.inputs
    target = checked_output(output or repeated_output(result), quality, as_json, options.depth)
    preview_target = checked_preview(preview)
    keep_inputs([result, *files.values()], output=target, preview=preview_target)
    for warning in repetition.warnings():
        complain(f"warning: {warning}")
    preset = made.preset if made.preset in PRESETS else "default"
    progress = reported(options, PREVIEW_EVERY if preview_target is not None else 0, open_page=False)
    request = request_of(inputs, preset, progress, asdict(options))
    Run(target, preview_target, server, access, weights, timeout, as_json, check=repetition.check).make(request)
