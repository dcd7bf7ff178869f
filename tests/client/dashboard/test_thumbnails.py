"""Thumbnails are upright, in sRGB and small; what is no picture is refused, by a program of its own that decodes it."""

from __future__ import annotations

import asyncio
import io
import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Awaitable, Callable

import numpy as np
import pytest
import tifffile
from PIL import Image

from image_files import SRGB_TO_P3, light_to_srgb, profile_with_red_and_blue_exchanged, srgb_to_light
from tfstyle.images import Picture, encode_png
from tfstyle_client.dashboard import pictures
from tfstyle_client.dashboard.pictures import Thumbnail, Thumbnails, media_type
from tfstyle_client.dashboard.problems import ProblemError

PIXELS = 100_000_000


def saved(picture: Image.Image, kind: str = "PNG", **more: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **more)
    return file.getvalue()


def reading(data: bytes) -> Callable[[], Awaitable[bytes]]:
    async def read() -> bytes:
        return data

    return read


def thumbnail(data: bytes, side: int = 160, pixels: int = PIXELS) -> tuple[Thumbnail, np.ndarray]:
    made = asyncio.run(Thumbnails().make(("me", "d", side), reading(data), pixels))
    return made, np.asarray(Image.open(io.BytesIO(made.webp)).convert("RGBA")).astype(int)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "AVIF"])
def test_all_formats_that_the_server_reads(kind: str) -> None:
    made, pixels = thumbnail(saved(Image.new("RGB", (400, 200), (200, 40, 40)), kind))
    assert (made.width, made.height, made.file_format) == (400, 200, kind)
    assert pixels.shape == (80, 160, 4)
    assert np.abs(pixels[40, 80] - [200, 40, 40, 255]).max() < 12


def test_a_truncated_picture_is_shown_as_far_as_it_goes() -> None:
    picture = saved(Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)), "JPEG")
    made, pixels = thumbnail(picture[: len(picture) // 2])
    assert (made.width, made.height) == (400, 300)
    assert pixels[:40, ..., :3].std() > 10, "noise above"
    assert pixels[-20:, ..., :3].std() < 3, "and grey below"


def test_small_pictures_are_not_enlarged() -> None:
    assert thumbnail(saved(Image.new("RGB", (30, 20))))[1].shape == (20, 30, 4)


def test_the_orientation_is_applied() -> None:
    picture = Image.new("RGB", (400, 200), "blue")
    picture.paste("red", (0, 0, 200, 200))  # red on the left
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter, clockwise
    made, pixels = thumbnail(saved(picture, "JPEG", exif=exif))
    assert (made.width, made.height) == (200, 400)
    assert pixels.shape == (160, 80, 4)
    assert pixels[20, 40, 0] > 200
    assert pixels[140, 40, 2] > 200


def test_a_colour_profile_is_applied() -> None:
    picture = Image.new("RGB", (64, 64), (10, 200, 90))
    _, exchanged = thumbnail(saved(picture, icc_profile=profile_with_red_and_blue_exchanged()))
    assert np.abs(exchanged[30, 30, :3] - [90, 200, 10]).max() < 12
    _, damaged = thumbnail(saved(picture, icc_profile=b"no profile"))
    assert np.abs(damaged[30, 30, :3] - [10, 200, 90]).max() < 6


def test_sixteen_bits_are_scaled() -> None:
    pixels = np.full((50, 50), 40_000, np.uint16)
    _, made = thumbnail(saved(Image.fromarray(pixels)))
    assert abs(made[25, 25, 0] - 40_000 / 257) < 4


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("alpha", [None, 255])
def test_results_in_display_p3_have_their_colours(depth: int, alpha: int | None) -> None:
    light = srgb_to_light(np.array([180, 60, 90])) @ SRGB_TO_P3.T
    colour = np.rint(light_to_srgb(light)).astype(np.uint8)
    pixels = np.broadcast_to(colour, (40, 40, 3)).copy()
    opacity = None if alpha is None else np.full((40, 40), alpha, np.uint8)
    if opacity is not None:
        opacity[0, 0] = 0
    png = encode_png(Picture(pixels, opacity, colour_space="display-p3").in_depth(depth))
    made, shown = thumbnail(png)
    assert made.file_format == "PNG"
    assert np.abs(shown[25, 25] - [180, 60, 90, 255]).max() < 6


def test_lab_is_shown() -> None:
    lab = Image.merge("LAB", [Image.new("L", (40, 40), value) for value in (round(0.5 * 255), 128, 128)])
    assert np.abs(thumbnail(saved(lab, "TIFF"))[1][20, 20] - [119, 119, 119, 255]).max() < 4


def test_heic_is_shown_where_its_reader_is() -> None:
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    heif.from_pillow(Image.new("RGB", (400, 200), (200, 40, 40))).save(file)
    made, pixels = thumbnail(file.getvalue())
    assert (made.width, made.height, made.file_format) == (400, 200, "HEIC")
    assert np.abs(pixels[40, 80] - [200, 40, 40, 255]).max() < 12
    assert media_type(file.getvalue()) == "image/heic"


@pytest.mark.parametrize("kind", ["planar", "grey with alpha", "Lab"])
def test_tiffs_that_pillow_misreads_are_shown_by_the_engine(kind: str) -> None:
    """Run without -I, which would take the engine that is installed in place of this one."""
    file, wide = io.BytesIO(), np.full((48, 64, 3), (40_000, 10_000, 30_000), np.uint16)
    if kind == "planar":
        tifffile.imwrite(file, np.moveaxis(wide, -1, 0), photometric="rgb", planarconfig="separate")
        expected = np.array([156, 39, 117, 255])
    elif kind == "Lab":
        tifffile.imwrite(file, np.full((48, 64, 3), (32768, 0, 0), np.uint16), photometric="cielab")
        expected = np.array([119, 119, 119, 255])
    else:
        grey = np.full((48, 64, 2), (40_000, 65535), np.uint16)
        tifffile.imwrite(file, grey, photometric="minisblack", extrasamples=["unassalpha"], planarconfig="contig")
        expected = np.array([156, 156, 156, 255])
    command = [sys.executable, str(pictures.PROGRAM), "160", str(PIXELS)]
    head, _, webp = subprocess.run(command, input=file.getvalue(), capture_output=True).stdout.partition(b"\n")
    assert json.loads(head) == {"width": 64, "height": 48, "format": "TIFF"}
    shown = np.asarray(Image.open(io.BytesIO(webp)).convert("RGBA")).astype(int)
    assert np.abs(shown[20, 20] - expected).max() < 4


def test_transparency_is_kept() -> None:
    assert thumbnail(saved(Image.new("RGBA", (50, 50), (255, 0, 0, 0))))[1][25, 25, 3] == 0


@pytest.mark.parametrize(
    "data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>"]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(ProblemError, match="cannot be read as a picture") as caught:
        thumbnail(data)
    assert caught.value.violations[0].field == "image"


def test_a_picture_that_declares_too_many_pixels_is_not_decoded() -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    bomb += struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    with pytest.raises(ProblemError, match="has 60000 x 60000 pixels; at most 100,000,000 are accepted"):
        thumbnail(bomb)


def test_a_program_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    program = tmp_path / "slow.py"
    program.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(pictures, "PROGRAM", program)
    monkeypatch.setattr(pictures, "SECONDS", 0.2)
    with pytest.raises(ProblemError, match="takes too long"):
        thumbnail(b"x")


def test_a_thumbnail_is_made_once_for_its_caller_and_side() -> None:
    reads: list[str] = []

    def noted(name: str, data: bytes) -> Callable[[], Awaitable[bytes]]:
        async def read() -> bytes:
            reads.append(name)
            return data

        return read

    async def main() -> None:
        made, picture = Thumbnails(), saved(Image.new("RGB", (20, 20)))
        same = [made.make(("ann", "a", 160), noted("ann", picture), PIXELS) for _ in range(3)]
        assert len(set(map(id, await asyncio.gather(*same)))) == 1
        await made.make(("bob", "a", 160), noted("bob", picture), PIXELS)
        await made.make(("ann", "a", 320), noted("large", picture), PIXELS)
        for _ in range(2):
            with pytest.raises(ProblemError, match="cannot be read"):
                await made.make(("ann", "b", 160), noted("damaged", b"no picture"), PIXELS)

    asyncio.run(main())
    assert reads == ["ann", "bob", "large", "damaged"]


def test_one_caller_does_not_take_all_places(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    program = tmp_path / "slow.py"
    program.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(pictures, "PROGRAM", program)

    async def main() -> None:
        made, picture = Thumbnails(), saved(Image.new("RGB", (20, 20)))
        greedy = [asyncio.create_task(made.make(("bob", str(n), 160), reading(b""), PIXELS)) for n in range(6)]
        await asyncio.sleep(0.3)
        monkeypatch.undo()
        async with asyncio.timeout(20):
            await made.make(("ann", "a", 160), reading(picture), PIXELS)
        for task in greedy:
            task.cancel()
        await asyncio.gather(*greedy, return_exceptions=True)

    asyncio.run(main())


def test_types_come_from_the_first_bytes() -> None:
    picture = Image.new("RGB", (8, 8))
    wanted = {"PNG": "png", "JPEG": "jpeg", "WEBP": "webp", "TIFF": "tiff", "BMP": "bmp", "GIF": "gif", "AVIF": "avif"}
    for kind, name in wanted.items():
        assert media_type(saved(picture, kind)) == f"image/{name}"
    assert media_type(b"<script>") == media_type(b"") == "application/octet-stream"
