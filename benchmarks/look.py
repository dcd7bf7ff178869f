"""Sheets of pictures to look at: every pair of a photo and a painting (rows) by every candidate (columns).

    python benchmarks/look.py OUT --pair photo.jpg painting.jpg [--pair ...] \
        --candidate NAME preset=default [option=value ...] [--candidate ...]

Each picture is written to OUT/PHOTO-PAINTING/NAME.png at full size, each row with its originals to
OUT/PHOTO-PAINTING.jpg, and all rows to OUT/sheet.jpg. Pictures that exist are kept, so that a sheet can be continued. A
table says how long each picture took, and its losses under the candidate's own options.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from contact_sheet import at_height, side_by_side
from tfstyle import Engine, content_and_style
from tfstyle.images import decode, encode_png
from tfstyle.options import KINDS, RULES, TransferOptions
from tfstyle.presets import STRENGTH, resolve_options
from tfstyle.rules import ListRule

LABEL = 18
"""Height of a label in pixels."""


def options_of(words: Sequence[str]) -> TransferOptions:
    """The options of a candidate: `option=value` for each word, and `preset=NAME`."""
    preset, overrides = "default", {}
    for word in words:
        name, _, text = word.partition("=")
        if name == "preset":
            preset = text
            continue
        rule = RULES.get(name, STRENGTH)
        if isinstance(rule, ListRule):
            overrides[name] = rule.parse(text)
        else:
            overrides[name] = text if text in rule.words else KINDS.get(name, float)(text)
    return resolve_options(preset, overrides)


def make(engine: Engine, photo: Path, painting: Path, options: TransferOptions, target: Path) -> str:
    """Make one picture, and describe the run."""
    inputs = content_and_style(decode(photo.read_bytes(), "content"), decode(painting.read_bytes(), "style"))
    began = time.perf_counter()
    transfer = engine.prepare(inputs, options)
    for _ in transfer.iterates():
        pass
    delivered = transfer.deliver()
    seconds = time.perf_counter() - began
    target.write_bytes(encode_png(delivered.picture))
    parts = " ".join(f"{name} {part.value:.3g}" for name, part in delivered.losses.items())
    return f"{seconds:7.1f} s  {parts}"


def labelled(file: Path, label: str, height: int) -> Image.Image:
    """The picture in `file` at `height` pixels, with a label above it."""
    picture = at_height(file, height)
    tile = Image.new("RGB", (picture.width, height + LABEL), "white")
    tile.paste(picture, (0, LABEL))
    ImageDraw.Draw(tile).text((4, 3), label, fill="black")
    return tile


def sheet(rows: Sequence[Image.Image]) -> Image.Image:
    """The rows one below another."""
    joined = Image.new("RGB", (max(each.width for each in rows), sum(each.height for each in rows)), "white")
    top = 0
    for each in rows:
        joined.paste(each, (0, top))
        top += each.height
    return joined


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--pair", nargs=2, type=Path, action="append", required=True, metavar=("PHOTO", "PAINTING"))
    parser.add_argument("--candidate", nargs="+", action="append", required=True, metavar="NAME OPTION=VALUE")
    parser.add_argument("--weights", help="VGG19's weights")
    arguments = parser.parse_args()
    engine = Engine(arguments.weights)
    candidates = {name: options_of(words) for name, *words in arguments.candidate}
    rows = []
    for photo, painting in arguments.pair:
        folder = arguments.out / f"{photo.stem}-{painting.stem}"
        folder.mkdir(parents=True, exist_ok=True)
        for name, options in candidates.items():
            target = folder / f"{name}.png"
            if not target.exists():
                print(f"{folder.name:40} {name:16} {make(engine, photo, painting, options, target)}", flush=True)
        with Image.open(folder / f"{next(iter(candidates))}.png") as first:
            height = first.height
        files = {"photo": photo, "painting": painting, **{name: folder / f"{name}.png" for name in candidates}}
        rows.append(side_by_side([labelled(file, name, height) for name, file in files.items()]))
        rows[-1].save(arguments.out / f"{folder.name}.jpg", quality=92)
    sheet(rows).save(arguments.out / "sheet.jpg", quality=88)


if __name__ == "__main__":
    sys.exit(main())
