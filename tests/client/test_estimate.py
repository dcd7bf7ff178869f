"""`tfstyle estimate`: from the pictures' headers to what a server says."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import Server, png
from tfstyle.images import decode
from tfstyle_client import Client
from tfstyle_client.picture_formats import size_as_shown

TFSTYLE = [sys.executable, "-m", "tfstyle_client"]
ENDINGS = {"PNG": {}, "JPEG": {}, "WEBP": {"lossless": True}, "TIFF": {}}


@pytest.fixture
def files(tmp_path: Path, landscape: bytes, painting: bytes) -> Path:
    (tmp_path / "photo.jpg").write_bytes(landscape)
    (tmp_path / "painting.jpg").write_bytes(painting)
    return tmp_path


def estimate(folder: Path, *words: object) -> tuple[int, str, str]:
    command = [*TFSTYLE, "estimate", *map(str, words)]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    return ended.returncode, ended.stdout, ended.stderr


def on_its_side(kind: str, orientation: int) -> bytes:
    """A picture of 60 x 40 pixels with that orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), "teal").save(buffer, kind, exif=exif, **ENDINGS[kind])
    return buffer.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ENDINGS)
def test_the_size_is_that_of_the_decoded_picture(kind: str, orientation: int) -> None:
    data = on_its_side(kind, orientation)
    assert size_as_shown(data) == decode(data, "content").size


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 20])
def test_what_is_no_picture_has_no_size(data: bytes) -> None:
    assert size_as_shown(data) is None


def test_it_tells_what_the_server_says(files: Path, server: Server) -> None:
    server.worker_pid()  # before, the command says what it waits for
    options = ("--size", 96, "--steps", 12, "--style-loss", "gram")
    code, output, errors = estimate(files, "photo.jpg", "painting.jpg", "--server", server.address, *options, "--json")
    assert (code, errors) == (0, "")
    found = json.loads(output)
    with Client(server.address) as client:
        said = client.estimate((1024, 683), [(800, 600)], size=96, steps=12, style_loss="gram")
    assert (found["event"], found["width"], found["height"]) == ("estimate", 96, 64)
    assert (found["memory"], found["tiled"], found["digest"]) == (said.memory, said.tiled, said.digest)
    assert found["stages"] == [{"network": "vgg19-lite", "width": 96, "height": 64, "evaluations": 12}]


def test_lines_for_a_person_with_several_paintings_of_a_turned_photo(files: Path, server: Server) -> None:
    (files / "turned.jpg").write_bytes(on_its_side("JPEG", 6))
    server.worker_pid()  # before, the command says what it waits for
    words = ("turned.jpg", "painting.jpg", "photo.jpg", "--server", server.address, "--size", 48, "--steps", 4)
    code, output, _ = estimate(files, *words)
    assert code == 0
    assert output.splitlines()[0] == "32 x 48 pixels, 4 evaluations on vgg19-lite"
    assert re.search(r"^time: about \d+:\d\d$", output, re.M)
    assert re.search(r"^memory: about \d+\.\d GB, not in tiles$", output, re.M)
    assert "\nscales: 32 x 48 (4 on vgg19-lite)\n" in output
    assert sorted(path.name for path in files.iterdir()) == ["painting.jpg", "photo.jpg", "turned.jpg"]


@pytest.mark.slow
def test_a_private_server_answers_and_does_not_fetch_vgg19_for_it(files: Path) -> None:
    code, output, _ = estimate(files, "photo.jpg", "painting.jpg", "--size", 64, "--network", "vgg19-lite")
    assert (code, output.splitlines()[0]) == (0, "64 x 43 pixels, 100 evaluations on vgg19-lite")
    code, output, errors = estimate(files, "photo.jpg", "painting.jpg", "--network", "vgg19")
    assert (code, output) == (2, "")
    assert errors.startswith("tfstyle: network: the weights of vgg19 are not on the server; ")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["none.jpg", "painting.jpg"], "content: cannot read none.jpg: No such file"),
        (["photo.jpg"], "style: is missing"),
        (["photo.jpg", "painting.jpg", "text.jpg"], "style: text.jpg is not a picture that can be read; give a PNG"),
        (["photo.jpg", "painting.jpg", "--size", "5"], "size: must be 16 to 8192, or original; got 5"),
        (["photo.jpg", "painting.jpg", "--server", "h:1", "--weights", "w"], "weights: are for a private server"),
        (["photo.jpg", "painting.jpg", "--server", "nowhere"], "server: has no port"),
        (["photo.jpg", "painting.jpg", "-o", "a.png"], "'-o': there is no such option"),
    ],
)
def test_wrong_use_is_one_line(files: Path, words: list[str], says: str) -> None:
    (files / "text.jpg").write_text("a text")
    code, output, errors = estimate(files, *words)
    assert (code, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith(f"tfstyle: {says}"), errors


def test_what_cannot_fit_is_refused_by_its_field(files: Path, server: Server) -> None:
    (files / "photo.png").write_bytes(png(np.zeros((400, 400, 3), np.uint8)))
    server.worker_pid()  # before, the command says what it waits for
    words = ("photo.png", "painting.jpg", "--size", 8192, "--style-loss", "neighbours", "--server", server.address)
    code, _, errors = estimate(files, *words)
    assert code == 2
    assert errors.startswith("tfstyle: size: 8192 x 8192 pixels need")
