"""The depth and the colour space of results: what comes out of a transfer, from files to a file."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

import tfstyle
from image_files import PATCHES, raw_png, saved
from tfstyle import Engine, InvalidInputError, Picture, TransferOptions, content_and_style, decode
from tfstyle.images.periodic import periodic_picture
from tfstyle.images.rgb_space import DISPLAY_P3
from tfstyle.images.taken import Taken
from tfstyle.masks import picture_weights
from tfstyle.regions import flat_colours

DOWN, RIGHT = np.mgrid[:48, :64]
WIDE = np.stack([RIGHT * 1040 + DOWN, 65535 - DOWN * 1361 - RIGHT, (RIGHT * 48 + DOWN) * 21], -1).astype(np.uint16)
FIELDS = np.tile(PATCHES, (2, 2, 1))[:48]
"""All pictures have one size, so that the objective is traced once."""
OPACITY = (RIGHT * 1000 + DOWN + 1).astype(np.uint16)
FIRST: dict[str, Any] = {
    "network": "vgg19-lite",
    "size": 0,
    "coarsest_scale": 0,
    "max_evaluations": 1,
    "style_loss": "gram",
}
"""The first evaluation is that of the photo itself, so the result is the photo as it went through the engine."""


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def first_point(engine: Engine, content: bytes, style: bytes, **options: Any) -> Picture:
    """The delivered picture of a transfer that has evaluated its start only, as it is after a PNG."""
    chosen = TransferOptions(**FIRST, **options)
    pictures = [decode(data, "content", colour_space=chosen.colour_space) for data in (content, style)]
    transfer = engine.prepare(content_and_style(*pictures), chosen)
    assert len(list(transfer.iterates())) == 1
    delivered = transfer.deliver()
    assert delivered.picture.full_scale == 2**chosen.depth - 1
    assert delivered.total == transfer.judge(delivered.picture).total
    return decode(transfer.file(delivered, "default"), "result", colour_space=chosen.colour_space)


def in_tiff(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, samples, photometric="rgb", compression="lzw", predictor=True)
    return file.getvalue()


@pytest.mark.parametrize("content", [raw_png(WIDE, 16, 2), in_tiff(WIDE)], ids=["PNG", "TIFF"])
def test_16_bits_go_through_the_engine(engine: Engine, painting: bytes, content: bytes) -> None:
    result = first_point(engine, content, painting, depth=16)
    assert np.abs(result.pixels.astype(int) - WIDE).max() <= 1
    assert min(len(np.unique(result.pixels[..., channel])) for channel in range(3)) > 2900


def test_8_bits_of_a_photo_of_16_are_its_nearest(engine: Engine, painting: bytes) -> None:
    result = first_point(engine, raw_png(WIDE, 16, 2), painting)
    assert np.abs(result.pixels - WIDE / 257).max() <= 0.51


def test_transparency_has_the_depth_of_the_result(engine: Engine, painting: bytes) -> None:
    content = raw_png(np.dstack([WIDE, OPACITY]), 16, 6)
    np.testing.assert_array_equal(first_point(engine, content, painting, depth=16).alpha, OPACITY)
    assert np.abs(first_point(engine, content, painting).alpha - OPACITY / 257).max() <= 0.5
    narrow = np.dstack([WIDE >> 8, OPACITY >> 8]).astype(np.uint8)
    alpha = first_point(engine, saved(Image.fromarray(narrow), "PNG"), painting, depth=16).alpha
    np.testing.assert_array_equal(alpha, narrow[..., 3] * 257.0)


def test_display_p3_goes_through_the_engine(engine: Engine, painting: bytes) -> None:
    red = np.full((48, 64, 3), (255, 0, 0), np.uint8)
    content = saved(Image.fromarray(red), "PNG", icc_profile=DISPLAY_P3.icc_profile())
    result = first_point(engine, content, painting, colour_space="display-p3")
    np.testing.assert_array_equal(result.in_depth(8).pixels, red)
    np.testing.assert_array_equal(first_point(engine, content, painting).pixels, red)  # that of sRGB
    same = first_point(engine, saved(Image.fromarray(FIELDS), "PNG"), painting, colour_space="display-p3", depth=16)
    shown = decode(tfstyle.encode_png(same), "result")
    assert np.abs(shown.pixels / 257 - FIELDS).max() < 0.1


def test_previews_have_8_bits_and_the_colour_space(engine: Engine, oils: Picture) -> None:
    pictures = Picture(WIDE, colour_space="display-p3"), replace(oils, colour_space="display-p3")
    options = TransferOptions(**FIRST, depth=16, colour_space="display-p3")
    transfer = engine.prepare(content_and_style(*pictures), options)
    shown = next(transfer.iterates()).picture()
    assert (shown.full_scale, shown.colour_space) == (255, "display-p3")


def test_pictures_must_be_in_the_colour_space_of_the_options(engine: Engine, photo: Picture, oils: Picture) -> None:
    with pytest.raises(InvalidInputError, match="content: is decoded to srgb; decode it to display-p3, as the options"):
        engine.prepare(content_and_style(photo, oils), TransferOptions(**FIRST, colour_space="display-p3"))


def test_the_result_has_the_date_of_the_photo_and_not_of_the_painting(engine: Engine, painting: bytes) -> None:
    dates = []
    for year in (2024, 1889):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9003] = f"{year}:05:17 18:30:09"
        dates.append(saved(Image.fromarray(FIELDS), "JPEG", exif=exif.tobytes()))
    for depth in (8, 16):
        assert first_point(engine, *dates, depth=depth).taken == Taken("2024:05:17 18:30:09")
        assert first_point(engine, *dates, depth=depth, metadata="none").taken is None
    assert first_point(engine, saved(Image.fromarray(FIELDS), "PNG"), dates[1]).taken is None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"depth": 12}, "depth: must be one of 8, 16; got 12"),
        ({"depth": "16"}, "depth: must be a whole number; got '16'"),
        ({"colour_space": "adobe-rgb"}, "colour_space: must be one of srgb, display-p3; got 'adobe-rgb'"),
    ],
)
def test_other_values_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        TransferOptions(**options)


def test_masks_maps_borders_and_lightness_count_alike_in_both_depths() -> None:
    narrow = Picture(FIELDS)
    wide = narrow.in_depth(16)
    np.testing.assert_allclose(picture_weights(wide), picture_weights(narrow), rtol=1e-6)
    maps = [flat_colours("regions", picture) for picture in (narrow, wide)]
    assert maps[0].keys() == maps[1].keys()
    for colour, where in maps[0].items():
        np.testing.assert_array_equal(maps[1][colour], where)
    borders = [periodic_picture(picture, (True, True)).pixels for picture in (narrow, wide)]
    assert np.abs(borders[1] / 257 - borders[0]).max() <= 0.51
    assert np.abs(wide.in_luma().pixels / 257 - narrow.in_luma().pixels).max() <= 0.51
