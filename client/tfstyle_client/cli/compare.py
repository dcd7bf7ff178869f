"""`tfstyle compare`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from tfstyle.options import ALIASES
from tfstyle_client.cli.app import plain_fields
from tfstyle_client.cli.connecting import check_server
from tfstyle_client.cli.many import (
    AtOnce,
    Manner,
    Where,
    Work,
    check_at_once,
    check_known,
    make_all,
    raise_failures,
    seen_in,
)
from tfstyle_client.cli.outputs import checked_output
from tfstyle_client.cli.parameters import MAIN, NO_ACCESS, OUTPUT, Access, Json, Quality, Server, Weights
from tfstyle_client.cli.picture_files import (
    NO_SINGLE_FILES,
    SinglePictureFiles,
    check_number,
    paths_of,
    read_pictures,
    start_file,
)
from tfstyle_client.cli.picture_options import FirstLists, OtherLists
from tfstyle_client.cli.reports import report_file
from tfstyle_client.contact_sheet import LARGEST_CELL, SMALLEST_CELL, Sheet, drawn
from tfstyle_client.errors import ClientError, refusal
from tfstyle_client.file_patterns import matching_files
from tfstyle_client.files import is_stream, read_file, reason
from tfstyle_client.journal import Journal, open_journal
from tfstyle_client.option_grid import PRESET, STYLE, Axis, Cell, axis_of, cells_of
from tfstyle_client.option_values import file_path, whole_number
from tfstyle_client.output import Output
from tfstyle_client.picture_formats import FORMATS

NO_FIRST, NO_OTHERS = FirstLists(), OtherLists()
CELL_SIDE = 400
LONGEST_NAME = 150
_SPELLINGS = {name: alias for alias, name in ALIASES.items()}


def compare(
    content: Annotated[Path, Parameter(help="the photo", converter=file_path)],
    /,
    *style: Annotated[str, Parameter(help="the painting, or several", required=True)],
    first: FirstLists = NO_FIRST,
    output: Annotated[
        Path,
        Parameter(
            name=["--output", "-o"],
            help=f"file for the sheet, in the format of its ending ({', '.join(FORMATS)})",
            group=MAIN,
            allow_leading_hyphen=True,
            converter=file_path,
        ),
    ],
    pictures: SinglePictureFiles = NO_SINGLE_FILES,
    others: OtherLists = NO_OTHERS,
    quality: Quality = None,
    cell: Annotated[
        int,
        Parameter(
            help=f"longer side of each picture on the sheet in pixels, at most ({SMALLEST_CELL} to {LARGEST_CELL})",
            show_default=True,
            group=OUTPUT,
            converter=whole_number,
        ),
    ] = CELL_SIDE,
    keep_cells: Annotated[
        bool, Parameter(help="keep the single pictures, in the folder SHEET.cells", group=OUTPUT)
    ] = False,
    as_json: Json = False,
    server: Server = None,
    weights: Weights = None,
    at_once: AtOnce = None,
    access: Access = NO_ACCESS,
) -> None:
    """Make a labelled sheet of one photo with every combination of STYLE and of options with several values."""
    given = {name: text for name, text in (asdict(first) | asdict(others)).items() if text is not None}
    start = start_file(given)
    lists = [axis_of(name, text) for name, text in given.items()]
    target = _checked_sheet(output, quality, cell, as_json)
    check_server(server, weights)
    check_at_once(at_once)
    read_file(content, "content")
    paintings = matching_files(style, "style")
    check_number(pictures, len(paintings))
    made_from = {path: pictures.of_painting(index) for index, path in enumerate(paintings)}
    for path, further in made_from.items():
        read_pictures(content, [path], further, start)
    styles = _style_axis(paintings)
    axes = [axis for axis in (styles, *lists) if len(axis) > 1]
    if not axes:
        raise refusal("style", "and options make one picture; give several, or values such as --strength 0.3,0.6")
    fixed = {axis.name: axis.values[0] for axis in (styles, *lists) if len(axis) == 1}
    read = {path for each in paintings for path in paths_of(content, [each], made_from[each], start)}
    if inputs := [path for path in sorted(read) if target.writes(path)]:
        raise refusal("output", f"{inputs[0]} is one of the pictures that it is made from; name another file")
    cells = cells_of(axes, fixed)
    works = [
        replace(work, pictures=made_from[work.style], manner=replace(work.manner, start=start))
        for work in _works(content, cells, fixed)
    ]
    folder = target.path.with_suffix(".cells")
    check_known([work.name for work in works], seen_in(folder), "move them away, or name another sheet")
    where = Where(server, access, weights, works[0].manner.network, at_once)
    with open_journal(folder, "output") as journal:
        failures = make_all([work.task(journal) for work in works], journal, lambda _, png: png, where, as_json)
        rows = _rows(works, journal, failures, len(axes[-1]))
        title = _title(content, [axis for axis in (styles, *lists) if len(axis) == 1])
        report_file(target, _sheet(title, axes, rows, cell), as_json)
        if not failures and not keep_cells:
            journal.clear()
    raise_failures(failures, len(works), "they are marked in the sheet, and the same command tries them again")


def _checked_sheet(path: Path, quality: int | None, cell: int, as_json: bool) -> Output:
    """Raises `BadRequestError`."""
    target = checked_output(path, quality, as_json)
    if target.is_standard or is_stream(path):
        raise refusal("output", "must be a file; what is finished is kept beside it until the sheet is")
    if not SMALLEST_CELL <= cell <= LARGEST_CELL:
        raise refusal("cell", f"must be {SMALLEST_CELL} to {LARGEST_CELL}; got {cell}")
    return target


def _style_axis(paintings: Sequence[Path]) -> Axis:
    """The paintings by the names of their files; those of the same name with their folders."""
    stems = [path.stem for path in paintings]
    texts = [
        path.stem if stems.count(path.stem) == 1 else f"{path.resolve().parent.name}/{path.name}" for path in paintings
    ]
    return Axis(STYLE, tuple(paintings), tuple(texts))


def _works(content: Path, cells: Sequence[Cell], fixed: Mapping[str, Any]) -> list[Work]:
    """A picture for each cell, in a file that is named by what is particular about it."""
    works: list[Work] = []
    names: set[str] = set()
    for number, cell in enumerate(cells, 1):
        options = {**fixed, **cell.values}
        style, preset = options.pop(STYLE), options.pop(PRESET, "default")
        said = [text if name == STYLE else f"{_spelling(name)}-{text}" for name, text in cell.texts.items()]
        name = re.sub(r"[^\w.+-]+", "_", "-".join(said))[:LONGEST_NAME]
        if name in names:
            name = f"{name}-{number}"
        names.add(name)
        works.append(Work(f"{name}.png", content, style, Manner(preset, options)))
    return works


def _rows(
    works: Sequence[Work], journal: Journal, failures: Mapping[str, ClientError], columns: int
) -> list[list[bytes | str]]:
    """The cells of the sheet, row by row. Raises `BadRequestError`."""
    cells: list[bytes | str] = []
    for work in works:
        if work.name in failures:
            cells.append(plain_fields(str(failures[work.name])))
            continue
        try:
            cells.append((journal.folder / work.name).read_bytes())
        except OSError as error:
            raise refusal("output", f"cannot read {journal.folder / work.name}: {reason(error)}") from None
    return [cells[start : start + columns] for start in range(0, len(cells), columns)]


def _sheet(title: str, axes: Sequence[Axis], rows: list[list[bytes | str]], side: int) -> bytes:
    *down, across = axes
    labels = [""]
    for axis in down:
        labels = [f"{label}\n{_label(axis, text)}".strip() for label in labels for text in axis.texts]
    columns = [_label(across, text) for text in across.texts]
    try:
        return drawn(Sheet(title, columns, labels, rows), side)
    except (OSError, ValueError) as error:
        raise refusal("output", f"cannot draw the sheet: {reason(error)}") from None


def _label(axis: Axis, text: str) -> str:
    return text if axis.name == STYLE else f"{_spelling(axis.name)} {text}"


def _spelling(name: str) -> str:
    """An option as people call it."""
    return _SPELLINGS.get(name, name).replace("_", " ")


def _title(content: Path, single: Sequence[Axis]) -> str:
    """What all pictures have in common."""
    style = [f" in the style of {axis.texts[0]}" for axis in single if axis.name == STYLE]
    options = [_label(axis, axis.texts[0]) for axis in single if axis.name != STYLE]
    return "".join([content.stem, *style, *([": " + ", ".join(options)] if options else [])])
