"""The sizes of a transfer's pictures, from their files: what an estimate is made from."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from tfstyle.inputs import Inputs, Size
from tfstyle_client.cli.picture_files import option_of
from tfstyle_client.errors import refusal
from tfstyle_client.files import name_of, read_file
from tfstyle_client.picture_formats import flat_colours, size_as_shown


class Sizes(NamedTuple):
    """The sizes of all pictures, and the number of flat colours in the regions of the photo; 0 without these."""

    sizes: Inputs[Size]
    region_colours: int


def sizes_in(named: Inputs[Path | bytes]) -> Sizes:
    """The sizes of the pictures that are named. Raises `BadRequestError`, naming the option."""
    looked_at = named.map(lambda name, given: _looked_at(given, option_of(name)))
    colours = 0 if looked_at.regions is None else looked_at.regions[1]
    return Sizes(looked_at.map(lambda _, found: found[0]), colours)


@lru_cache(maxsize=1000)
def _looked_at(given: Path | bytes, option: str) -> tuple[Size, int]:
    """(size, flat colours if it is a map of the photo's regions) of a picture, which is read once."""
    data = given if isinstance(given, bytes) else read_file(given, option)
    size = size_as_shown(data)
    if size is None:
        what = name_of(given, "input") if isinstance(given, Path) else "it"
        kinds = "give a PNG, JPEG, WebP, AVIF, TIFF, BMP or GIF"
        raise refusal(option, f"{what} is not a picture that can be read; {kinds}")
    return size, flat_colours(data) if option == "regions" else 0
