"""Put pictures side by side at the same height, for comparison.

python benchmarks/contact_sheet.py OUT PICTURE... [--height 342]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

GAP = 8


def contact_sheet(paths: Sequence[Path], height: int) -> Image.Image:
    return side_by_side([at_height(path, height) for path in paths])


def at_height(path: Path, height: int) -> Image.Image:
    """The picture in a file, resized."""
    with Image.open(path) as file:
        width = round(file.width * height / file.height)
        return file.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)


def side_by_side(pictures: Sequence[Image.Image]) -> Image.Image:
    """The pictures in a row."""
    sheet = Image.new("RGB", (sum(p.width + GAP for p in pictures) - GAP, max(p.height for p in pictures)), "white")
    left = 0
    for picture in pictures:
        sheet.paste(picture, (left, 0))
        left += picture.width + GAP
    return sheet


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--height", type=int, default=342)
    arguments = parser.parse_args()
    contact_sheet(arguments.pictures, arguments.height).save(arguments.out)
