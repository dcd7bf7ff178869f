"""Several paintings, masks, regions and starts on the command line: real files, a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import Server, png
from tfstyle_client import Client, Style


@pytest.fixture
def files(tmp_path: Path, landscape: bytes, painting: bytes) -> Path:
    (tmp_path / "photo.jpg").write_bytes(landscape)
    (tmp_path / "a.jpg").write_bytes(painting)
    (tmp_path / "b.jpg").write_bytes(landscape)
    mask = np.zeros((40, 60, 3), np.uint8)
    mask[:, :30] = 255
    (tmp_path / "left.png").write_bytes(png(mask))
    return tmp_path


def stylize(files: Path, server: Server, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tfstyle_client", "stylize", "photo.jpg", *map(str, arguments)]
    small = ["--size", "60", "--steps", "3", "--coarsest-scale", "none", "-o", "out.png", "--server", server.address]
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run([*command, *small], capture_output=True, text=True, cwd=files, timeout=120, env=environment)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_several_paintings_regions_and_what_stays(files: Path, server: Server) -> None:
    (files / "white.png").write_bytes(png(np.full((40, 60, 3), 255, np.uint8)))
    ended = stylize(
        files, server, "a.jpg", "b.jpg", "--blend", "0.7,0.3", "--region", "left.png", "--keep", "white.png"
    )
    assert ended.returncode == 2
    assert "keep: leaves nothing of the content picture to paint" in ended.stderr
    right = 255 - pixels(files / "left.png")
    (files / "right.png").write_bytes(png(right.astype(np.uint8)))
    ended = stylize(files, server, "a.jpg", "b.jpg", "--region", "left.png", "--keep", "right.png", "--strength", "1")
    assert ended.returncode == 0, ended.stderr
    with Image.open(files / "photo.jpg") as photo:
        small = np.asarray(photo.resize((60, 40), Image.Resampling.BILINEAR)).astype(int)
    result = pixels(files / "out.png")
    assert np.abs(result[:, 32:] - small[:, 32:]).max() <= 1
    assert np.abs(result[:, :28] - small[:, :28]).mean() > 4


def test_a_run_can_start_from_a_result(files: Path, server: Server) -> None:
    first = stylize(files, server, "a.jpg", "--start", "noise", "--seed", 7)
    assert first.returncode == 0, first.stderr
    before = pixels(files / "out.png")
    (files / "before.png").write_bytes((files / "out.png").read_bytes())
    second = stylize(files, server, "a.jpg", "--start", "before.png")
    assert second.returncode == 0, second.stderr
    after = pixels(files / "out.png")
    with Image.open(files / "photo.jpg") as photo:
        small = np.asarray(photo.resize((60, 40), Image.Resampling.BILINEAR)).astype(int)
    assert 0 < np.abs(after - before).mean() < 0.5 * np.abs(after - small).mean()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["a.jpg", "--blend", "1,2"],
            "blend: must be a number for each painting, 1, with commas",
        ),
        (["a.jpg", "b.jpg", "--blend", "1,x"], "blend: must be numbers, such as 0.7,0.3; got '1,x'"),
        (["a.jpg", "b.jpg", "--blend", "0,0"], "styles: must not all have the weight 0"),
        (["a.jpg", "--region", "left.png", "left.png"], "region: must be at most one for each painting, 1; got 2"),
        (["a.jpg", "--keep", "photo.jpg"], "keep: is coloured; it must be grey"),
        (
            ["a.jpg", "--keep", "left.png", "--plot", "left.png"],
            "plot: left.png is a picture that the command reads",
        ),
        (["a.jpg", "--start", "nose"], "start: must be one of content, noise, style, or a file; got 'nose'"),
        (["a.jpg", "--keep", "none.png"], "keep: cannot read none.png: No such file or directory"),
        (["a.jpg", "--regions", "left.png"], "regions: needs the regions of a style picture in the same colours"),
        (["a.jpg"] * 9, "style: must be 1 to 8 paintings; got 9"),
        (["a.jpg", "--keep", "a.jpg"], "keep: is 800 x 600 pixels; it needs the aspect ratio of the content picture"),
        (["a.jpg", "--mask", "left.png"], "mask: is 60 x 40 pixels; it needs the aspect ratio of its picture"),
    ],
)
def test_errors_are_one_line_and_nothing_is_written(files: Path, server: Server, arguments, line: str) -> None:
    ended = stylize(files, server, *arguments)
    assert ended.returncode == 2
    assert line in ended.stderr
    assert len(ended.stderr.splitlines()) <= 2
    assert not (files / "out.png").exists()


def test_the_client_takes_regions_and_starts(server: Server, landscape: bytes, painting: bytes) -> None:
    with Client(server.address) as client:
        job = client.create(
            landscape,
            Style(painting),
            start_picture=landscape,
            keep=png(np.full((40, 60, 3), 255, np.uint8)),
            size=60,
            max_evaluations=1,
            preset="fast",
        )
        with pytest.raises(Exception, match=r"inputs\.keep: leaves nothing"):
            job.result()
