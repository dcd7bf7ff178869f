"""`tfstyle letter`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from tfstyle.options import RULES
from tfstyle.presets import resolve_options
from tfstyle.rules import number
from tfstyle_client.cli.parameters import (
    MAIN,
    PICTURES,
    OutputPath,
)
from tfstyle_client.cli.picture_files import start_file
from tfstyle_client.cli.picture_options import FIRST, LATER, options_class, preset_and_overrides, usual
from tfstyle_client.cli.run_options import NO_RUN_OPTIONS, RunOptions
from tfstyle_client.cli.transfer import planned_run
from tfstyle_client.display import Display
from tfstyle_client.errors import BadRequestError, refusal
from tfstyle_client.files import STANDARD_STREAM, read_file
from tfstyle_client.json_lines import print_json
from tfstyle_client.lettering import ALONE, ON_A_PAINTING, Legibility, Sheet, Typeface, draw, legibility
from tfstyle_client.lettering.readability import HARD_TO_READ
from tfstyle_client.lettering.recipe import BOLD, BOLD_OF_OWN_FONT, DEFAULT_MARGIN, MARGIN, REACH, TRACKING, TRANSPARENT
from tfstyle_client.option_values import file_path
from tfstyle_client.requests import request_of


def _default(alone: object, on_a_painting: object) -> str:
    """A default as help shows it."""
    shown = [number(value) if isinstance(value, float) else str(value) for value in (alone, on_a_painting)]
    return "; with STYLE2 ".join(dict.fromkeys(shown))


def _parameter(name: str) -> Any:
    """The parameter of an option with the default that letters have."""
    if name == "preset":
        return Annotated[usual(name), Parameter(show_default=_default(ALONE.preset, ON_A_PAINTING.preset))]
    if name in ALONE.options:
        shown = _default(ALONE.options[name], ON_A_PAINTING.options[name])
        return Annotated[usual(name), Parameter(show_default=shown)]
    return usual(name)


if TYPE_CHECKING:
    FirstOptions = Any
    OtherOptions = Any
else:
    FirstOptions = options_class("FirstOptions", FIRST, _parameter)
    OtherOptions = options_class("OtherOptions", LATER, _parameter)
NO_FIRST, NO_OTHERS = FirstOptions(), OtherOptions()


def letter(
    text: Annotated[str, Parameter(help="the words; \\n begins a new line")],
    style: Annotated[Path, Parameter(help="the painting of the letters: PNG, JPEG, WebP ...", converter=file_path)],
    ground: Annotated[
        Path | None, Parameter(name="STYLE2", help="the painting of the ground", converter=file_path)
    ] = None,
    /,
    *,
    first: FirstOptions = NO_FIRST,
    output: Annotated[OutputPath, Parameter(show_default=True)] = Path("lettering.png"),
    font: Annotated[
        Path | None,
        Parameter(
            help="TrueType or OpenType font; bold ones suit best",
            group=MAIN,
            show_default="Aileron, which comes with Pillow, for English",
            converter=file_path,
        ),
    ] = None,
    reach: Annotated[
        float | None,
        Parameter(
            help=f"{REACH.doc} ({REACH.accepts()})",
            group=MAIN,
            show_default=_default(ALONE.reach, ON_A_PAINTING.reach),
        ),
    ] = None,
    margin: Annotated[
        float, Parameter(help=f"{MARGIN.doc} ({MARGIN.accepts()})", group=PICTURES, show_default=True)
    ] = DEFAULT_MARGIN,
    tracking: Annotated[
        float | None,
        Parameter(
            help=f"{TRACKING.doc} ({TRACKING.accepts()})",
            group=PICTURES,
            show_default="a third of the reach, and twice bold",
        ),
    ] = None,
    bold: Annotated[
        float | None,
        Parameter(
            help=f"{BOLD.doc} ({BOLD.accepts()})",
            group=PICTURES,
            show_default=f"0, without --font {BOLD_OF_OWN_FONT:g}",
        ),
    ] = None,
    background: Annotated[
        str,
        Parameter(
            help=f"{TRANSPARENT}, or a colour such as white or #20242c",
            group=PICTURES,
            metavar="COLOUR",
            show_default=True,
        ),
    ] = TRANSPARENT,
    others: OtherOptions = NO_OTHERS,
    settings: RunOptions = NO_RUN_OPTIONS,
) -> None:
    """Paint the letters of TEXT in the style of STYLE, and the ground, if wanted, in that of STYLE2."""
    recipe = ALONE if ground is None else ON_A_PAINTING
    _, overrides = preset_and_overrides(first, others)
    preset = others.preset or recipe.preset
    overrides = recipe.overrides(preset, overrides)
    if start_file(overrides) is not None:
        raise refusal("start", f"cannot be a file here; give {RULES['start'].accepts()}")
    settings.check()
    options = resolve_options(preset, overrides)
    if complaints := recipe.complaints(options):
        raise BadRequestError(complaints)
    typeface = Typeface(None if font is None else read_file(font, "font"))
    words = text.replace("\\n", "\n")
    lettering = draw(
        words,
        typeface,
        size=options.size,
        reach=recipe.reach if reach is None else reach,
        margin=margin,
        bold=bold,
        tracking=tracking,
    )
    if ground == style == STANDARD_STREAM:
        raise refusal("style", "cannot be standard input twice; name a file")
    sheet = Sheet(
        lettering,
        read_file(style, "style"),
        None if ground is None else read_file(ground, "style2"),
        background,
    )

    def finish(png: bytes, screen: Display) -> bytes:
        finished = sheet.finish(png)
        _report(legibility(finished, lettering), screen, settings.as_json)
        return finished

    run = planned_run(settings, output, options.depth, [style, ground, font])
    dataclasses.replace(run, finish=finish).make(request_of(sheet.inputs, preset, run.progress(options), overrides))


def _report(found: Legibility, screen: Display, as_json: bool) -> None:
    if as_json:
        print_json("legibility", dataclasses.asdict(found))
    else:
        screen.say(
            f"paint: {found.on_letters:.0%} on the letters, {found.within_reach:.0%} within their reach; "
            f"correlation with the letters as drawn {found.correlation:.2f}"
        )
    if found.correlation < HARD_TO_READ:
        screen.say("warning: the letters may be hard to read; try a smaller --reach, a bolder font, or other paintings")
