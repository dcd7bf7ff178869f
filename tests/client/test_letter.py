"""`tfstyle letter`: real runs on a real server, and errors in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import Server
from tfstyle_client.cli import run
from tfstyle_client.lettering import Lettering, Typeface, draw

SERIF = str(files("matplotlib").joinpath("mpl-data/fonts/ttf/DejaVuSerif-Bold.ttf"))

SIZE = 144


def drawn(text: str, reach: float) -> Lettering:
    return draw(text, Typeface(Path(SERIF).read_bytes()), size=SIZE, reach=reach)


def levels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture).astype(float) / 255


def agreement(marks: np.ndarray, text: str, reach: float) -> float:
    """The correlation of a picture's marks with a word's letters, whose sheet may have another height."""
    ink = drawn(text, reach).ink
    return float(np.corrcoef(marks.ravel(), levels(ink.resize(marks.shape[::-1])).ravel())[0, 1])


@pytest.fixture
def styles(tmp_path: Path, landscape: bytes, painting: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "painting.jpg").write_bytes(painting)
    (tmp_path / "other.jpg").write_bytes(landscape)
    return tmp_path


def letter(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tfstyle_client", "letter", *arguments, "--font", SERIF]
    command += ["--size", str(SIZE), "--coarsest-scale", "none", "--server", server.address]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_letters_grow_within_their_reach_and_are_the_right_ones(styles: Path, server: Server) -> None:
    ended = letter(server, "Oak", "painting.jpg", "-o", "out.png", "--json", "--steps", "25")
    assert ended.returncode == 0, ended.stderr
    (said,) = [event for line in ended.stdout.splitlines() if (event := json.loads(line))["event"] == "legibility"]
    lettering = drawn("Oak", 0.12)
    with Image.open("out.png") as picture:
        assert picture.mode == "RGBA"
        assert picture.size == lettering.size
        assert "vgg19-lite" in picture.text["Comment"]
        pixels = levels(picture)
    alpha, ink, around = pixels[..., 3], levels(lettering.ink), levels(lettering.around)
    assert alpha[around == 0].max() == 0
    assert alpha[ink == 1].min() == 1
    grown = alpha[(ink == 0) & (around > 0)]
    assert 0.02 < grown.mean() < 0.6, "something grows out of the letters, and does not fill their reach"
    assert (alpha * around).sum() / alpha.sum() > 0.98
    assert said["within_reach"] == pytest.approx((alpha * around).sum() / alpha.sum(), abs=1e-6)
    assert said["on_letters"] == pytest.approx((alpha * ink).sum() / alpha.sum(), abs=1e-6)
    assert said["on_letters"] > 0.4
    right = agreement(alpha, "Oak", 0.12)
    assert said["correlation"] == pytest.approx(right, abs=1e-6)
    assert right > 0.7
    assert right > agreement(alpha, "Elm", 0.12) + 0.2
    assert pixels[ink == 1][:, :3].std(0).max() > 0.1, "they are painted"


@pytest.mark.slow
def test_letters_on_a_painting_and_on_a_colour(styles: Path, server: Server) -> None:
    on_a_painting = letter(server, "Oak", "painting.jpg", "other.jpg", "-o", "both.png", "--steps", "15")
    assert on_a_painting.returncode == 0, on_a_painting.stderr
    assert "paint: " in on_a_painting.stderr
    with Image.open("both.png") as picture:
        assert picture.mode == "RGB"
        pixels = levels(picture)
    beyond = levels(drawn("Oak", 0.04).around) == 0
    assert pixels[beyond].std(0).max() > 0.05
    difference = np.abs(pixels - pixels[beyond].mean(0)).max(2)
    right = agreement(difference, "Oak", 0.04)
    assert right > 0.4
    assert right > agreement(difference, "Elm", 0.04) + 0.1
    on_a_colour = letter(server, "Oak", "painting.jpg", "-o", "on.png", "--steps", "2", "--background", "#ffcc00")
    assert on_a_colour.returncode == 0, on_a_colour.stderr
    with Image.open("on.png") as picture:
        assert picture.mode == "RGB"
        found = np.asarray(picture)
    assert {tuple(colour) for colour in found[levels(drawn("Oak", 0.12).around) == 0].tolist()} == {(255, 204, 0)}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["", "painting.jpg"], "text: is empty"),
        (
            ["Äö", "painting.jpg"],
            "text: has characters that the font lacks: Ä (U+00C4) ö (U+00F6); choose another font",
        ),
        (["a", "painting.jpg", "--font", "painting.jpg"], "font: is not a TrueType or OpenType font that can be read"),
        (["a", "painting.jpg", "--font", "none.ttf"], "font: cannot read none.ttf: No such file or directory"),
        (["a", "none.jpg"], "style: cannot read none.jpg: No such file or directory"),
        (["a", "painting.jpg", "none.jpg"], "style2: cannot read none.jpg: No such file or directory"),
        (["a", "painting.jpg", "--reach", "2"], "reach: must be 0 to 0.5; got 2"),
        (["a", "painting.jpg", "--background", "skyish"], "background: must be transparent, or a colour such as"),
        (["a", "painting.jpg", "other.jpg", "--background", "red"], "background: cannot be combined with a second"),
        (["a", "painting.jpg", "--reech", "0.2"], "'--reech': there is no such option; did you mean --reach?"),
        (["a", "painting.jpg", "--tracking", "2"], "tracking: must be 0 to 1; got 2"),
        (["a", "painting.jpg", "--depth", "16"], "depth: must be 8 for letters without a painted ground; got 16"),
        (["a", "painting.jpg", "--start", "other.jpg"], "start: cannot be a file here; give one of"),
        (["a", "painting.jpg", "--size", "original"], "size: must be 64 to 8192 for letters"),
        (["one word and another", "painting.jpg", "--size", "100"], "text: is too long for a picture of 100 pixels"),
        # The strength that suits letters gives way to weights, and to absolute losses, which would contradict it.
        (["a", "painting.jpg", "--style-weight", "3", "-o", "out.gif"], "output: the ending .gif is not supported"),
        (["a", "painting.jpg", "--preset", "reference", "-o", "out.gif"], "output: the ending .gif is not supported"),
        (["a", "painting.jpg", "-o", "out.gif"], "output: the ending .gif is not supported"),
    ],
)
def test_errors_are_one_line_and_nothing_is_written(
    styles: Path, arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["letter", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"tfstyle: {line}")
    assert said.count("\n") == 1
    assert sorted(path.name for path in styles.iterdir()) == ["other.jpg", "painting.jpg"]
