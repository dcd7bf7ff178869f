"""Frames that are pictures of their own: a folder of them, and animations, by Pillow."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from tfstyle.inputs import Size
from tfstyle_client.errors import BadRequestError, refusal
from tfstyle_client.files import reason
from tfstyle_client.picture_formats import in_srgb, on_white
from tfstyle_client.video.source import Facts, Frame, Part, Pixels, check_pixels

ANIMATIONS = {"GIF", "WEBP", "PNG"}
"""Pillow's names for the formats that can hold several frames."""
_ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".avif"}
_USUAL_MILLISECONDS = 100
"""Of a frame that gives no duration, or less than 20 ms: what browsers take instead."""
ERRORS = (OSError, ValueError, SyntaxError, EOFError, LookupError, struct.error, Image.DecompressionBombError)
"""What Pillow raises for damaged pictures."""


class Animation:
    """The animated GIF, WebP or PNG at `path`. Raises `BadRequestError` where it cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with Image.open(path) as opened:
                size, count = opened.size, getattr(opened, "n_frames", 1)
                check_pixels(path, size)
                opened.load()
                rate = Fraction(1000, _milliseconds(opened))
        except ERRORS as error:
            raise refusal("content", f"cannot read {path}: {_why(error)}") from None
        self.facts = Facts(size, count / rate, rate)

    def frames(self, part: Part, size: Size, trouble: list[str]) -> Iterator[Frame]:
        """As `Source.frames`."""
        time, number = Fraction(0), 0
        try:
            with Image.open(self.path) as opened:
                while not part.is_before(time):
                    try:
                        opened.seek(number)
                    except EOFError:
                        return
                    opened.load()
                    duration = Fraction(_milliseconds(opened), 1000)
                    if time >= part.begin:
                        yield Frame(time, duration, _pixels(opened, size))
                    time, number = time + duration, number + 1
        except ERRORS as error:
            trouble.append(f"{self.path} is damaged after {number} frames: {_why(error)}")


class Folder:
    """The pictures in the folder at `path`, at `rate` frames in a second, in the order of the numbers in their names.

    All are scaled to the size of the first. Raises `BadRequestError` where there is none.
    """

    def __init__(self, path: Path, rate: Fraction) -> None:
        self.path = path
        try:
            found = [
                each for each in path.iterdir() if each.suffix.lower() in _ENDINGS and not each.name.startswith(".")
            ]
        except OSError as error:
            raise refusal("content", f"cannot read {path}: {reason(error)}") from None
        if not found:
            raise refusal("content", f"there are no pictures in {path}; it needs frames such as 0001.png")
        self.files = sorted(found, key=lambda file: _numbered(file.name))
        self.facts = Facts(_load(self.files[0], None).shape[1::-1], len(self.files) / rate, rate)

    def frames(self, part: Part, size: Size, trouble: list[str]) -> Iterator[Frame]:
        """As `Source.frames`. A file that cannot be read ends the sequence."""
        step = 1 / self.facts.rate
        for number, file in enumerate(self.files):
            time = number * step
            if part.is_before(time):
                return
            if time < part.begin:
                continue
            try:
                pixels = _load(file, size)
            except BadRequestError as error:
                trouble.append(str(error.violations[0].description))
                return
            yield Frame(time, step, pixels)


def _load(file: Path, size: Size | None) -> Pixels:
    """Raises `BadRequestError`."""
    try:
        with Image.open(file) as opened:
            check_pixels(file, opened.size)
            upright = ImageOps.exif_transpose(opened)
            return _pixels(upright, size or upright.size)
    except ERRORS as error:
        raise refusal("content", f"cannot read {file}: {_why(error)}") from None


def _pixels(picture: Image.Image, size: Size) -> Pixels:
    """In sRGB at `size`; what is transparent is white."""
    shown = on_white(in_srgb(picture)).convert("RGB")
    return np.asarray(shown if shown.size == size else shown.resize(size, Image.Resampling.BILINEAR))


def _milliseconds(opened: Image.Image) -> int:
    duration = round(opened.info.get("duration", 0))
    return duration if duration >= 20 else _USUAL_MILLISECONDS


def _numbered(name: str) -> list[tuple[int, int | str]]:
    """A key by which 2.png comes before 10.png."""
    return [(0, int(piece)) if number % 2 else (1, piece) for number, piece in enumerate(re.split(r"([0-9]+)", name))]


def _why(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is not a picture that can be read"
    return reason(error)
