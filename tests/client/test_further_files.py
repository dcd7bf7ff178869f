"""Masks, regions and starts for `estimate`, `compare` and `batch`: real commands against a real server."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import Server, png
from tfstyle import read_provenance
from tfstyle.provenance import Provenance
from tfstyle_client import Client, Style
from tfstyle_client.cli import run as run_here
from tfstyle_client.picture_formats import flat_colours

SMALL = ("--size", "48", "--steps", "3", "--style-loss", "gram")


def halves(width: int, height: int, *colours: tuple[int, int, int]) -> bytes:
    """Columns of flat colours."""
    pixels = np.zeros((height, width, 3), np.uint8)
    for index, colour in enumerate(colours):
        pixels[:, width * index // len(colours) :] = colour
    return png(pixels)


LEFT = halves(96, 64, (255, 255, 255), (0, 0, 0))
COLOURS = halves(96, 64, (255, 0, 0), (0, 255, 0), (0, 0, 255))


@pytest.fixture
def files(tmp_path: Path, landscape: bytes, painting: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "photos").mkdir()
    (tmp_path / "masks").mkdir()
    for name in ("a", "b"):
        (tmp_path / "photos" / f"{name}.jpg").write_bytes(landscape)
        (tmp_path / "masks" / f"{name}.png").write_bytes(LEFT)
    (tmp_path / "photo.jpg").write_bytes(landscape)
    (tmp_path / "oil.jpg").write_bytes(painting)
    (tmp_path / "ink.jpg").write_bytes(painting + b"ink")
    (tmp_path / "left.png").write_bytes(LEFT)
    (tmp_path / "square.png").write_bytes(halves(64, 64, (0, 0, 0), (255, 255, 255)))
    (tmp_path / "colours.png").write_bytes(COLOURS)
    (tmp_path / "thirds.png").write_bytes(halves(96, 72, (255, 0, 0), (0, 255, 0), (0, 0, 255)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRPC_VERBOSITY", "NONE")
    return tmp_path


def made_from(path: Path) -> dict[str, tuple[int, int]]:
    """{name: size} of the pictures that a result says it was made from."""
    made = read_provenance(path.read_bytes())
    assert isinstance(made, Provenance)
    return {source.name: (source.width, source.height) for source in made.pictures}


def test_an_estimate_counts_regions_masks_and_colours(
    files: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    size = ("--size", "512", "--style-loss", "wasserstein", "--server", server.address, "--json")

    def asked(*words: str) -> dict[str, object]:
        assert run_here(["estimate", "photo.jpg", *words, *size]) == 0
        return dict(json.loads(capsys.readouterr().out))

    plain = asked("oil.jpg", "ink.jpg")
    masked = asked("oil.jpg", "ink.jpg", "--region", "left.png")
    coloured = asked("oil.jpg", "--regions", "colours.png", "--style-regions", "thirds.png")
    with Client(server.address) as client:
        options = {"size": 512, "style_loss": "wasserstein"}
        styles = Style((800, 600), region=(96, 64)), Style((800, 600))
        said = client.estimate((1024, 683), styles, **options)
        three = client.estimate(
            (1024, 683), [Style((800, 600), regions=(96, 72))], regions=(96, 64), region_colours=3, **options
        )
        unknown = client.estimate((1024, 683), [Style((800, 600), regions=(96, 72))], regions=(96, 64), **options)
    assert masked["memory"] == said.memory > plain["memory"]  # type: ignore[operator]
    assert masked["expected"] > plain["expected"]  # type: ignore[operator]
    assert three.memory > said.memory == unknown.memory, "a region more"
    assert coloured["memory"] == three.memory


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--keep square.png", "keep: is 64 x 64 pixels; it needs the aspect ratio of the content picture, 1024 x 683"),
        ("--mask left.png", "mask: is 96 x 64 pixels; it needs the aspect ratio of its picture, 800 x 600"),
        ("--region left.png square.png", "region: must be at most one for each painting, 1; got 2"),
        ("--regions colours.png", "regions: needs the regions of a style picture in the same colours"),
        ("--keep none.png", "keep: cannot read none.png"),
        ("--start square.png", "start: is 64 x 64 pixels; it needs the aspect ratio of the content picture"),
        ("--start none.png", "start: must be one of content, noise, style, or a file; got 'none.png'"),
    ],
)
def test_an_estimate_refuses_what_the_run_would(
    files: Path, server: Server, words: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server.worker_pid()  # before, the command says what it waits for
    assert run_here(["estimate", "photo.jpg", "oil.jpg", *words.split(), "--server", server.address]) == 2
    output, errors = capsys.readouterr()
    assert (output, errors.count("\n")) == ("", 1)
    assert says in errors


def test_each_photo_of_a_batch_has_its_mask(files: Path, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["photos/*.jpg", "--style", "oil.jpg", "-o", "out", "--server", server.address, *SMALL]
    assert run_here(["batch", *words, "--keep", "masks/{content}.png", "--dry-run"]) == 0
    assert "2 of 2 pictures to make" in capsys.readouterr().out
    assert run_here(["batch", *words, "--keep", "masks/{content}.png", "--start", "photos/{content}.jpg"]) == 0
    for name in ("a", "b"):
        assert made_from(files / "out" / f"{name}-oil.png") == {
            "content": (1024, 683), "style": (800, 600), "keep": (96, 64), "start_picture": (1024, 683),
        }  # fmt: skip
    capsys.readouterr()
    # A mask that has changed makes another picture.
    (files / "masks" / "b.png").write_bytes(halves(96, 64, (0, 0, 0), (255, 255, 255)))
    again = ["--keep", "masks/{content}.png", "--start", "photos/{content}.jpg", "--json"]
    assert run_here(["batch", *words, *again]) == 0
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    ends = {line["name"]: line["event"] for line in lines if line["event"] in ("made", "skipped")}
    assert ends == {"a-oil.png": "skipped", "b-oil.png": "made"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--keep masks/{style}.png", "keep: must be a file, in whose name {content} and {folder} may stand for the"),
        ("--keep masks/{content}.jpg", "keep: there is no file 'masks/a.jpg' for photos/a.jpg"),
        ("--mask left.png left.png", "mask: must be at most one for each painting, 1; got 2"),
        ("--start {content}.png", "start: there is no file 'a.png' for photos/a.jpg"),
        ("--blend 1,2", "'--blend': "),
    ],
)
def test_a_batch_refuses_in_one_line(files: Path, words: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(files.rglob("*"))
    assert run_here(["batch", "photos/*.jpg", "--style", "oil.jpg", "-o", "out", *words.split()]) == 2
    output, errors = capsys.readouterr()
    assert (output, errors.count("\n")) == ("", 1)
    assert errors.startswith("tfstyle: ")
    assert says in errors
    assert sorted(files.rglob("*")) == before


def test_every_cell_of_a_comparison_has_the_masks_of_its_painting(files: Path, server: Server) -> None:
    (files / "half.png").write_bytes(halves(80, 60, (255, 255, 255), (0, 0, 0)))
    words = ["photo.jpg", "oil.jpg", "ink.jpg", "-o", "sheet.png", "--keep-cells", "--server", server.address, *SMALL]
    assert run_here(["compare", *words, "--mask", "half.png", "--keep", "left.png", "--start", "photo.jpg"]) == 0
    every = {"content": (1024, 683), "style": (800, 600), "keep": (96, 64), "start_picture": (1024, 683)}
    assert made_from(files / "sheet.cells" / "oil.png") == {**every, "style.mask": (80, 60)}
    assert made_from(files / "sheet.cells" / "ink.png") == every


def test_colours_of_a_map_are_counted_without_its_edges() -> None:
    assert flat_colours(COLOURS) == 3
    soft = Image.open(io.BytesIO(COLOURS)).resize((960, 640), Image.Resampling.NEAREST)
    soft.putpixel((0, 0), (9, 9, 9))
    buffer = io.BytesIO()
    soft.save(buffer, "PNG")
    assert flat_colours(buffer.getvalue()) == 3
    assert flat_colours(b"no picture") == 0
