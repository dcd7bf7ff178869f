"""`tfstyle batch`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from tfstyle.rules import shown
from tfstyle_client._sync.client import Client
from tfstyle_client.cli.app import complain, plain_fields
from tfstyle_client.cli.connecting import check_server, client_of, reached
from tfstyle_client.cli.estimate import estimated
from tfstyle_client.cli.many import (
    AtOnce,
    Manner,
    Where,
    Work,
    check_at_once,
    check_known,
    is_there,
    make_all,
    raise_failures,
    seen_in,
)
from tfstyle_client.cli.parameters import MAIN, NO_ACCESS, OUTPUT, Access, Json, Quality, Server, Weights
from tfstyle_client.cli.picture_files import (
    NO_SINGLE_FILES,
    SinglePictureFiles,
    check_number,
    paths_of,
    start_name,
)
from tfstyle_client.cli.picture_options import FirstOptions, OtherOptions, preset_and_overrides
from tfstyle_client.cli.picture_sizes import Sizes, sizes_in
from tfstyle_client.cli.reports import print_line, report
from tfstyle_client.display import clock
from tfstyle_client.errors import BadRequestError, refusal
from tfstyle_client.file_patterns import matching_files
from tfstyle_client.files import check_writable
from tfstyle_client.journal import Journal, open_journal
from tfstyle_client.json_lines import print_json
from tfstyle_client.option_values import file_path
from tfstyle_client.output import Output
from tfstyle_client.output_names import DEFAULT_TEMPLATE, PLACEHOLDERS, checked_template, output_names, photos_file
from tfstyle_client.picture_formats import QUALITY, convert
from tfstyle_client.requests import stylize_request

NO_FIRST, NO_OTHERS = FirstOptions(), OtherOptions()
MOST_PICTURES = 100_000


def batch(
    *content: Annotated[
        str,
        Parameter(
            help="the photos: files, or patterns in quotes such as 'photos/*.jpg'; --keep 'masks/{content}.png' names a"
            " mask for each, and so do --region, --regions and --start",
            required=True,
        ),
    ],
    style: Annotated[
        list[str],
        Parameter(
            help="the paintings: files or patterns; each photo is made in the style of each",
            group=MAIN,
            consume_multiple=True,
        ),
    ],
    output: Annotated[
        Path, Parameter(name=["--output", "-o"], help="folder for the pictures", group=MAIN, converter=file_path)
    ],
    name: Annotated[
        str,
        Parameter(
            help=f"name of each picture; {', '.join(f'{{{each}}}' for each in PLACEHOLDERS)} stand for what it is made"
            " from, and the ending decides the format",
            show_default=True,
            group=MAIN,
        ),
    ] = DEFAULT_TEMPLATE,
    first: FirstOptions = NO_FIRST,
    pictures: SinglePictureFiles = NO_SINGLE_FILES,
    others: OtherOptions = NO_OTHERS,
    quality: Quality = None,
    dry_run: Annotated[
        bool, Parameter(help="only tell what would be made, and the time that it would take", group=OUTPUT)
    ] = False,
    overwrite: Annotated[
        bool, Parameter(help="replace files that no batch has made, or that were changed since", group=OUTPUT)
    ] = False,
    as_json: Json = False,
    server: Server = None,
    weights: Weights = None,
    at_once: AtOnce = None,
    access: Access = NO_ACCESS,
) -> None:
    """Repaint many photos, each in the style of every STYLE. A second run makes what is missing."""
    preset, overrides = preset_and_overrides(first, others)
    start = start_name(overrides)
    manner = Manner(preset, overrides)
    checked_template(name)
    check_server(server, weights)
    check_at_once(at_once)
    stylize_request(b"", b"", preset, options=overrides)  # the options alone
    seen = seen_in(output)
    paintings = matching_files(style, "style")
    check_number(pictures, len(paintings))
    works = [
        _with_pictures(work, pictures, paintings.index(work.style), start)
        for work in _works(_photos(content, seen), paintings, name, manner)
    ]
    _check_outputs(works, output, quality, seen, overwrite=overwrite)
    where = Where(server, access, weights, manner.network, at_once)
    if dry_run:
        _tell(works, seen, where, as_json)
        return

    def encode(name: str, png: bytes) -> bytes:
        return convert(png, Path(name).suffix.lower(), QUALITY if quality is None else quality)

    with open_journal(output, "output") as journal:
        tasks = [work.task(journal) for work in works]
        failures = make_all(tasks, journal, encode, where, as_json)
    report("written", "path", str(output), as_json)
    raise_failures(failures, len(works), "the same command tries them again")


def _photos(patterns: Iterable[str], seen: Journal) -> list[Path]:
    """The photos, without the results of former runs in the same folder. Raises `BadRequestError`."""
    results = {(seen.folder / name).resolve() for name in seen.names}
    photos = [path for path in matching_files(patterns, "content") if path.resolve() not in results]
    if not photos:
        raise refusal("content", "names only pictures that former runs have made; name the photos")
    return photos


def _works(photos: list[Path], paintings: list[Path], template: str, manner: Manner) -> list[Work]:
    """Raises `BadRequestError`."""
    if len(photos) * len(paintings) > MOST_PICTURES:
        count = f"{len(photos):,} photos x {len(paintings):,} paintings"
        raise refusal("content", f"{count} are more than {MOST_PICTURES:,} pictures; divide them among several runs")
    pairs = [(photo, painting) for photo in photos for painting in paintings]
    names = output_names(template, pairs)
    return [Work(name, *pair, manner) for name, pair in zip(names, pairs, strict=True)]


def _with_pictures(work: Work, pictures: SinglePictureFiles, painting: int, start: Path | None) -> Work:
    """`work` with the further pictures for its photo and its painting. Raises `BadRequestError`, naming the option."""

    def place(option: str, named: Path) -> Path:
        path = named if named.exists() else photos_file(str(named), work.content, option)
        if not path.exists():
            raise refusal(option, f"there is no file {shown(str(path))} for {work.content}")
        return path

    begun = None if start is None else place("start", start)
    return replace(work, pictures=pictures.of_painting(painting, place), manner=replace(work.manner, start=begun))


def _check_outputs(works: list[Work], folder: Path, quality: int | None, seen: Journal, *, overwrite: bool) -> None:
    """Raises `BadRequestError`."""
    inputs = {
        path.resolve()
        for work in works
        for path in paths_of(work.content, [work.style], work.pictures, work.manner.start)
    }
    depth = works[0].manner.overrides.get("depth", 8)
    Output(Path(works[0].name), quality, depth=depth).check_format()
    for work in works:
        if (path := folder / work.name).resolve() in inputs:
            raise refusal("name", f"{path} is one of the pictures that it is made from; choose another --name")
    if not overwrite:
        check_known([work.name for work in works], seen, "move them away, or give --overwrite")
    _check_folder(folder)


def _check_folder(folder: Path) -> None:
    """Raises `BadRequestError` where nothing can be written into `folder`, or it cannot be made."""
    nearest = folder.absolute()
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise refusal("output", f"{nearest} is a file; name a folder")
    check_writable(nearest / "x", "output")


def _tell(works: list[Work], seen: Journal, where: Where, as_json: bool) -> None:
    """What would be made, and in which time. Raises `ClientError`."""
    missing, total = 0, 0.0
    with (
        reached(where.server, where.access, where.weights, where.network) as (address, credentials),
        client_of(where.server, address, credentials, complain) as client,
    ):
        seconds_of, workers = _estimator(client, works[0].manner), client.server_info().workers
        for work in works:
            try:
                there = os.path.lexists(seen.folder / work.name) and is_there(seen, work.name, work.order())
                seconds = 0.0 if there else seconds_of(work)
            except BadRequestError as error:
                _tell_one(work, plain_fields(str(error)), as_json, {"message": plain_fields(str(error))})
                continue
            missing, total = missing + (not there), total + seconds
            how = "is there already" if there else f"about {clock(seconds)}"
            _tell_one(work, how, as_json, {"there": there, "expected": seconds})
    total /= max(1, min(workers, missing))
    if as_json:
        print_json("estimate", {"pictures": missing, "expected": total})
    else:
        print_line(f"{missing} of {len(works)} pictures to make: about {clock(total)} in all")


def _tell_one(work: Work, how: str, as_json: bool, fields: dict[str, Any]) -> None:
    if as_json:
        print_json("planned", {"name": work.name, "content": str(work.content), "style": str(work.style), **fields})
    else:
        print_line(f"{work.name}  {work.content} in the style of {work.style}: {how}")


def _estimator(client: Client, manner: Manner) -> Callable[[Work], float]:
    """What tells the seconds that a picture takes; the server is asked once for equal sizes. Raises `ClientError`."""

    @cache
    def asked(sizes: Sizes) -> float:
        return estimated(client, sizes, manner.preset, manner.overrides).expected

    return lambda work: asked(sizes_in(work.named))
