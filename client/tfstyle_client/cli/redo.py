"""`tfstyle redo`: repeat a result, as its file says that it was made."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tfstyle.presets import PRESETS
from tfstyle.provenance_json import read_provenance
from tfstyle_client.cli.app import complain
from tfstyle_client.cli.drawn_again import FONT, DrawnAgain, letters_again, texture_again, words_in
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
from tfstyle_client.repetition import Repetition, check_names, files_by_name
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
    data = read_file(result, "result")
    made = read_provenance(data, "result")
    given = {name: read_file(path, name) for name, path in files.items()}
    if content is not None:
        drawn = DrawnAgain({})
    elif (words := words_in(data)) is not None:
        drawn = letters_again(words, made, given, overrides, str(result))
        given.pop(FONT, None)
    else:
        drawn = texture_again(made)
    pictures = {**drawn.pictures, **given}
    check_names(made, str(result), pictures)
    private = settings.server is None
    repetition = Repetition(made, str(result), pictures, overrides, private, drawn.pictures.keys())
    options, inputs = repetition.options, repetition.inputs
    read = [result, *files.values()]
    run = planned_run(settings, output or repeated_output(result), options.depth, read)
    for warning in repetition.warnings():
        complain(f"warning: {warning}")
    preset = made.preset if made.preset in PRESETS else "default"
    run = replace(run, check=repetition.check, finish=lambda png, _: drawn.finish(png))
    run.make(request_of(inputs, preset, run.progress(options), asdict(options)))
