"""HEIC files, by pillow-heif, which is an extra."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
from PIL import Image

from image_files import PATCHES
from tfstyle.errors import InvalidInputError
from tfstyle.images import ImageLimits, decode
from tfstyle.images.rgb_space import DISPLAY_P3

heif = pytest.importorskip("pillow_heif")


def heic(samples: np.ndarray = PATCHES, **options: object) -> bytes:
    file = io.BytesIO()
    heif.from_pillow(Image.fromarray(samples)).save(file, quality=-1, chroma=444, **options)
    return file.getvalue()


def test_colours_size_and_date() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2024:05:17 18:30:09"
    picture = decode(heic(np.tile(PATCHES, (1, 2, 1)), exif=exif.tobytes()), "content")
    assert picture.size == (64, 32)
    assert np.abs(picture.pixels.astype(int) - np.tile(PATCHES, (1, 2, 1))).max() <= 2
    assert picture.alpha is None
    assert picture.taken is not None
    assert picture.taken.date_time == "2024:05:17 18:30:09"


def test_orientation_is_applied_once() -> None:
    turned = Image.Exif()
    turned[274] = 6
    assert decode(heic(np.tile(PATCHES, (1, 2, 1)), exif=turned.tobytes()), "content").size == (32, 64)


def test_alpha_and_profile() -> None:
    alpha = np.linspace(1, 255, 1024).reshape(32, 32).astype(np.uint8)
    picture = decode(heic(np.dstack([PATCHES, alpha])), "content")
    assert picture.alpha is not None
    assert np.abs(picture.alpha.astype(int) - alpha).max() <= 2
    file = io.BytesIO()
    image = heif.from_pillow(Image.fromarray(PATCHES))
    image.info["icc_profile"] = DISPLAY_P3.icc_profile()
    image.save(file, quality=-1, chroma=444)
    wide = decode(file.getvalue(), "content", colour_space="display-p3")
    assert np.abs(wide.pixels / 257 - PATCHES).max() <= 2


def test_limits_hold_before_the_pixels_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heif.HeifImageFile, "load", None)
    with pytest.raises(InvalidInputError, match="declares 32 x 32 pixels; at most 1,000 are accepted"):
        decode(heic(), "content", ImageLimits(pixels=1000))


def complaint(data: bytes) -> str:
    """Why the file is refused; empty if it is read."""
    try:
        decode(data, "content", ImageLimits(pixels=100_000))
    except InvalidInputError as error:
        return str(error)
    return ""


def test_damaged_files_raise_one_line_errors_and_nothing_else() -> None:
    chance, data = random.Random(8), heic()
    for damage in range(60):
        changed = bytearray(data[: chance.randrange(20, len(data))] if damage % 2 else data)
        for _ in range(chance.randint(1, 4)):
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        assert "\n" not in complaint(bytes(changed))
