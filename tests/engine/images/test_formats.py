"""Formats are recognised by their first bytes; unsupported ones are rejected by name; multi-picture files."""

from __future__ import annotations

import re
import struct
import sys

import numpy as np
import pytest
from PIL import Image, features
from PIL.GifImagePlugin import GifImageFile

from image_files import GRADIENT, saved
from tfstyle.errors import InvalidInputError
from tfstyle.images import decode, decoding

FRAMES = [Image.fromarray(np.full((20, 24, 3), level, np.uint8)) for level in (30, 120, 210)]


def animation(kind: str, **options: object) -> bytes:
    return saved(FRAMES[0], kind, save_all=True, append_images=FRAMES[1:], **options)


@pytest.mark.parametrize(("kind", "tolerance"), [("TIFF", 0), ("BMP", 0), ("GIF", 20), ("AVIF", 6)])
def test_formats_that_pillow_reads_are_accepted(kind: str, tolerance: int) -> None:
    picture = decode(saved(Image.fromarray(GRADIENT), kind), "content")
    assert np.abs(picture.pixels.astype(int) - GRADIENT).mean() <= tolerance


@pytest.mark.parametrize(
    ("kind", "options", "frames"),
    [("GIF", {}, 3), ("WEBP", {}, 3), ("AVIF", {}, 3), ("PNG", {}, 3), ("PNG", {"default_image": True}, 2)],
)
def test_animations_are_rejected_with_their_frame_count(kind: str, options: dict[str, object], frames: int) -> None:
    with pytest.raises(InvalidInputError, match=f"style: is an animation of {frames} frames; send a still picture"):
        decode(animation(kind, **options), "style")


def test_frames_of_a_large_gif_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "COUNTED_BYTES", 100)
    monkeypatch.setattr(GifImageFile, "n_frames", property(lambda _: pytest.fail("the frames were counted")))
    with pytest.raises(InvalidInputError, match="style: is an animation; send a still picture"):
        decode(animation("GIF"), "style")


def test_png_with_one_frame_and_a_default_picture_gives_the_default_picture() -> None:
    data = saved(FRAMES[0], "PNG", save_all=True, append_images=FRAMES[1:2], default_image=True)
    assert (decode(data, "content").pixels == 30).all()


@pytest.mark.parametrize("orientation", [1, 6])
def test_first_picture_of_a_multi_picture_jpeg_is_decoded(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    second = Image.fromarray(255 - GRADIENT)
    data = saved(Image.fromarray(GRADIENT), "MPO", save_all=True, append_images=[second], exif=exif, quality=95)
    expected = GRADIENT if orientation == 1 else np.rot90(GRADIENT, -1)
    picture = decode(data, "content")
    assert picture.pixels.shape == expected.shape
    assert np.abs(picture.pixels.astype(int) - expected).mean() < 12
    assert picture.warnings == ()


def test_damaged_index_of_a_multi_picture_jpeg_is_ignored() -> None:
    data = bytearray(
        saved(Image.fromarray(GRADIENT), "MPO", save_all=True, append_images=[Image.fromarray(GRADIENT)], quality=95)
    )
    index = data.index(b"MPF\0") + 4
    data[index : index + 60] = bytes(range(60))
    assert np.abs(decode(bytes(data), "content").pixels.astype(int) - GRADIENT).mean() < 12


def ftyp(*brands: bytes) -> bytes:
    return struct.pack(">I", 12 + 4 * len(brands)) + b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (ftyp(b"heic", b"mif1"), "is HEIC, but its header is damaged"),
        (ftyp(b"mif1", b"heix"), "is HEIC, but its header is damaged"),
        (ftyp(b"mif1"), "is HEIF of an unusual kind; convert it to JPEG or PNG"),
        (ftyp(b"crx "), "is raw camera data (Canon CR3); develop it"),
        (ftyp(b"isom", b"mp42"), "is a video; send one frame"),
        (ftyp(b"qt  "), "is a video; send one frame"),
        (b"RIFF\0\0\0\0AVI LIST", "is a video; send one frame"),
        (b"\xff\x0a\xfa\x1f", "is JPEG XL; convert it"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "is JPEG XL; convert it"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "is JPEG 2000; convert it"),
        (b"8BPS\0\1", "is a Photoshop document; export it"),
        (b"%PDF-1.7\n", "is PDF; export the page"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "is PostScript; export the page"),
        (b"\x76\x2f\x31\x01", "is OpenEXR; convert it to SDR"),
        (b"II*\0\x10\0\0\0CR\x02\0", "is raw camera data (Canon CR2); develop it"),
        (b"FUJIFILMCCD-RAW 0201", "is raw camera data; develop it"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">', "is SVG; export it"),
        (b"<!DOCTYPE html><html><body><svg>", "is a web page; save the picture itself"),
        (b"PK\x03\x04", "is a ZIP archive; send the picture in it"),
        (b"BMW makes cars that are not bitmaps", "is not a PNG, JPEG"),
        (saved(Image.fromarray(GRADIENT), "PPM"), "is not a PNG, JPEG"),
        (saved(Image.fromarray(GRADIENT), "EPS"), "is PostScript; export the page"),
        (saved(Image.fromarray(GRADIENT), "ICO"), "is a Windows icon; export it"),
    ],
)
def test_unsupported_formats_are_rejected_by_name_with_a_fix(data: bytes, says: str) -> None:
    with pytest.raises(InvalidInputError, match="^content: " + re.escape(says)):
        decode(data, "content")


def test_avif_is_rejected_if_pillow_cannot_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda feature: None)
    with pytest.raises(InvalidInputError, match="is AVIF, which the installed Pillow cannot read; convert it"):
        decode(ftyp(b"avif", b"mif1"), "content")


def test_heic_is_rejected_with_the_fix_where_its_reader_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(InvalidInputError, match=r"is HEIC; install its reader .* \(pip install 'tfstyle\[heic\]'\)"):
        decode(ftyp(b"heic", b"mif1"), "content")


def test_only_the_reader_of_the_recognised_format_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    real = Image.open

    def spy(*arguments: object, **named: object) -> Image.Image:
        opened.append(named["formats"])
        return real(*arguments, **named)

    monkeypatch.setattr(Image, "open", spy)
    decode(saved(Image.fromarray(GRADIENT), "BMP"), "content")
    assert opened == [("BMP",)]


def test_bmp_with_all_alpha_bytes_zero_is_opaque() -> None:
    # A version 4 header whose masks declare the fourth byte as alpha.
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header = struct.pack("<IiiHHI20x", 108, 40, 30, 1, 32, 3) + masks + bytes(52)
    pixels = np.dstack([GRADIENT[::-1, :, ::-1], np.zeros((30, 40), np.uint8)]).tobytes()
    file = b"BM" + struct.pack("<IHHI", 14 + 108 + len(pixels), 0, 0, 14 + 108) + header + pixels
    picture = decode(file, "content")
    assert picture.alpha is None
    np.testing.assert_array_equal(picture.pixels, GRADIENT)
