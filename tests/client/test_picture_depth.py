"""Results of 16 bits and in Display P3 as files: to the bit where the format can, else refused before the work."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from conftest import Server
from image_files import PATCHES, chunk, raw_png, with_chunks
from tfstyle.images import Picture, decode, encode_png
from tfstyle.images.taken import Taken
from tfstyle.xmp_in_files import find_packet
from tfstyle_client import tiff_writer
from tfstyle_client.errors import BadRequestError
from tfstyle_client.output import Output
from tfstyle_client.picture_formats import convert

DOWN, RIGHT = np.mgrid[:48, :64]
WIDE = np.stack([RIGHT * 1040 + DOWN, 65535 - DOWN * 1361 - RIGHT, (RIGHT * 48 + DOWN) * 21], -1).astype(np.uint16)
OPACITY = (RIGHT * 1000 + DOWN + 1).astype(np.uint16)
TAKEN = Taken("2024:05:17 18:30:09", "+02:00")


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tfstyle_client", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, "COLUMNS": "200"})


@pytest.mark.parametrize("alpha", [None, OPACITY], ids=["RGB", "RGBA"])
@pytest.mark.parametrize("strip", [2**20, 1000])
def test_a_tiff_has_the_samples_of_the_png(
    alpha: np.ndarray | None, strip: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiff_writer, "STRIP", strip)
    made = convert(encode_png(Picture(WIDE, alpha), {"Software": "tfstyle 1"}), ".tif")
    expected = WIDE if alpha is None else np.dstack([WIDE, alpha])
    with tifffile.TiffFile(io.BytesIO(made)) as file:
        page = file.pages.first
        np.testing.assert_array_equal(page.asarray(), expected)
        assert page.photometric == tifffile.PHOTOMETRIC.RGB
        assert page.software == "tfstyle 1"
        assert len(page.dataoffsets) == (1 if strip == 2**20 else len(expected) // max(1, 1000 // expected[0].nbytes))
    again = decode(made, "result")
    np.testing.assert_array_equal(again.pixels, WIDE)
    np.testing.assert_array_equal(again.alpha if alpha is not None else OPACITY, OPACITY)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("ending", [".tif", ".jpg", ".webp", ".avif"])
def test_profile_date_and_xmp_are_kept(ending: str, depth: int) -> None:
    picture = Picture(PATCHES, colour_space="display-p3", taken=TAKEN).in_depth(depth)
    png = encode_png(picture)
    packet = b"<x:xmpmeta>a test</x:xmpmeta> "
    text = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet)
    made = convert(with_chunks(png, text), ending)
    with Image.open(io.BytesIO(made)) as opened:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(opened.info["icc_profile"]))
        assert ImageCms.getProfileDescription(profile).strip() == "Display P3"
        assert opened.info["xmp"].rstrip(b"\0") == packet
        assert dict(opened.getexif().get_ifd(0x8769)) == {0x9003: TAKEN.date_time, 0x9011: TAKEN.offset}
        assert np.abs(np.asarray(opened.convert("RGB")).astype(int) - PATCHES)[4:12, 4:12].max() < 8
    assert find_packet(made) == packet
    again = decode(made, "result", colour_space="display-p3")
    assert again.taken == TAKEN
    assert np.abs(again.in_depth(8).pixels.astype(int) - PATCHES)[4:12, 4:12].max() < 8


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.avif", "a.JPEG"])
def test_endings_that_have_8_bits_are_refused_by_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadRequestError, match=f"depth: 16 needs a file that can hold it, PNG or TIFF; {name} has 8"):
        Output(tmp_path / name, depth=16).check()
    Output(tmp_path / name).check()
    for fine in ("a.png", "a.tiff"):
        Output(tmp_path / fine, depth=16).check()


@pytest.fixture
def files(tmp_path: Path, painting: bytes) -> Path:
    (tmp_path / "photo.png").write_bytes(raw_png(WIDE, 16, 2))
    (tmp_path / "painting.jpg").write_bytes(painting)
    return tmp_path


def test_16_bits_from_file_to_file(files: Path, server: Server) -> None:
    first = ("--size", "original", "--coarsest-scale", "none", "--steps", 1, "--style-loss", "gram", "--depth", 16)
    pictures = files / "photo.png", files / "painting.jpg"
    ended = run("stylize", *pictures, "-o", files / "out.tif", "--server", server.address, *first)
    assert ended.returncode == 0, ended.stderr
    found = tifffile.imread(files / "out.tif")
    assert np.abs(found.astype(int) - WIDE).max() <= 1
    assert min(len(np.unique(found[..., channel])) for channel in range(3)) > 2900


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("-o", "out.jpg", "--depth", "16"),
            "depth: 16 needs a file that can hold it, PNG or TIFF; out.jpg has 8 bits",
        ),
        (("-o", "out.png", "--depth", "12"), "depth: must be one of 8, 16; got 12"),
    ],
)
def test_wrong_values_are_refused_before_any_work(files: Path, arguments: tuple[str, ...], says: str) -> None:
    named = [files / each if each.startswith("out.") else each for each in arguments]
    # Nothing listens there, which would be the next complaint.
    ended = run("stylize", files / "photo.png", files / "painting.jpg", *named, "--server", "127.0.0.1:1")
    assert ended.returncode == 2
    assert says in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert sorted(path.name for path in files.iterdir()) == ["painting.jpg", "photo.png"]
