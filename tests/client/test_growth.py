"""`--gif`: previews of all scales as one animation, with the result at its end."""

from __future__ import annotations

import io
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from conftest import Server, png
from tfstyle_client.cli import run as run_here
from tfstyle_client.events import Losses, Progress
from tfstyle_client.growth import FRAME_MILLISECONDS, HELD_MILLISECONDS, MOST_FRAMES, Growth

TFSTYLE = [sys.executable, "-m", "tfstyle_client"]
NO_LOSSES = Losses(0.0, {}, {}, {})


@pytest.fixture
def files(tmp_path: Path, landscape: bytes, painting: bytes) -> Path:
    (tmp_path / "photo.jpg").write_bytes(landscape)
    (tmp_path / "painting.jpg").write_bytes(painting)
    return tmp_path


def report(evaluation: int, preview: bytes | None) -> Progress:
    return Progress(evaluation, 10_000, NO_LOSSES, 0.0, None, preview, 1)


def plain(width: int, height: int, *colour: int) -> bytes:
    return png(np.full((height, width, len(colour)), colour, np.uint8))


def frames_of(data: bytes) -> list[tuple[Image.Image, int]]:
    """(picture, milliseconds) of every frame."""
    with Image.open(io.BytesIO(data)) as animation:
        return [(frame.convert("RGBA"), frame.info["duration"]) for frame in ImageSequence.Iterator(animation)]


@pytest.mark.parametrize("count", [1, MOST_FRAMES - 1, MOST_FRAMES, 1234, 9999])
def test_frames_are_few_and_evenly_spread(count: int) -> None:
    growth = Growth()
    for evaluation in range(1, count + 1):
        growth.add(report(2 * evaluation, b"a preview"))
        growth.add(report(2 * evaluation + 1, None))
    kept = growth.evaluations
    assert kept[0] == 2
    assert len(kept) < MOST_FRAMES
    assert len(kept) == count or len(kept) >= MOST_FRAMES / 2
    steps = {later - earlier for earlier, later in pairwise(kept)}
    assert len(steps) <= 1, "the same distance everywhere"
    assert 2 * count - kept[-1] < max(steps, default=2), "as far as the end"


def test_evaluations_that_are_reported_again_count_once() -> None:
    growth = Growth()
    for evaluation in (1, 2, 3, 2, 3, 4):
        growth.add(report(evaluation, b"a preview"))
    assert growth.evaluations == [1, 2, 3, 4]


@pytest.mark.parametrize("ending", [".gif", ".webp", ".png"])
def test_all_scales_have_the_size_of_the_result_which_is_held(ending: str) -> None:
    growth = Growth()
    colours = [(200, 30, 30), (30, 200, 30), (30, 30, 200)]
    for evaluation, (side, colour) in enumerate(zip((16, 31, 64), colours, strict=True), 1):
        growth.add(report(evaluation, plain(side, side * 3 // 4, *colour)))
    frames = frames_of(growth.drawn(plain(800, 600, 250, 240, 10), ending))
    assert [picture.size for picture, _ in frames] == [(512, 384)] * 4
    assert [duration for _, duration in frames] == [FRAME_MILLISECONDS] * 3 + [HELD_MILLISECONDS]
    for (picture, _), colour in zip(frames, [*colours, (250, 240, 10)], strict=True):
        assert np.abs(np.asarray(picture)[..., :3] - np.float64(colour)).max() <= 4


def test_transparency_stays_where_the_format_has_it() -> None:
    half = np.zeros((40, 40, 4), np.uint8)
    half[:, :20] = 255, 0, 0, 255
    growth = Growth()
    growth.add(report(1, png(half[::2, ::2])))
    for ending, right in ((".gif", (255, 255, 255, 255)), (".webp", (0, 0, 0, 0)), (".png", (0, 0, 0, 0))):
        last = frames_of(growth.drawn(png(half), ending))[-1][0]
        assert last.getpixel((38, 20))[3] == right[3]
        assert right[3] == 0 or last.getpixel((38, 20)) == right
        assert last.getpixel((5, 20))[3] == 255


def test_a_run_writes_it_beside_the_previews(files: Path, server: Server) -> None:
    words = ["stylize", "photo.jpg", "painting.jpg", "-o", "out.png", "--gif", "growth.gif", "--preview", "preview.png"]
    words += ["--size", "48", "--steps", "5", "--scales", "24:2", "--style-loss", "gram"]
    words += ["--server", server.address]
    ended = subprocess.run([*TFSTYLE, *words], cwd=files, capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout) == (0, "out.png\n"), ended.stderr
    assert ended.stderr.endswith("animation in growth.gif\n")
    frames = frames_of((files / "growth.gif").read_bytes())
    assert 5 <= len(frames) <= 6, "the last preview may be the result"
    assert {picture.size for picture, _ in frames} == {(48, 32)}
    with Image.open(files / "out.png") as result:
        distance = np.abs(np.asarray(result.convert("RGB"), float) - np.asarray(frames[-1][0])[..., :3])
    assert distance.mean() < 6, "the last frame is the result, in 256 colours"
    assert (files / "preview.png").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["growth.webp", "growth.png"])
def test_the_demo_writes_it_too(files: Path, name: str) -> None:
    ended = subprocess.run(
        [*TFSTYLE, "demo", "-o", "demo.png", "--size", "64", "--gif", name], cwd=files, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    frames = frames_of((files / name).read_bytes())
    assert 30 <= len(frames) <= 41
    assert frames[-1][1] >= HELD_MILLISECONDS


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("demo --gif growth.mp4", "gif: the ending .mp4 is not supported; use one of .gif, .webp, .png"),
        ("demo --gif growth", "gif: a name without an ending is not supported"),
        ("demo --gif no/folder/growth.gif", "gif: there is no folder"),
        ("demo -o a.png --gif a.png", "gif: a.png is the file of output; name another one"),
        ("stylize photo.jpg painting.jpg --gif a.mp4", "gif: the ending .mp4 is not supported"),
        ("stylize photo.jpg painting.jpg --gif a.png --preview a.png", "gif: a.png is the file of preview"),
        ("stylize photo.jpg painting.jpg --gif a.png --plot a.png", "gif: a.png is the file of plot"),
        ("stylize photo.jpg painting.jpg --gif a.gif --detach --server h:1", "gif: has no effect with --detach"),
        ("stylize photo.jpg painting.jpg --gif a.gif --preview-every 0", "preview-every: must be 1 to 10000; got 0"),
    ],
)
def test_what_cannot_be_written_is_refused_before_any_work(
    files: Path, words: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(files)
    monkeypatch.setenv("GRPC_VERBOSITY", "NONE")
    assert run_here(words.split()) == 2
    output, errors = capsys.readouterr()
    assert (output, errors.count("\n")) == ("", 1)
    assert errors.startswith(f"tfstyle: {says}"), errors
    assert sorted(path.name for path in files.iterdir()) == ["painting.jpg", "photo.jpg"]
