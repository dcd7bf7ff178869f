"""Pictures of 16 bits per sample are read and written to the bit, and converted and resized without 8 bits between."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from image_files import (
    DARKEST_INK,
    P3_TO_SRGB,
    chunk,
    cmyk_profile,
    converted,
    iccp,
    inks_in_lab,
    lab_to_srgb,
    linear_profile,
    raw_png,
    srgb_to_light,
)
from tfstyle.depth import in_depth
from tfstyle.errors import InvalidInputError
from tfstyle.images import ImageLimits, Picture, decode, encode_png, resize
from tfstyle.images.rgb_space import DISPLAY_P3, SRGB, power

DOWN, RIGHT = np.mgrid[:48, :64]
WIDE = np.stack([RIGHT * 1040 + DOWN, 65535 - DOWN * 1361 - RIGHT, (RIGHT * 48 + DOWN) * 21], -1).astype(np.uint16)
"""[48, 64, 3]: thousands of levels."""
OPACITY = (RIGHT * 1000 + DOWN + 1).astype(np.uint16)
BOTH = np.dstack([WIDE, OPACITY])


def tiff(samples: np.ndarray, photometric: str = "rgb", **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, samples, photometric=photometric, metadata=None, **options)
    return file.getvalue()


def test_the_test_picture_would_lose_most_of_its_levels_in_8_bits() -> None:
    assert min(len(np.unique(WIDE[..., channel])) for channel in range(3)) > 2900


@pytest.mark.parametrize(
    ("samples", "colour_type"),
    [(WIDE, 2), (BOTH, 6), (WIDE[..., 0], 0), (BOTH[..., 2:], 4)],
    ids=["RGB", "RGBA", "L", "LA"],
)
def test_png_is_read_to_the_bit(samples: np.ndarray, colour_type: int) -> None:
    picture = decode(raw_png(samples, 16, colour_type), "content")
    colours = samples[..., None] if samples.ndim == 2 else samples[..., :-1] if colour_type > 2 else samples
    np.testing.assert_array_equal(picture.pixels, np.broadcast_to(colours, (48, 64, 3)))
    if colour_type > 2:
        np.testing.assert_array_equal(picture.alpha, samples[..., -1])
    else:
        assert picture.alpha is None


@pytest.mark.parametrize("samples", [WIDE, BOTH], ids=["RGB", "RGBA"])
def test_png_is_written_to_the_bit(samples: np.ndarray) -> None:
    alpha = samples[..., 3] if samples.shape[2] == 4 else None
    png = encode_png(Picture(samples[..., :3], alpha), {"Software": "a test"})
    again = decode(png, "content")
    np.testing.assert_array_equal(again.pixels, WIDE)
    np.testing.assert_array_equal(again.alpha if alpha is not None else OPACITY, OPACITY)
    with Image.open(io.BytesIO(png)) as opened:
        opened.load()
        assert opened.info["Software"] == "a test"
        np.testing.assert_array_equal(np.asarray(opened), samples >> 8)  # Pillow's own reduction


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "lzw", "predictor": True},
        {"compression": "deflate", "predictor": True},
        {"compression": "deflate", "rowsperstrip": 7},
        {"compression": "packbits"},
        {"compression": "lzw", "tile": (16, 32)},
        {"planarconfig": "separate"},
        {"planarconfig": "separate", "compression": "lzw", "predictor": True},
        {"bigtiff": True, "compression": "deflate"},
    ],
    ids=str,
)
def test_tiff_is_read_to_the_bit(options: dict[str, Any], byteorder: Any) -> None:
    samples = np.moveaxis(WIDE, -1, 0) if "planarconfig" in options else WIDE
    data = tiff(samples, byteorder=byteorder, **options)
    if byteorder == ">" and "bigtiff" in options:
        with pytest.raises(InvalidInputError, match="is a BigTIFF with the most significant byte first; save it as"):
            decode(data, "content")
        return
    picture = decode(data, "content")
    np.testing.assert_array_equal(picture.pixels, WIDE)


def test_tiff_with_alpha_and_grey() -> None:
    picture = decode(tiff(BOTH, extrasamples=["unassalpha"]), "content")
    np.testing.assert_array_equal(picture.pixels, WIDE)
    np.testing.assert_array_equal(picture.alpha, OPACITY)
    grey = decode(tiff(BOTH[..., 2:], "minisblack", extrasamples=["unassalpha"], planarconfig="contig"), "content")
    np.testing.assert_array_equal(grey.pixels, np.repeat(WIDE[..., 2:], 3, 2))
    np.testing.assert_array_equal(grey.alpha, OPACITY)
    opaque = decode(tiff(BOTH, extrasamples=["unspecified"]), "content")
    assert opaque.alpha is None, "a fourth channel that is not said to be alpha"


def test_premultiplied_tiff_is_divided_by_alpha() -> None:
    stored = np.rint(WIDE * (OPACITY[..., None] / 65535))
    picture = decode(tiff(np.dstack([stored, OPACITY]).astype(np.uint16), extrasamples=["assocalpha"]), "content")
    exact = stored * (65535 / OPACITY[..., None])
    assert np.abs(picture.pixels - np.minimum(exact, 65535)).max() <= 0.5001


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_as_to_8_bits(orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    narrow = io.BytesIO()
    Image.fromarray((WIDE >> 8).astype(np.uint8)).save(narrow, "PNG", exif=exif)
    upright = decode(narrow.getvalue(), "content").pixels
    for data in (
        raw_png(WIDE, 16, 2, chunk(b"eXIf", exif.tobytes()[6:])),
        tiff(WIDE, extratags=[(274, "H", 1, orientation, True)]),
    ):
        np.testing.assert_array_equal(decode(data, "content").pixels >> 8, upright)


def test_matrix_profile_is_applied_in_floating_point_numbers() -> None:
    linear = replace(SRGB, curve=power(1)).icc_profile()
    picture = decode(raw_png(WIDE, 16, 2, iccp(linear)), "content")
    expected = converted(WIDE / 257, lambda samples: samples / 255) * 257
    assert np.abs(picture.pixels - expected).max() < 20  # profiles have 5 digits, and sRGB is steep in the dark
    assert len(np.unique(picture.pixels[..., 0])) > 2000
    profile = DISPLAY_P3.icc_profile()
    picture = decode(tiff(WIDE, extratags=[(34675, "B", len(profile), profile, True)]), "content")
    expected = converted(WIDE / 257, srgb_to_light, P3_TO_SRGB) * 257
    clipped = (expected <= 0) | (expected >= 65535)
    # The matrix of the test has 4 digits too, which counts most in the dark.
    assert np.abs(picture.pixels - expected)[~clipped & (expected > 6000)].max() < 128
    assert np.abs(picture.pixels - expected).max() < 257


def test_table_profile_of_inks_is_applied_in_16_bits() -> None:
    """At corners of the inks, and along edges, where every way to interpolate in a table is the linear one.

    The darkest ink becomes black, as ICC profiles of version 4 want it when pictures are converted.
    """
    inks = np.zeros((20, 32, 4))
    inks[:16] = np.stack(np.meshgrid(*[[0.0, 1.0]] * 4, indexing="ij"), -1).reshape(16, 1, 4)
    inks[16] += np.linspace(0, 1, 32)[:, None] * (0, 0, 0, 1)  # black
    inks[17] += np.linspace(0, 1, 32)[:, None] * (0, 0, 1, 0)  # yellow
    stored = np.rint(inks * 65535).astype(np.uint16)
    profile = cmyk_profile()
    data = tiff(stored, "separated", extratags=[(34675, "B", len(profile), profile, True)])
    picture = decode(data, "content")
    lab = inks_in_lab(inks)
    share = np.linspace(0, 1, 32)[:, None]
    lab[16:18] = lab[16:18, :1] * (1 - share) + lab[16:18, -1:] * share
    expected = lab_to_srgb(lab, DARKEST_INK)
    assert np.abs(picture.pixels / 257 - expected).max() < 0.35
    eight = io.BytesIO()
    Image.fromarray(np.rint(inks * 255).astype(np.uint8), "CMYK").save(eight, "TIFF", icc_profile=profile)
    assert np.abs(decode(eight.getvalue(), "content").pixels - expected)[:16].max() < 3


def test_inks_without_a_profile_and_lab() -> None:
    inks = np.dstack([WIDE, OPACITY])
    light = (1 - WIDE / 65535) * (1 - OPACITY[..., None] / 65535) * 65535
    assert np.abs(decode(tiff(inks, "separated"), "content").pixels - light).max() <= 1
    lab = np.stack([20 + RIGHT, DOWN - 20.0, RIGHT / 2 - 10], -1)
    stored = np.stack([np.rint(lab[..., 0] * 655.35), *np.rint(lab[..., 1:] * 256).transpose(2, 0, 1)], -1)
    data = tiff(stored.astype(np.int32).astype(np.uint16), "cielab")
    assert np.abs(decode(data, "content").pixels / 257 - lab_to_srgb(lab)).max() < 0.35


def test_resizing_does_not_go_through_8_bits() -> None:
    """A ramp of 256 steps of 1: in 8 bits, all of it would be one level."""
    ramp = np.repeat((30000 + np.arange(256, dtype=np.uint16))[None, :, None].repeat(64, 0), 3, 2)
    half = resize(Picture(ramp), (128, 32)).pixels
    assert half.dtype == np.uint16
    # Between two pixels of the ramp; the ends, where the filter is cut off, left out.
    assert np.abs(half[:, 2:-2, 0] - (30000.5 + 2 * np.arange(128)[2:-2])).max() <= 0.5
    alpha = np.full((64, 256), 32768, np.uint16)
    alpha[:, :128] = 16384
    weighted = resize(Picture(ramp, alpha), (128, 32))
    np.testing.assert_array_equal(weighted.alpha[:, [10, 120]], [[16384, 32768]] * 32)
    assert np.abs(weighted.pixels[:, 2:60, 1] - (30000.5 + 2 * np.arange(128)[2:60])).max() <= 1


def test_hidden_colours_are_replaced_as_in_8_bits() -> None:
    hidden = OPACITY.copy()
    hidden[10:30, 20:50] = 0
    loud = WIDE.copy()
    loud[hidden == 0] = (65535, 0, 65535)
    picture = decode(raw_png(np.dstack([loud, hidden]), 16, 6), "content")
    np.testing.assert_array_equal(picture.pixels[hidden > 0], WIDE[hidden > 0])
    narrow = decode(encode_png(picture.in_depth(8)), "content")
    assert np.abs(narrow.pixels[hidden == 0] * 257.0 - picture.pixels[hidden == 0]).max() < 3 * 257
    black = decode(raw_png(np.dstack([loud * (hidden > 0)[..., None], hidden]), 16, 6), "content")
    np.testing.assert_array_equal(black.pixels, picture.pixels)


def test_depths_are_converted_by_rounding() -> None:
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    np.testing.assert_array_equal(in_depth(every, 8), np.rint(every / 257))
    np.testing.assert_array_equal(in_depth(np.arange(256, dtype=np.uint8), 16), np.arange(256) * 257)
    assert in_depth(every, 16) is every


def test_limits_hold_before_anything_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tfstyle.images.decoding.read_png", None)
    monkeypatch.setattr("tfstyle.images.wide_tiff.read_tiff", None)
    for data in (raw_png(WIDE, 16, 2), tiff(WIDE)):
        with pytest.raises(InvalidInputError, match="declares 64 x 48 pixels; at most 3,000 are accepted"):
            decode(data, "content", ImageLimits(pixels=3000))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (tiff(WIDE, compression="jpeg2000"), "more than 8 bits with the compression 34712; save it with LZW"),
        (tiff(WIDE.view(np.int16)), "unsupported"),
        (raw_png(np.dstack([WIDE, WIDE[..., 0] * 0]), 16, 6), "is fully transparent"),
        (tiff(np.dstack([WIDE, WIDE[..., 0] * 0]), extrasamples=["unassalpha"]), "is fully transparent"),
        (tiff(WIDE)[:-3000], "is damaged or cut short"),
        (raw_png(WIDE, 16, 2)[:-30], "is damaged or cut short"),
    ],
    ids=["compression", "signed", "transparent PNG", "transparent TIFF", "TIFF cut short", "PNG cut short"],
)
def test_what_cannot_be_read_is_refused_in_one_line(data: bytes, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says) as caught:
        decode(data, "content")
    assert "\n" not in str(caught.value)


def test_a_small_file_that_names_one_part_many_times_is_refused_at_once() -> None:
    rows = 400
    parts = tifffile.TiffWriter(buffer := io.BytesIO())
    with parts:
        parts.write(np.zeros((rows, 64, 3), np.uint16), rowsperstrip=1, photometric="rgb", compression="deflate")
    data = bytearray(buffer.getvalue())
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        counts = file.pages.first.tags["StripByteCounts"]
        place, size = counts.valueoffset, {3: 2, 4: 4}[int(counts.dtype)]
    whole = min(len(data), 256**size - 1) // 2
    data[place : place + rows * size] = whole.to_bytes(size, "little") * rows
    assert complaint(bytes(data)) == "content: is damaged or cut short: stores more than the file has"


def complaint(data: bytes) -> str:
    """Why the file is refused; empty if it is read."""
    try:
        decode(data, "content", ImageLimits(pixels=100_000))
    except InvalidInputError as error:
        return str(error)
    return ""


def test_damaged_files_raise_one_line_errors_and_nothing_else() -> None:
    """Files cut short are always found; changed bits may not be, where the pixels have no checksum."""
    chance = random.Random(16)
    small = BOTH[:24, :20].copy()
    files = [
        raw_png(small, 16, 6, iccp(linear_profile(b"RGB "))),
        tiff(small, extrasamples=["unassalpha"]),
        tiff(small, extrasamples=["assocalpha"], compression="lzw", predictor=True, byteorder=">"),
        tiff(np.moveaxis(small[..., :3], -1, 0), planarconfig="separate", compression="deflate", bigtiff=True),
    ]
    for data in files:
        for damage in range(100):
            if damage % 2:
                changed = data[: chance.randrange(len(data) - 16)]
            else:
                changed = bytearray(data)
                for _ in range(chance.randint(1, 3)):
                    # Half of them in the headers, which a TIFF may have at its end.
                    place = chance.choice(
                        (chance.randrange(160), -chance.randrange(1, 300), chance.randrange(len(data)))
                    )
                    changed[place] ^= 1 << chance.randrange(8)
            message = complaint(bytes(changed))
            assert "\n" not in message
            assert message or damage % 2 == 0
