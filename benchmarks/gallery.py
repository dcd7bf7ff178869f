"""Make docs/gallery.md and its pictures: presets, strengths, style scales and the studio's options, on the demo's pair.

    python benchmarks/gallery.py [--out docs] [--pair PHOTO PAINTING] [--size 512] [--weights VGG19.h5] [--cards FOLDER]

The dashboard shows each preset by a small picture, which goes to the folder of --cards:
client/tfstyle_client/dashboard/static/presets.

All pictures are made on vgg19-lite; `cascade` needs VGG19's weights and is left out without them. With --pair, other
pictures than the demo's; write those outside of the repository.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageOps

from contact_sheet import side_by_side
from look import labelled, make
from studio import Studio
from tfstyle import Engine
from tfstyle.losses.from_options import STYLE_LOSSES
from tfstyle.options import TransferOptions
from tfstyle.presets import PRESETS, resolve_options

CARD = (360, 240)
"""Size of a preset's picture on the dashboard."""
HEIGHT = 300
"""Of a picture in the gallery, in pixels."""
WHAT = {
    "default": "Painted: the photo clearly readable in the painting's strokes",
    "fast": "A picture in seconds, as `tfstyle demo` makes it: vgg19-lite, and the Wasserstein loss alone",
    "subtle": "The photo, tinted",
    "bold": "A painting first",
    "detail": "As `default`, with crisper strokes: at the end each layer has neighbours of its own",
    "cascade": "As `default`, with all scales but the last on vgg19-lite",
    "reference": "The published algorithm",
}
SMALL = ("--network", "vgg19-lite", "--size", "224")
COMMANDS = (
    (
        ("compare", "PHOTO", "PAINTING", "--strength", "0.3,0.6", "--style-scale", "0.5,1,2", *SMALL, "-o", "FILE"),
        "A sheet of every combination; see [commands](commands.md).",
        ".jpg",
    ),
    (
        ("demo", "--size", "256", "--gif", "FILE"),
        "How a picture came about: the previews of all scales as an animation.",
        ".webp",
    ),
)
"""(words of a command, text, ending of its picture)."""
LETTERING = (
    "A text in the style of the painting, on two grounds; made by `benchmarks/lettering.py`. "
    "See [lettering](lettering.md)."
)


def sections(size: int, *, vgg19: bool) -> Iterator[tuple[str, str, str, dict[str, TransferOptions]]]:
    """(file name, heading, text, {label: options}) of each row of the gallery."""
    for preset, what in WHAT.items():
        if vgg19 or PRESETS[preset].network != "vgg19":
            yield f"preset-{preset}", f"`--preset {preset}`", f"{what}.", {preset: _options(preset, size)}
    strengths = {f"{value:g}": _options("default", size, strength=value) for value in (0, 0.25, 0.5, 0.75, 1)}
    yield "strength", "`--strength`", "0 to 1, in equal steps; the default is 0.5.", strengths
    scales = {f"{value:g}": _options("default", size, style_scale=value) for value in (0.5, 1, 2)}
    yield "style-scale", "`--style-scale`", "0.5, 1 (the default) and 2: smaller and larger strokes.", scales
    losses = {name: _options("default", size, style_loss=name) for name in STYLE_LOSSES if name != "neighbours"}
    losses["neighbours"] = _options("default", size)  # the picture that is there already
    text = "Gram, as published, moments, wasserstein, and neighbours, as in the default."
    yield "style-loss", "`--style-loss`", text, losses


def _options(preset: str, size: int, **overrides: object) -> TransferOptions:
    """Options on vgg19-lite, whose pictures everybody can make, but for a preset that names another network."""
    network = PRESETS[preset].network
    chosen = "vgg19-lite" if network == "auto" else network
    return resolve_options(preset, {"size": size, "network": chosen, **overrides})


def section(heading: str, text: str, name: str, ending: str = ".jpg") -> str:
    """A section of the page, with the picture `name`."""
    address = f"pictures/gallery/{name}{ending}".replace("gallery/../", "")
    return f"## {heading}\n\n{text}\n\n![{heading.replace('`', '')}]({address})\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--pair", nargs=2, type=Path, metavar=("PHOTO", "PAINTING"))
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--weights", help="VGG19's weights, for the preset cascade")
    parser.add_argument("--cards", type=Path, help="folder of the presets' small pictures")
    arguments = parser.parse_args()
    demo = files("tfstyle_client").joinpath("demo")
    photo, painting = arguments.pair or (Path(str(demo / "landscape.jpg")), Path(str(demo / "painting.jpg")))
    pictures = arguments.out / "pictures" / "gallery"
    pictures.mkdir(parents=True, exist_ok=True)
    engine = Engine(arguments.weights)
    page = [
        "# Gallery\n",
        f"The demo's photo and painting at {arguments.size} pixels on vgg19-lite (`cascade`: and VGG19), made by "
        "`python benchmarks/gallery.py --weights VGG19.h5`.\n",
    ]
    with TemporaryDirectory() as folder:
        made: dict[TransferOptions, Path] = {}
        for name, heading, text, candidates in sections(arguments.size, vgg19=arguments.weights is not None):
            tiles = []
            if len(candidates) == 1:
                tiles = [labelled(photo, "photo", HEIGHT), labelled(painting, "painting", HEIGHT)]
            for label, options in candidates.items():
                if options not in made:
                    made[options] = Path(folder) / f"{len(made)}.png"
                    print(f"{name:16} {label:12} {make(engine, photo, painting, options, made[options])}", flush=True)
                tiles.append(labelled(made[options], label, HEIGHT))
            if arguments.cards is not None and name.startswith("preset-"):
                with Image.open(made[options]) as picture:
                    card = ImageOps.fit(picture.convert("RGB"), CARD, Image.Resampling.LANCZOS)
                card.save(arguments.cards / f"{name.removeprefix('preset-')}.jpg", quality=82, optimize=True)
            side_by_side(tiles).save(pictures / f"{name}.jpg", quality=88)
            page.append(section(heading, text, name))
        folder_of_studio = Path(folder) / "studio"
        folder_of_studio.mkdir()
        for row in Studio(engine, photo, painting, arguments.size, folder_of_studio).rows():
            side_by_side([labelled(file, label, HEIGHT) for label, file in row.tiles]).save(
                pictures / f"{row.name}.jpg", quality=88
            )
            page.append(section(row.heading, row.text, row.name))
        for command, text, ending in COMMANDS:
            name = command[0]
            target = pictures / f"{name}{ending}"
            target.unlink(missing_ok=True)
            print(f"tfstyle {' '.join(command)}", flush=True)
            given = {"PHOTO": photo, "PAINTING": painting, "FILE": target.resolve()}
            words = [str(given.get(word, word)) for word in command]
            # What a command makes besides goes to a folder that does not stay.
            subprocess.run([sys.executable, "-m", "tfstyle_client", *words], check=True, cwd=folder)
            page.append(section(f"`tfstyle {' '.join(command)}`", text, name, ending))
    page.append(section("`tfstyle letter`", LETTERING, "../lettering-alone"))
    (arguments.out / "gallery.md").write_text("\n".join(page), "utf-8")


if __name__ == "__main__":
    main()
