"""The pictures that a transfer is made from, as the command line names them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from tfstyle.errors import InvalidInputError
from tfstyle.inputs import MOST_STYLES, Inputs, Style
from tfstyle.options import RULES
from tfstyle.rules import shown
from tfstyle_client.cli.parameters import PICTURES
from tfstyle_client.errors import BadRequestError, refusal
from tfstyle_client.files import STANDARD_STREAM, read_file
from tfstyle_client.option_values import file_path, file_paths


def _several(text: str) -> Parameter:
    return Parameter(
        help=text, group=PICTURES, consume_multiple=True, metavar="FILE ...", converter=file_paths, show_default=False
    )


def _one(text: str) -> Parameter:
    return Parameter(help=text, group=PICTURES, metavar="FILE", converter=file_path)


@Parameter(name="*")
@dataclass(frozen=True)
class PictureFiles:
    """Options that name further pictures, or say how several paintings go together.

    Lists are in the order of the paintings; they may be shorter.
    """

    blend: Annotated[
        str | None,
        Parameter(
            help="shares of several paintings, such as 0.7,0.3", group=PICTURES, metavar="NUMBERS", show_default="equal"
        ),
    ] = None
    region: Annotated[
        tuple[Path, ...],
        _several("where each painting goes on the photo: grey pictures, white for there; others share the rest"),
    ] = ()
    regions: Annotated[Path | None, _one("regions of the photo as flat colours; with --style-regions")] = None
    style_regions: Annotated[
        tuple[Path, ...],
        _several("regions of each painting as flat colours; what has one colour is painted in the style of it"),
    ] = ()
    mask: Annotated[
        tuple[Path, ...], _several("parts of each painting that count as its style: grey pictures, white for those")
    ] = ()
    keep: Annotated[Path | None, _one("what stays the photo: a grey picture, white for that")] = None


NO_PICTURE_FILES = PictureFiles()


def start_file(overrides: dict[str, Any]) -> Path | None:
    """Take the file out of the option `start`, which may also be a kind of start."""
    start = overrides.get("start")
    if start is None or start in RULES["start"].choices:
        return None
    if not Path(start).exists():
        raise refusal("start", f"must be {RULES['start'].accepts()}, or a file; got {shown(start)}")
    return Path(overrides.pop("start"))


def read_pictures(
    content: Path | bytes, styles: Sequence[Path], files: PictureFiles, start: Path | None
) -> Inputs[bytes]:
    """Read all files; `content` may have been read already. Raises `BadRequestError`, naming the option."""
    if not styles:
        raise refusal("style", "is missing; name a painting after the photo")
    if len(styles) > MOST_STYLES:
        raise refusal("style", f"must be 1 to {MOST_STYLES} paintings; got {len(styles)}")
    for option in ("region", "style_regions", "mask"):
        if (given := len(getattr(files, option))) > len(styles):
            raise refusal(option, f"must be at most one for each painting, {len(styles)}; got {given}")
    check_standard_input(content, styles, files, start)
    shares = _shares(files.blend, len(styles))
    parts = zip_longest(styles, files.mask, files.region, files.style_regions)
    try:
        return Inputs(
            content if isinstance(content, bytes) else read_file(content, "content"),
            tuple(
                Style(
                    read_file(style, "style"),
                    share,
                    _read(mask, "mask"),
                    _read(region, "region"),
                    _read(style_regions, "style_regions"),
                )
                for share, (style, mask, region, style_regions) in zip(shares, parts, strict=True)
            ),
            _read(start, "start"),
            _read(files.keep, "keep"),
            _read(files.regions, "regions"),
        )
    except InvalidInputError as error:
        raise BadRequestError(error.violations) from None


def paths_of(content: Path | bytes, styles: Sequence[Path], files: PictureFiles, start: Path | None) -> list[Path]:
    """The files of all pictures."""
    return [path for _, path in _all(content, styles, files, start) if isinstance(path, Path)]


def check_standard_input(
    content: Path | bytes, styles: Sequence[Path], files: PictureFiles, start: Path | None
) -> None:
    """Refuse that two pictures come from standard input. Raises `BadRequestError`."""
    named = [name for name, path in _all(content, styles, files, start) if path == STANDARD_STREAM]
    if len(named) > 1:
        other = "first one" if named[0] == named[1] else named[0]
        raise refusal(named[1], f"cannot be standard input, because the {other} is; name a file")


def _all(
    content: Path | bytes, styles: Sequence[Path], files: PictureFiles, start: Path | None
) -> Iterator[tuple[str, Path | bytes | None]]:
    """(option, where it comes from) of every picture."""
    yield "content", content
    yield from (("style", path) for path in styles)
    for option in ("region", "style_regions", "mask"):
        yield from ((option, path) for path in getattr(files, option))
    yield from (("regions", files.regions), ("keep", files.keep), ("start", start))


def _read(path: Path | None, field: str) -> bytes | None:
    return None if path is None else read_file(path, field)


def _shares(blend: str | None, styles: int) -> list[float]:
    if blend is None:
        return [1.0] * styles
    try:
        shares = [float(part) for part in blend.split(",")]
    except ValueError:
        raise refusal("blend", f"must be numbers, such as 0.7,0.3; got {shown(blend)}") from None
    if len(shares) != styles:
        raise refusal(
            "blend", f"must be a number for each painting, {styles}, with commas between them; got {len(shares)}"
        )
    return shares
