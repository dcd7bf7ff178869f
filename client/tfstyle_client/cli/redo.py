"""`tfstyle redo`: repeat a result, as its file says that it was made."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tfstyle.presets import PRESETS
from tfstyle.provenance_json import read_provenance
from tfstyle_client.cli.app import complain
from tfstyle_client.cli.parameters import (
    PICTURES,
    OutputPath,
)
from tfstyle_client.cli.picture_files import start_file
from tfstyle_client.cli.picture_options import ChangedOptions, overrides_of
from tfstyle_client.cli.run_options import NO_RUN_OPTIONS, RunOptions
from tfstyle_client.cli.transfer import planned_run
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
    settings: RunOptions = NO_RUN_OPTIONS,
) -> None:
    """Repeat RESULT, a picture that tfstyle has made, to the bit, or with changes."""
    overrides = overrides_of(asdict(changes))
    start = start_file(overrides)
    settings.check()
    files = files_by_name({"content": content, "start_picture": start}, style, picture)
    if result == content == STANDARD_STREAM:
        raise refusal("content", "cannot be standard input, because the result is; name a file")
    made = read_provenance(read_file(result, "result"), "result")
    empty = {} if content is not None or (painted := canvas_of(made)) is None else {"content": painted}
    check_names(made, str(result), [*empty, *files])
    pictures = empty | {name: read_file(path, name) for name, path in files.items()}
    repetition = Repetition(made, str(result), pictures, overrides, private=settings.server is None)
    options, inputs = repetition.options, repetition.inputs
    read = [result, *files.values()]
    run = planned_run(settings, output or repeated_output(result), options.depth, read)
    for warning in repetition.warnings():
        complain(f"warning: {warning}")
    preset = made.preset if made.preset in PRESETS else "default"
    replace(run, check=repetition.check).make(request_of(inputs, preset, run.progress(options), asdict(options)))
