"""`tfstyle letter`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from tfstyle.options import RULES
from tfstyle.presets import PRESETS, resolve_options
from tfstyle.rules import number
from tfstyle_client.cli.outputs import checked_output, checked_plot, checked_preview
from tfstyle_client.cli.parameters import (
    ACCESS,
    MAIN,
    NO_ACCESS,
    PICTURES,
    Access,
    Json,
    OpenPage,
    OutputPath,
    Plot,
    Preview,
    Quality,
    Server,
)
from tfstyle_client.cli.picture_files import start_file
from tfstyle_client.cli.picture_options import FIRST, OTHERS, options_class, preset_and_overrides
from tfstyle_client.cli.stylize import PREVIEW_EVERY
from tfstyle_client.cli.transfer import Run, reported
from tfstyle_client.display import Display
from tfstyle_client.errors import refusal
from tfstyle_client.files import STANDARD_STREAM, read_file
from tfstyle_client.json_lines import print_json
from tfstyle_client.lettering import ALONE, ON_A_PAINTING, Legibility, Recipe, Sheet, Typeface, draw, legibility
from tfstyle_client.lettering.drawing import (
    BOLD,
    BOLD_OF_OWN_FONT,
    DEFAULT_MARGIN,
    MARGIN,
    REACH,
)
from tfstyle_client.lettering.legibility import HARD_TO_READ
from tfstyle_client.lettering.sheet import TRANSPARENT
from tfstyle_client.option_values import file_path
from tfstyle_client.requests import request_of
from tfstyle_client.target import parse_target


def _default(alone: object, on_a_painting: object) -> str:
    """A default as help shows it."""
    shown = [number(value) if isinstance(value, float) else str(value) for value in (alone, on_a_painting)]
    return "; with STYLE2 ".join(dict.fromkeys(shown))


if TYPE_CHECKING:
    FirstOptions = Any
    OtherOptions = Any
else:
    _shown = {"preset": _default(ALONE.preset, ON_A_PAINTING.preset)} | {
        name: _default(value, ON_A_PAINTING.options[name]) for name, value in ALONE.options.items()
    }
    FirstOptions = options_class("FirstOptions", FIRST, _shown)
    OtherOptions = options_class("OtherOptions", OTHERS, _shown)
NO_FIRST, NO_OTHERS = FirstOptions(), OtherOptions()


def letter(
    text: Annotated[str, Parameter(help="the words; \\n begins a new line", allow_leading_hyphen=True)],
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
    quality: Quality = None,
    preview: Preview = None,
    plot: Plot = None,
    open_page: OpenPage = False,
    as_json: Json = False,
    server: Server = None,
    weights: Annotated[
        str | None, Parameter(help="VGG19 weights (Keras' HDF5 without top) for the private server", group=ACCESS)
    ] = None,
    access: Access = NO_ACCESS,
) -> None:
    """Paint the letters of TEXT in the style of STYLE, and the ground, if wanted, in that of STYLE2."""
    recipe = ALONE if ground is None else ON_A_PAINTING
    preset, overrides = preset_and_overrides(first, others, recipe.preset)
    overrides = _with_defaults(recipe, preset, overrides)
    reach = recipe.reach if reach is None else reach
    if start_file(overrides) is not None:
        raise refusal("start", f"cannot be a file here; give {RULES['start'].accepts()}")
    if server is not None:
        parse_target(server)
        if weights is not None:
            raise refusal("weights", "are for a private server; the server at --server has its own")
    options = resolve_options(preset, overrides)
    typeface = Typeface(None if font is None else read_file(font, "font"))
    words = text.replace("\\n", "\n")
    lettering = draw(words, typeface, size=options.size, reach=reach, margin=margin, bold=bold)
    if ground == style == STANDARD_STREAM:
        raise refusal("style", "cannot be standard input twice; name a file")
    sheet = Sheet(
        lettering,
        read_file(style, "style"),
        None if ground is None else read_file(ground, "style2"),
        background,
    )
    target, preview_target = checked_output(output, quality, as_json), checked_preview(preview)
    plot_target = checked_plot(plot, target, preview_target)
    progress = reported(options, PREVIEW_EVERY if preview_target is not None else 0, open_page=open_page)
    request = request_of(sheet.inputs, preset, progress, overrides)

    def finish(png: bytes, screen: Display) -> bytes:
        finished = sheet.finish(png)
        _report(legibility(finished, lettering), screen, as_json)
        return finished

    run = Run(target, preview_target, server, access, weights, None, as_json, None, open_page, plot_target, finish)
    run.make(request)


def _with_defaults(recipe: Recipe, preset: str, overrides: dict[str, Any]) -> dict[str, Any]:
    """The options, with what suits letters where the user has not chosen otherwise."""
    defaults = dict(recipe.options)
    balance = overrides.get("balance", PRESETS[preset].balance)
    if {"content_weight", "style_weight"} & overrides.keys() or balance != "relative":
        del defaults["strength"]
    return defaults | overrides


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
