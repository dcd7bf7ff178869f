"""The pictures that a transfer is made from, as the command line names them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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


Blend = Annotated[
    str | None,
    Parameter(
        help="shares of several paintings, such as 0.7,0.3", group=PICTURES, metavar="NUMBERS", show_default="equal"
    ),
]
Region = Annotated[
    tuple[Path, ...],
    _several("where each painting goes in the picture: grey pictures, white for there; others share the rest"),
]
Regions = Annotated[Path | None, _one("regions of the picture as flat colours; with --style-regions")]
StyleRegions = Annotated[
    tuple[Path, ...],
    _several("regions of each painting as flat colours; what has one colour is painted in the style of it"),
]
Mask = Annotated[
    tuple[Path, ...], _several("parts of each painting that count as its style: grey pictures, white for those")
]
Keep = Annotated[Path | None, _one("what stays the photo: a grey picture, white for that")]


@Parameter(name="*")
@dataclass(frozen=True)
class PictureFiles:
    """Options that name further pictures, or say how several paintings go together.

    Lists are in the order of the paintings; they may be shorter.
    """

    blend: Blend = None
    region: Region = ()
    regions: Regions = None
    style_regions: StyleRegions = ()
    mask: Mask = ()
    keep: Keep = None


@Parameter(name="*")
@dataclass(frozen=True)
class TexturePictureFiles:
    """The same for what is made without a photo, of which nothing can be kept."""

    blend: Blend = None
    region: Region = ()
    regions: Regions = None
    style_regions: StyleRegions = ()
    mask: Mask = ()

    def files(self) -> PictureFiles:
        """These files, and no other."""
        return PictureFiles(**vars(self))


def as_named(option: str, path: Path) -> Path:
    """The file itself."""
    return path


@Parameter(name="*")
@dataclass(frozen=True)
class SinglePictureFiles:
    """The same where each painting makes a picture of its own, so that nothing is blended."""

    region: Region = ()
    regions: Regions = None
    style_regions: StyleRegions = ()
    mask: Mask = ()
    keep: Keep = None

    def of_painting(self, index: int, place: Callable[[str, Path], Path] = as_named) -> PictureFiles:
        """The files of the picture that painting number `index`, from 0, makes.

        `place` gives the file for the photo from the option and what that names.
        """
        own = slice(index, index + 1)
        return PictureFiles(
            region=tuple(place("region", path) for path in self.region[own]),
            regions=None if self.regions is None else place("regions", self.regions),
            style_regions=self.style_regions[own],
            mask=self.mask[own],
            keep=None if self.keep is None else place("keep", self.keep),
        )


NO_PICTURE_FILES, NO_TEXTURE_FILES, NO_SINGLE_FILES = PictureFiles(), TexturePictureFiles(), SinglePictureFiles()


def start_file(overrides: dict[str, Any]) -> Path | None:
    """Take the file out of the option `start`, which may also be a kind of start. Raises `BadRequestError`."""
    start = start_name(overrides)
    if start is not None and not start.exists():
        raise refusal("start", f"must be {RULES['start'].accepts()}, or a file; got {shown(str(start))}")
    return start


def start_name(overrides: dict[str, Any]) -> Path | None:
    """Take what is not a kind of start, or several of these, out of the option `start`: what names a file."""
    kinds = {kind.strip() for kind in overrides.get("start", "content").split(",")}
    return None if kinds <= set(RULES["start"].choices) else Path(overrides.pop("start"))


def named_pictures(
    content: Path | bytes, styles: Sequence[Path], files: PictureFiles, start: Path | None
) -> Inputs[Path | bytes]:
    """The pictures as they are named; none is read yet. Raises `BadRequestError`, naming the option."""
    if not styles:
        raise refusal("style", "is missing; name a painting after the photo")
    if len(styles) > MOST_STYLES:
        raise refusal("style", f"must be 1 to {MOST_STYLES} paintings; got {len(styles)}")
    check_number(files, len(styles))
    check_standard_input(content, styles, files, start)
    shares = _shares(files.blend, len(styles))
    parts = zip_longest(styles, files.mask, files.region, files.style_regions)
    try:
        return Inputs(
            content,
            tuple(Style(style, share, *own) for share, (style, *own) in zip(shares, parts, strict=True)),
            start,
            files.keep,
            files.regions,
        )
    except InvalidInputError as error:
        raise BadRequestError(error.violations) from None


def read_pictures(
    content: Path | bytes, styles: Sequence[Path], files: PictureFiles, start: Path | None
) -> Inputs[bytes]:
    """Read all files; `content` may have been read already. Raises `BadRequestError`, naming the option."""
    named = named_pictures(content, styles, files, start)
    return named.map(lambda name, each: each if isinstance(each, bytes) else read_file(each, option_of(name)))


def check_number(files: PictureFiles | SinglePictureFiles, paintings: int) -> None:
    """Refuse more files than paintings. Raises `BadRequestError`, naming the option."""
    for option in ("region", "style_regions", "mask"):
        if (given := len(getattr(files, option))) > paintings:
            raise refusal(option, f"must be at most one for each painting, {paintings}; got {given}")


def option_of(name: str) -> str:
    """The option, or the argument, that names a picture, by its name in `Inputs.pictures`."""
    style, _, part = name.partition(".")
    if part:
        return "style_regions" if part == "regions" else part
    if style.startswith("styles["):
        return "style"
    return "start" if name == "start_picture" else name


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
