"""The studio's pictures for the gallery: what each option does to the demo's photo, with parts of its painting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from tfstyle import Engine
from tfstyle.canvas import canvas, texture_options
from tfstyle.images import Picture, decode, encode_png
from tfstyle.inputs import Inputs, Style
from tfstyle.presets import resolve_options

Coordinates = NDArray[np.float64]
Colour = tuple[int, int, int]
HILLS = 0.63
"""Where the painting's hills begin, as a fraction of its height."""
SHORE = 0.6
"""Where the photo's lake begins."""
COLD, WARM = (90, 140, 220), (200, 110, 60)
"""Colours of the maps."""


@dataclass(frozen=True)
class Row:
    """A section of the gallery: its `tiles` are (label, file of the picture), and `name` is the file of the row."""

    name: str
    heading: str
    text: str
    tiles: tuple[tuple[str, Path], ...]


class Studio:
    """Makes pictures of one photo and one painting at `size` pixels, as files in `folder`."""

    def __init__(self, engine: Engine, photo: Path, painting: Path, size: int, folder: Path) -> None:
        self._engine, self._size, self._folder = engine, size, folder
        self._photo, self._painting = decode(photo.read_bytes(), "content"), decode(painting.read_bytes(), "style")
        hills = round(HILLS * self._painting.size[1])
        self._night = Picture(self._painting.pixels[:hills])
        self._earth = Picture(self._painting.pixels[hills:])

    def rows(self) -> Iterator[Row]:
        """The rows, in the order of the docs."""
        yield self._blends()
        yield self._regions()
        yield self._maps()
        yield self._keep()
        yield self._colours()
        yield self._starts()
        yield self._seamless()
        yield self._textures()

    def _blends(self) -> Row:
        tiles = [self._shown("night", self._night), self._shown("earth", self._earth)]
        for one, other in ((1, 0), (0.5, 0.5), (0, 1)):
            inputs = Inputs(self._photo, (Style(self._night, one), Style(self._earth, other)))
            tiles.append(self._made(f"--blend {one:g},{other:g}", inputs))
        text = "Two paintings, here the upper and the lower part of the demo's, by their shares."
        return Row("blend", "`PHOTO STYLE STYLE --blend`", text, tuple(tiles))

    def _regions(self) -> Row:
        lake = self._mask(lambda x, y: y > SHORE, soft=0.02)
        inputs = Inputs(self._photo, (Style(self._night, region=lake), Style(self._earth)))
        text = "The first painting only where the mask is white, with a soft edge; the second has the rest."
        tiles = (self._shown("mask", lake), self._made("--region mask.png", inputs))
        return Row("region", "`--region`", text, tiles)

    def _maps(self) -> Row:
        of_photo = self._map(self._photo, SHORE, WARM, COLD)
        of_painting = self._map(self._painting, HILLS, COLD, WARM)
        inputs = Inputs(self._photo, (Style(self._painting, regions=of_painting),), regions=of_photo)
        plain = Inputs(self._photo, (Style(self._painting),))
        text = (
            "What has one colour in the photo's map is painted as what has that colour in the painting's: here the sky "
            "as the hills, and the shore as the night."
        )
        tiles = (
            self._shown("photo's map", of_photo),
            self._shown("painting's map", of_painting),
            self._made("--regions --style-regions", inputs),
            self._made("without", plain),
        )
        return Row("regions", "`--regions`, `--style-regions`", text, tiles)

    def _keep(self) -> Row:
        peak = self._mask(lambda x, y: ((x - 0.56) / 0.17) ** 2 + ((y - 0.33) / 0.2) ** 2 < 1, soft=0.015)
        inputs = Inputs(self._photo, (Style(self._painting),), keep=peak)
        text = "Where the mask is white, the result is the photo, to the level."
        return Row("keep", "`--keep`", text, (self._shown("mask", peak), self._made("--keep mask.png", inputs)))

    def _colours(self) -> Row:
        inputs = Inputs(self._photo, (Style(self._painting),))
        tiles = [self._made(f"--colour {each}", inputs, colour=each) for each in ("style", "keep", "luminance")]
        text = "The painting's colours; the photo's, on the whole; the photo's, at every place."
        return Row("colour", "`--colour`", text, tuple(tiles))

    def _starts(self) -> Row:
        inputs = Inputs(self._photo, (Style(self._painting),))
        tiles = [
            self._made(f"--start {each}", inputs, start=each, strength=0.8) for each in ("content", "noise", "style")
        ]
        first = decode(tiles[0][1].read_bytes(), "start_picture")
        further = replace(inputs, start_picture=first)
        tiles.append(self._made("--start result.png", further, strength=0.2, coarsest_scale="none", max_evaluations=40))
        text = (
            "At strength 0.8. Scales from coarse to fine find nearly the same picture from any start. The last one "
            "goes on from the first, milder: `--start result.png --coarsest-scale none --strength 0.2`."
        )
        return Row("start", "`--start`", text, tuple(tiles))

    def _seamless(self) -> Row:
        inputs = Inputs(self._photo, (Style(self._painting),))
        tiles = [
            self._twice(f"{label}, twice", self._made(label, inputs, seamless=axis)[1])
            for label, axis in (("without", "none"), ("--seamless x", "x"))
        ]
        return Row("seamless", "`--seamless`", "Two copies side by side.", tuple(tiles))

    def _textures(self) -> Row:
        size = (self._size // 2, self._size // 2)
        empty = Inputs(decode(canvas(size), "content"), (Style(self._painting),))
        tiles = []
        for label, axes in (("tfstyle texture", "none"), ("--seamless both", "both")):
            options = texture_options(size, "default", {"network": "vgg19-lite", "seamless": axes})
            tiles.append(self._twice(f"{label}, 2 x 2", self._made(label, empty, **options)[1], down=True))
        return Row("texture", "`tfstyle texture`", "The painting without a photo; four copies together.", tuple(tiles))

    def _twice(self, label: str, path: Path, *, down: bool = False) -> tuple[str, Path]:
        """Copies of a picture beside each other, and below each other too with `down`."""
        picture = decode(path.read_bytes(), "picture")
        return self._shown(label, Picture(np.tile(picture.pixels, (2 if down else 1, 2, 1))))

    def _made(self, label: str, inputs: Inputs[Picture], **overrides: object) -> tuple[str, Path]:
        options = resolve_options("default", {"size": self._size, "network": "vgg19-lite"} | overrides)
        transfer = self._engine.prepare(inputs, options)
        for _ in transfer.iterates():
            pass
        print(f"{label:32} {transfer.seconds:6.1f} s", flush=True)
        return self._shown(label, transfer.deliver().picture)

    def _shown(self, label: str, picture: Picture) -> tuple[str, Path]:
        path = self._folder / f"{len(list(self._folder.iterdir()))}.png"
        path.write_bytes(encode_png(picture))
        return label, path

    def _mask(self, where: Callable[[Coordinates, Coordinates], NDArray[np.bool_]], soft: float) -> Picture:
        """White where `where(x, y)` holds, in fractions of the sides; edges as soft as that fraction of the width."""
        width, height = self._photo.size
        x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
        hard = Image.fromarray((where(x, y) * 255).astype(np.uint8))
        grey = np.asarray(hard.filter(ImageFilter.GaussianBlur(soft * width)))
        return Picture(np.repeat(grey[..., None], 3, 2))

    @staticmethod
    def _map(picture: Picture, horizon: float, above: Colour, below: Colour) -> Picture:
        pixels: NDArray[np.uint8] = np.empty_like(picture.pixels)
        row = round(horizon * len(pixels))
        pixels[:row], pixels[row:] = above, below
        return Picture(pixels)
