"""Random crops of photos and paintings, the training data of vgg19-lite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tfstyle.colour import standardise

Floats = NDArray[np.float32]


def pictures(folder: Path, without: str | None) -> tuple[list[Path], list[Path]]:
    """The files photo_*.jpg and painting_*.jpg in `folder`, except those whose name contains `without`."""
    photos, paintings = (
        [path for path in sorted(folder.glob(f"{kind}_*.jpg")) if not (without and without in path.name)]
        for kind in ("photo", "painting")
    )
    return photos, paintings


def crop(path: Path, side: int, smallest_scale: float, random: np.random.Generator) -> Floats:
    """A standardised crop [side, side, 3] at a random scale up to 1 and a random position, mirrored half the time."""
    with Image.open(path) as file:
        picture = file.convert("RGB")
    scale = max(random.uniform(smallest_scale, 1.0), side / min(picture.size))
    picture = picture.resize([max(side, round(length * scale)) for length in picture.size])
    left, top = (int(random.integers(length - side + 1)) for length in picture.size)
    pixels = np.array(picture.crop((left, top, left + side, top + side)))
    mirrored: Floats = standardise(pixels[:, ::-1] if random.random() < 0.5 else pixels)[0]
    return mirrored


def crops(
    paths: Sequence[Path], count: int, side: int, smallest_scale: float, random: np.random.Generator
) -> Iterator[Floats]:
    """`count` crops, each of a picture chosen at random."""
    for _ in range(count):
        yield crop(paths[random.integers(len(paths))], side, smallest_scale, random)
