"""The sheet's file says which words it shows, and is all that their letters are cut out with."""

from __future__ import annotations

import io
import json
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from conftest import png
from tfstyle.images import decode
from tfstyle_client.lettering import Sheet, Words, draw
from tfstyle_client.lettering.finish import finish_of
from tfstyle_client.lettering.kept_words import CHUNK, kept_words

GOOD = {"words": {"text": "Oak"}, "font_size": 9.0, "reach": 1.0, "paper": [1, 2, 3]}


def with_chunk(data: bytes) -> bytes:
    """A PNG with the chunk behind its header."""
    picture = png(np.zeros((4, 4, 3), np.uint8))
    chunk = struct.pack(">I", len(data)) + CHUNK + data + struct.pack(">I", zlib.crc32(CHUNK + data))
    return picture[:33] + chunk + picture[33:]


@pytest.mark.parametrize("ground", [False, True])
def test_a_sheet_is_finished_by_whoever_has_its_file(painting: bytes, landscape: bytes, ground: bool) -> None:
    lettering = draw('Oak?\n"Elm"', size=200, reach=0.1, bold=0.02)
    sheet = Sheet(lettering, painting, landscape if ground else None)
    content = sheet.inputs.content
    found = finish_of(content)
    assert found is not None
    assert found.words == Words('Oak?\n"Elm"', "", 0.1, 0.1, 0.02, lettering.words.tracking)
    np.testing.assert_array_equal(np.asarray(found.stencil.ink), np.asarray(lettering.ink))
    np.testing.assert_array_equal(np.asarray(found.stencil.around), np.asarray(lettering.around))
    noise = np.random.default_rng(0).integers(0, 256, (*lettering.size[::-1], 3)).astype(np.uint8)
    assert found.apply(png(noise)) == sheet.finish(png(noise))
    kept = kept_words(content[:2000])
    assert kept is not None, "the words stand at the beginning"
    assert kept[0].words == found.words
    assert kept[0].paper == found.paper
    assert (found.paper is None) == ground


def test_the_engine_reads_the_same_pixels(painting: bytes) -> None:
    sheet = Sheet(draw("Oak", size=100), painting)
    np.testing.assert_array_equal(decode(sheet.inputs.content, "content").pixels, np.asarray(sheet.content))


def test_a_picture_of_another_size_is_not_finished(painting: bytes) -> None:
    sheet = Sheet(draw("Oak", size=100), painting)
    with pytest.raises(ValueError, match="the sheet has"):
        sheet.finish(png(np.zeros((9, 9, 3), np.uint8)))


CHANGES = [
    {"words": {"text": 3}},
    {"words": {"text": "a", "reach": 9}},
    {"words": None},
    {"words": {"text": "half a pair: \ud800"}},
    {"font_size": 10**400},
    {"font_size": "9"},
    {"font_size": -1},
    {"reach": float("nan")},
    {"paper": [1, 2]},
    {"paper": [1, 2, 256]},
    {"paper": [1, 2, 3, 4]},
    {"paper": "red"},
]


@pytest.mark.parametrize(
    "chunk",
    [
        b"",
        b"\n",
        b"[" * 100_000,
        json.dumps([]).encode(),
        *(json.dumps({**GOOD, **change}).encode() + b"\n" for change in CHANGES),
    ],
)
def test_a_damaged_chunk_is_none(chunk: bytes) -> None:
    assert kept_words(with_chunk(json.dumps(GOOD).encode() + b"\n")) is not None
    assert kept_words(with_chunk(chunk)) is None
    assert finish_of(with_chunk(chunk)) is None


def test_a_damaged_stencil_is_none() -> None:
    line = json.dumps(GOOD).encode() + b"\n"
    colour = io.BytesIO()
    Image.new("RGB", (3, 3)).save(colour, "PNG")
    for stencil in (b"", b"no picture", colour.getvalue(), colour.getvalue()[:40]):
        assert kept_words(with_chunk(line + stencil)) is not None
        assert finish_of(with_chunk(line + stencil)) is None


def test_other_pictures_have_no_words(landscape: bytes, painting: bytes) -> None:
    content = Sheet(draw("Oak", size=100), painting).inputs.content
    for picture in (b"", landscape, png(np.zeros((4, 4, 3), np.uint8)), content[:40]):
        assert kept_words(picture) is None
