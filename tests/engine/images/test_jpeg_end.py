"""JPEGs without an end marker are read with a warning if nothing else is missing, and rejected otherwise."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from image_files import saved
from tfstyle.errors import InvalidInputError
from tfstyle.images import decode

WARNING = "lacks its end marker; it may have been cut short"
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
    """Bytes before the two-byte marker belong to the picture, except for padding bits that do not affect it."""
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
        assert picture.warnings == (WARNING,)
        read.append(missing)
    assert read[:2] == [1, 2]
    assert read[2:] in ([], [3])


def test_missing_picture_data_is_reported() -> None:
    data = saved(Image.fromarray(SMOOTH), "JPEG")
    with pytest.raises(InvalidInputError, match=r"^style: is damaged or cut short: a part of the picture is missing$"):
        decode(data[:-200], "style")


def test_data_after_the_end_marker_is_ignored() -> None:
    data = saved(Image.fromarray(SMOOTH), "JPEG")
    assert decode(data + b"an appended video" * 99, "content").warnings == ()


def test_trailing_zeros_do_not_count_as_picture_data() -> None:
    data = saved(Image.fromarray(SMOOTH), "JPEG")
    assert decode(data[:-2] + bytes(5000), "content").warnings == (WARNING,)
    with pytest.raises(InvalidInputError, match="damaged or cut short"):
        decode(data[:-300] + bytes(5000), "content")


def test_orientation_of_a_jpeg_without_end_marker_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(Image.fromarray(SMOOTH), "JPEG", exif=exif)
    np.testing.assert_array_equal(decode(data[:-2], "content").pixels, decode(data, "content").pixels)
