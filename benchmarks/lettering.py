"""Make the pictures of docs/lettering.md from the demo's own pictures, and print what is measured on letters.

    python benchmarks/lettering.py --font DejaVuSerif-Bold.ttf [--out docs/pictures] [--size 512] [STYLE ...]

With STYLE, one or more paintings, it only prints the measures of letters in these styles.
"""

from __future__ import annotations

import argparse
import io
import time
from importlib.resources import files
from pathlib import Path

from PIL import Image

from tfstyle import Engine, decode, encode_png
from tfstyle.presets import resolve_options
from tfstyle_client.lettering import ALONE, ON_A_PAINTING, Lettering, Sheet, Typeface, draw, legibility

GROUNDS = ("#1c1e26", "#ffffff")
"""The colours on which the docs show transparent letters."""


def painted(engine: Engine, sheet: Sheet) -> bytes:
    """The letters as `tfstyle letter` makes them on vgg19-lite, with their measures printed."""
    began, lettering = time.perf_counter(), sheet.lettering
    recipe = sheet.recipe
    options = resolve_options(recipe.preset, {**recipe.options, "size": max(lettering.size), "network": "vgg19-lite"})
    transfer = engine.prepare(sheet.inputs.map(lambda name, data: decode(data, name)), options)
    for _ in transfer.iterates():
        pass
    png = sheet.finish(encode_png(transfer.deliver().picture))
    text = "".join(piece for piece, _, _ in lettering.pieces)
    found, seconds = legibility(png, lettering), time.perf_counter() - began
    print(
        f"{text:14} {'{} x {}'.format(*lettering.size):10} on the letters {found.on_letters:.0%}, within their reach "
        f"{found.within_reach:.0%}, correlation {found.correlation:.2f}  {seconds:.0f} s",
        flush=True,
    )
    return png


def on_grounds(png: bytes) -> Image.Image:
    """Transparent letters on each of `GROUNDS`, one above the other."""
    with Image.open(io.BytesIO(png)) as letters:
        letters.load()
    stacked = Image.new("RGB", (letters.width, len(GROUNDS) * letters.height))
    for place, colour in enumerate(GROUNDS):
        shown = Image.alpha_composite(Image.new("RGBA", letters.size, colour), letters)
        stacked.paste(shown.convert("RGB"), (0, place * letters.height))
    return stacked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("styles", nargs="*", type=Path, metavar="STYLE")
    parser.add_argument("--font", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--size", type=int, default=512)
    arguments = parser.parse_args()
    typeface, engine = Typeface(arguments.font.read_bytes()), Engine()

    def words(text: str, reach: float = ALONE.reach) -> Lettering:
        return draw(text, typeface, size=arguments.size, reach=reach)

    for style in arguments.styles:
        print(style.stem)
        painted(engine, Sheet(words("Oak"), style.read_bytes()))
    if not arguments.styles:
        demo = files("tfstyle_client").joinpath("demo")
        photo, painting = (demo.joinpath(name).read_bytes() for name in ("landscape.jpg", "painting.jpg"))
        alone = painted(engine, Sheet(words("Ampersand\n&"), painting))
        on_grounds(alone).save(arguments.out / "lettering-alone.jpg", quality=88)
        together = painted(engine, Sheet(words("Paint", ON_A_PAINTING.reach), photo, painting))
        with Image.open(io.BytesIO(together)) as picture:
            picture.convert("RGB").save(arguments.out / "lettering-ground.jpg", quality=88)


if __name__ == "__main__":
    main()
