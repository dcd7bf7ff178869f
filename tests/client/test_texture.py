"""`tfstyle texture` in real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from conftest import Server


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tfstyle_client", "texture", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, "COLUMNS": "200"})


@pytest.fixture
def painted(tmp_path: Path, painting: bytes) -> Path:
    (tmp_path / "oils.jpg").write_bytes(painting)
    return tmp_path / "oils.jpg"


def test_texture_is_written_beside_the_painting(painted: Path, server: Server) -> None:
    ended = run(painted, "--size", "96x64", "--steps", 2, "--server", server.address, "--json")
    assert ended.returncode == 0, ended.stderr
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert lines[-1]["path"] == str(painted.with_name("oils-texture.png"))
    started = lines[1]["options"]
    assert (started["content_weight"], started["start"], started["style_loss"]) == (0, "style", "wasserstein")
    with Image.open(painted.with_name("oils-texture.png")) as picture:
        assert picture.size == (96, 64)


def test_sides_that_are_rounded_are_told_in_a_warning(painted: Path, server: Server) -> None:
    out = painted.with_name("out.webp")
    ended = run(
        painted, painted, "--size", "70x48", "--seamless", "both", "--steps", 2, "-o", out, "--server", server.address
    )
    assert ended.returncode == 0, ended.stderr
    assert "seamless: the result has 64 x 48 pixels instead of 70 x 48" in ended.stderr
    with Image.open(out) as picture:
        assert (picture.format, picture.size) == ("WEBP", (64, 48))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--size", "1024"], "size: must be WIDTHxHEIGHT in pixels, such as 1024x512; got '1024'"),
        (["--start", "content"], "start: must be style or noise; a texture has no photo"),
        (["--depth", "16", "-o", "out.jpg"], "depth: 16 needs a file that can hold it"),
        (["--timeout", "9", "--open"], "timeout: has no effect with --open"),
        (["--keep", "none.png"], "keep: has no effect on a texture, which has no photo"),
        (["--blend", "1,2"], "blend: must be a number for each painting, 1, with commas between them; got 2"),
        (["--strength", "0.3"], "strength: has no effect on a texture, which has no photo"),
        (["-o", "out.xyz"], "output: the ending .xyz is not supported"),
        (["none.jpg"], "style: cannot read none.jpg"),
    ],
)
def test_wrong_use_is_one_line_that_names_the_option(painted: Path, arguments: list[str], says: str) -> None:
    ended = run(painted, *arguments)
    assert ended.returncode == 2
    assert ended.stderr.startswith("tfstyle: ")
    assert ended.stderr.count("\n") == 1
    assert says in ended.stderr
    assert sorted(path.name for path in painted.parent.iterdir()) == ["oils.jpg"]


def test_without_a_name_a_file_for_the_result_is_asked_for() -> None:
    ended = run("-")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "output: is needed when the style is standard input" in ended.stderr


def test_help_hides_what_belongs_to_a_photo() -> None:
    command = [sys.executable, "-m", "tfstyle_client", "texture", "--help"]
    text = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "500"}
    ).stdout
    assert {"--strength", "--keep", "--colour", "--content-weight"}.isdisjoint(text.split())
    assert {"--style-weight", "--region", "--mask", "--colour-space"} <= set(text.split())
