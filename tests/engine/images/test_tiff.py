"""TIFF: sample formats, pages, raw camera data."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from image_files import GRADIENT, saved
from tfstyle.errors import InvalidInputError
from tfstyle.images import decode

GREY16 = np.linspace(0, 65535, 40).astype(np.uint16)[None].repeat(30, 0)


def tiff(tags: dict[int, tuple[int, ...]], pixels: bytes) -> bytes:
    """A TIFF of one strip with 16-bit `tags`, in addition to those that locate the strip."""
    tags = {**tags, 273: (8,), 279: (len(pixels),)}
    entries, extra = b"", b""
    directory = 8 + len(pixels)
    behind = directory + 2 + 12 * len(tags) + 4
    for tag, values in sorted(tags.items()):
        kind, layout = (4, "<I") if tag in (273, 279) else (3, f"<{len(values)}H")
        packed = struct.pack(layout, *values)
        if len(packed) > 4:
            place, extra = struct.pack("<I", behind + len(extra)), extra + packed
        else:
            place = packed.ljust(4, b"\0")
        entries += struct.pack("<HHI", tag, kind, len(values)) + place
    return b"II*\0" + struct.pack("<I", directory) + pixels + struct.pack("<H", len(tags)) + entries + bytes(4) + extra


SIZE = {256: (40,), 257: (30,)}


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_16_bit_grey_is_kept(compression: str) -> None:
    picture = decode(saved(Image.fromarray(GREY16), "TIFF", compression=compression), "content")
    np.testing.assert_array_equal(picture.pixels[..., 0], GREY16)
    assert picture.grey


def test_16_bit_grey_with_white_at_zero_is_inverted() -> None:
    data = tiff({**SIZE, 258: (16,), 262: (0,)}, (65535 - GREY16).tobytes())
    np.testing.assert_array_equal(decode(data, "content").pixels[..., 0], GREY16)


def test_12_bit_grey_is_scaled_to_the_full_range() -> None:
    twelve = np.linspace(0, 4095, 1200).astype(int)
    first, second = twelve[::2], twelve[1::2]
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=1).astype(np.uint8)
    data = tiff({**SIZE, 258: (12,), 262: (1,)}, packed.tobytes())
    expected = (twelve * 65535 / 4095).reshape(30, 40)
    assert np.abs(decode(data, "content").pixels[..., 1] - expected).max() <= 1


def test_16_bit_rgb_is_kept() -> None:
    samples = GRADIENT.astype("<u2") * 257 + 3
    data = tiff({**SIZE, 258: (16, 16, 16), 262: (2,), 277: (3,)}, samples.tobytes())
    np.testing.assert_array_equal(decode(data, "content").pixels, samples)


def test_cmyk_and_lab_become_rgb() -> None:
    cmyk = Image.fromarray(GRADIENT).convert("CMYK")
    np.testing.assert_array_equal(decode(saved(cmyk, "TIFF"), "content").pixels, GRADIENT)
    # L* of 50 is a luminance of 18.42 %, which is 118.9 in sRGB.
    grey = Image.merge("LAB", [Image.new("L", (20, 20), value) for value in (round(0.5 * 255), 128, 128)])
    assert np.abs(decode(saved(grey, "TIFF"), "content").pixels.astype(int) - 119).max() <= 2


def test_premultiplied_colours_are_divided_by_alpha() -> None:
    rgba = np.dstack([GRADIENT // 2, np.full((30, 40), 128, np.uint8)])
    data = tiff({**SIZE, 258: (8, 8, 8, 8), 262: (2,), 277: (4,), 338: (1,)}, rgba.tobytes())
    picture = decode(data, "content")
    assert picture.alpha is not None
    assert (picture.alpha == 128).all()
    assert np.abs(picture.pixels.astype(int) - GRADIENT).max() <= 2


def test_orientation_is_applied_once() -> None:
    data = tiff({**SIZE, 258: (8, 8, 8), 262: (2,), 277: (3,), 274: (6,)}, GRADIENT.tobytes())
    np.testing.assert_array_equal(decode(data, "content").pixels, np.rot90(GRADIENT, -1))


@pytest.mark.parametrize("mode", ["I", "F"])
def test_32_bit_samples_are_rejected(mode: str) -> None:
    with pytest.raises(InvalidInputError, match="send 8 or 16 bits per sample"):
        decode(saved(Image.fromarray(GRADIENT).convert("L").convert(mode), "TIFF"), "content")


def pages(count: int, subfile_type: int = 0) -> bytes:
    further = []
    for _ in range(count - 1):
        page = Image.fromarray(GRADIENT[:20, :20])
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[254] = subfile_type
        page.encoderinfo = {"tiffinfo": tags}
        further.append(page)
    return saved(Image.fromarray(GRADIENT), "TIFF", save_all=True, append_images=further)


def test_multiple_pages_are_rejected_with_their_number() -> None:
    with pytest.raises(InvalidInputError, match="content: has 4 pages; send one page"):
        decode(pages(4), "content")


def test_reduced_copies_do_not_count_as_pages() -> None:
    np.testing.assert_array_equal(decode(pages(3, subfile_type=1), "content").pixels, GRADIENT)


def test_page_counting_stops_at_a_limit() -> None:
    one = [(256, 4, 20), (257, 4, 20), (258, 3, 8), (262, 3, 1), (273, 4, 8), (279, 4, 1)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in one)
    length = 2 + len(entries) + 4
    chain = (struct.pack("<H", len(one)) + entries + struct.pack("<I", 8 + length * (page + 1)) for page in range(3000))
    with pytest.raises(InvalidInputError, match="content: has more than 1,000 pages"):
        decode(b"II*\0" + struct.pack("<I", 8) + b"".join(chain) + bytes(2), "content")


@pytest.mark.parametrize(
    ("tag", "says"), [(254, "begins with a thumbnail, as raw camera data does"), (50706, r"is raw camera data \(DNG\)")]
)
def test_raw_camera_data_is_rejected(tag: int, says: str) -> None:
    data = tiff({**SIZE, 258: (8, 8, 8), 262: (2,), 277: (3,), tag: (1,)}, GRADIENT.tobytes())
    with pytest.raises(InvalidInputError, match=says):
        decode(data, "content")
