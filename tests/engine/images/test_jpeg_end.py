"""JPEGs without their end marker: those that lack nothing else are read, with a remark."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from image_files import saved
from tfstyle.errors import InvalidInputError
from tfstyle.images import decode

REMARK = "lacks its end marker; it may have been cut short"
SMOOTH = np.array(
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (5, 7, 3), np.uint8)).resize(
        (70, 50), Image.Resampling.BICUBIC
    )
)
FLAT = np.full((50, 70, 3), 255, np.uint8)
KINDS: list[dict[str, Any]] = [
    {},
    {"progressive": True},
    {"restart_marker_blocks": 4},
    {"quality": 95, "subsampling": 0},
]


@pytest.mark.parametrize("options", KINDS, ids=str)
@pytest.mark.parametrize("pixels", [SMOOTH, FLAT], ids=["smooth", "flat"])
def test_only_the_end_marker_may_be_missing(pixels: np.ndarray, options: dict[str, Any]) -> None:
    """What is cut off beyond the two bytes of the marker belongs to the picture, but for bits that decide nothing."""
    data = saved(Image.fromarray(pixels), "JPEG", **options)
    whole = np.array(Image.open(io.BytesIO(data)))
    assert decode(data, "content").warnings == ()
    read = []
    for missing in [*range(1, 80), *range(80, len(data), 37)]:
        try:
            picture = decode(data[:-missing], "content")
        except InvalidInputError:
            continue
        np.testing.assert_array_equal(picture.pixels, whole)
        assert picture.warnings == (REMARK,)
        read.append(missing)
    assert read[:2] == [1, 2]
    assert read[2:] in ([], [3])


def test_what_is_missing_is_told() -> None:
    data = saved(Image.fromarray(SMOOTH), "JPEG")
    with pytest.raises(InvalidInputError, match=r"^style: is damaged or cut short: a part of the picture is missing$"):
        decode(data[:-200], "style")


def test_data_behind_the_end_marker_does_not_matter() -> None:
    data = saved(Image.fromarray(SMOOTH), "JPEG")
    assert decode(data + b"a video of the moment" * 99, "content").warnings == ()


def test_space_reserved_with_zeros_is_no_picture() -> None:
    data = saved(Image.fromarray(SMOOTH), "JPEG")
    assert decode(data[:-2] + bytes(5000), "content").warnings == (REMARK,)
    with pytest.raises(InvalidInputError, match="damaged or cut short"):
        decode(data[:-300] + bytes(5000), "content")


def test_orientation_and_profile_of_a_jpeg_without_end_are_used() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(Image.fromarray(SMOOTH), "JPEG", exif=exif)
    np.testing.assert_array_equal(decode(data[:-2], "content").pixels, decode(data, "content").pixels)
