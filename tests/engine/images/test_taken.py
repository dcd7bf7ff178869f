"""Of the photo's metadata, the date and its offset are read, in every format, and nothing else is passed on."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from image_files import GRADIENT, chunk, raw_png, saved
from tfstyle.images import decode, encode_png
from tfstyle.images.taken import Taken

DATE, OFFSET = "2024:05:17 18:30:09", "+02:00"
WHOLE = Taken(DATE, OFFSET)
SECRETS = ("Ann Example", "SN-1234567", "53.55")


def exif(date: str = DATE, offset: str | None = OFFSET, offset_tag: int = 0x9011) -> Image.Exif:
    """What cameras write: make, artist, serial number, place and date."""
    made = Image.Exif()
    made[0x010F], made[0x013B] = "Camera", SECRETS[0]
    details = made.get_ifd(0x8769)
    details[0x9003], details[0xA431] = date, SECRETS[1]
    if offset is not None:
        details[offset_tag] = offset
    place = made.get_ifd(0x8825)
    place[1], place[2] = "N", (53.55, 0.0, 0.0)
    return made


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_the_date_is_read_in_every_format(kind: str) -> None:
    assert decode(saved(Image.fromarray(GRADIENT), kind, exif=exif().tobytes()), "content").taken == WHOLE


def test_the_date_is_read_from_files_of_16_bits() -> None:
    wide = GRADIENT.astype(np.uint16) * 257
    assert decode(raw_png(wide, 16, 2, chunk(b"eXIf", exif().tobytes()[6:])), "content").taken == WHOLE
    # tifffile cannot write an EXIF directory, so Pillow does, around a strip of 16-bit grey.
    grey = Image.fromarray(wide[..., 0])
    assert decode(saved(grey, "TIFF", exif=exif().tobytes()), "content").taken == WHOLE
    file = io.BytesIO()
    tifffile.imwrite(file, wide, photometric="rgb")
    assert decode(file.getvalue(), "content").taken is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (exif(offset=None), Taken(DATE)),
        (exif(offset="-09:30", offset_tag=0x9010), Taken(DATE, "-09:30")),
        (exif(offset="somewhere"), Taken(DATE)),
        (exif(date="    :  :     :  :  "), None),
        (exif(date="2024-05-17"), None),
        (exif(date="2024:05:17 18:30:09<script>"), None),
        (Image.Exif(), None),
    ],
    ids=["no offset", "general offset", "no such offset", "blank", "another form", "more text", "no EXIF"],
)
def test_what_is_no_date_does_not_count(written: Image.Exif, read: Taken | None) -> None:
    assert decode(saved(Image.fromarray(GRADIENT), "JPEG", exif=written), "content").taken == read


def test_damaged_exif_data_do_not_matter() -> None:
    data = saved(
        Image.fromarray(GRADIENT), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\xff\xff\xff"
    )
    assert decode(data, "content").taken is None


@pytest.mark.parametrize("depth", [8, 16])
def test_the_result_has_the_date_and_nothing_else(depth: int) -> None:
    picture = decode(saved(Image.fromarray(GRADIENT), "JPEG", exif=exif()), "content")
    made = encode_png(picture.in_depth(depth))
    with Image.open(io.BytesIO(made)) as opened:
        found = opened.getexif()
        assert dict(found.get_ifd(0x8769)) == {0x9003: DATE, 0x9011: OFFSET}
        assert set(found) == {0x8769}
    assert not any(secret.encode() in made for secret in SECRETS)
    assert decode(made, "content").taken == WHOLE
