"""`tfstyle info RESULT` and `tfstyle redo RESULT`: real processes and files."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files as package_files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tfstyle
from conftest import Server, png
from tfstyle.images import decode, encode_png
from tfstyle.provenance_json import provenance_packet, read_provenance
from tfstyle_client import Client
from tfstyle_client.cli.app import run as run_here
from tfstyle_client.lettering.kept_words import kept_words
from tfstyle_client.picture_formats import FORMATS, convert

TFSTYLE = [sys.executable, "-m", "tfstyle_client"]


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [*TFSTYLE, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, **environment})


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as opened:
        return np.array(opened)


@pytest.fixture(scope="module")
def mask() -> bytes:
    half = np.zeros((60, 80), np.uint8)
    half[:, :50] = 255
    return png(half)


@pytest.fixture(scope="module")
def result(server: Server, landscape: bytes, painting: bytes, mask: bytes) -> bytes:
    """A result of two styles, one with a mask."""
    with Client(server.address) as client:
        styles = [tfstyle.Style(painting, 0.7, mask), tfstyle.Style(landscape, 0.3)]
        job = client.create(landscape, styles, preset="subtle", size=48, steps=4)
        return job.result().png


@pytest.fixture
def files(tmp_path: Path, result: bytes, landscape: bytes, painting: bytes, mask: bytes) -> Path:
    for name, data in (("result.png", result), ("a.jpg", landscape), ("b.jpg", painting), ("mask.png", mask)):
        (tmp_path / name).write_bytes(data)
    return tmp_path


def redo(files: Path, server: Server, *arguments: object) -> subprocess.CompletedProcess[str]:
    return run(
        "redo", files / "result.png", "--content", files / "a.jpg", "--style", files / "b.jpg", files / "a.jpg",
        "--picture", f"styles[0].mask={files / 'mask.png'}", "--server", server.address, *arguments,
    )  # fmt: skip


@pytest.mark.slow
def test_letters_are_repeated_from_paintings_and_font(
    tmp_path: Path, server: Server, painting: bytes, landscape: bytes
) -> None:
    serif = str(package_files("matplotlib").joinpath("mpl-data/fonts/ttf/DejaVuSerif-Bold.ttf"))
    (tmp_path / "a.jpg").write_bytes(landscape)
    (tmp_path / "b.jpg").write_bytes(painting)
    small = ["--size", "96", "--steps", "2", "--coarsest-scale", "none", "--server", server.address]
    shape = ["--font", serif, "--reach", "0.2", "--background", "#204060"]
    for paintings, shaped, font in (
        (["b.jpg"], shape, ["--picture", f"font={serif}"]),
        (["b.jpg", "a.jpg"], [], []),
    ):
        files = [tmp_path / name for name in paintings]
        first, second = tmp_path / "first.png", tmp_path / "second.png"
        ended = run("letter", "Oak\\nleaf", *files, "-o", first, *shaped, *small)
        assert ended.returncode == 0, ended.stderr
        again = ["redo", first, "-o", second, "--server", server.address]
        ended = run(*again, "--style", *files, *font)
        assert ended.returncode == 0, ended.stderr
        assert "warning" not in ended.stderr
        np.testing.assert_array_equal(pixels(first), pixels(second))
        assert kept_words(first.read_bytes()) == kept_words(second.read_bytes())
        for wrong, line in (
            ([], "style: "),
            (["--style", *files, *([] if font else ["--picture", f"font={serif}"])], "font: "),
        ):
            ended = run(*again, *wrong)
            assert ended.returncode == 2
            assert ended.stderr.startswith(f"tfstyle: {line}")
            assert ended.stderr.count("\n") == 1
        ended = run(*again, "--style", *files, *font, "--size", "64")
        assert ended.returncode == 0, ended.stderr
        assert max(pixels(second).shape[:2]) == 64


def test_a_texture_is_repeated_without_a_photo(tmp_path: Path, server: Server, painting: bytes) -> None:
    (tmp_path / "b.jpg").write_bytes(painting)
    small = ["--steps", "2", "--coarsest-scale", "none", "--server", server.address]
    first = run("texture", tmp_path / "b.jpg", "--size", "64x48", "-o", tmp_path / "first.png", *small)
    assert first.returncode == 0, first.stderr
    again = ["--style", tmp_path / "b.jpg", "--server", server.address, "-o", tmp_path / "second.png"]
    second = run("redo", tmp_path / "first.png", *again)
    assert second.returncode == 0, second.stderr
    assert "warning" not in second.stderr
    np.testing.assert_array_equal(pixels(tmp_path / "first.png"), pixels(tmp_path / "second.png"))


def test_redo_repeats_the_result_to_the_bit(files: Path, server: Server) -> None:
    ended = redo(files, server)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"{files / 'result-2.png'}\n"
    assert "warning" not in ended.stderr
    assert np.array_equal(pixels(files / "result.png"), pixels(files / "result-2.png"))
    first, second = (read_provenance((files / name).read_bytes()) for name in ("result.png", "result-2.png"))
    forced = {"network": "vgg19-lite", "precision": first.precision, "style_loss": "neighbours"}
    assert second == replace(first, options={**first.options, **forced})


def test_changes_are_made_to_what_the_result_had(files: Path, server: Server) -> None:
    ended = redo(files, server, "--size", 64, "--strength", "0.5", "-o", files / "out.jpg", "--no-metadata", "--json")
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    (started,) = (event for event in map(json.loads, ended.stdout.splitlines()) if event["event"] == "started")
    before = read_provenance((files / "result.png").read_bytes())
    changed = {"size": 64, "content_weight": 1.0, "style_weight": 2.0, "coarsest_scale": 128, "metadata": "none"}
    asked = {**dataclasses.asdict(before.transfer_options()), **changed}
    assert started["options"] == json.loads(json.dumps(asked))
    assert pixels(files / "out.jpg").shape == (43, 64, 3)
    data = (files / "out.jpg").read_bytes()
    assert b"tfstyle" not in data
    assert b"Exif" not in data
    assert b"xap" not in data


def test_another_picture_and_another_release_are_told(files: Path, server: Server) -> None:
    made = replace(read_provenance((files / "result.png").read_bytes()), device="CPU mmx")
    picture = decode((files / "result.png").read_bytes(), "content")
    (files / "result.png").write_bytes(encode_png(picture, None, provenance_packet(made)))
    exact = redo(files, server, "-o", files / "1.png")
    assert "warning: device: CPU" in exact.stderr
    assert f"in place of CPU mmx: the picture may not be that of {files / 'result.png'}\n" in exact.stderr
    (files / "mask.png").write_bytes(png(np.full((60, 80), 255, np.uint8)))
    other = redo(files, server, "-o", files / "2.png")
    assert [line for line in other.stderr.splitlines() if "warning" in line] == [
        f"tfstyle: warning: styles[0].mask: is not the file that {files / 'result.png'} was made from"
    ]
    assert exact.returncode == other.returncode == 0


def test_other_weights_are_refused_by_name(files: Path, server: Server) -> None:
    made = replace(read_provenance((files / "result.png").read_bytes()), networks={"vgg19-lite": "ab" * 32})
    picture = decode((files / "result.png").read_bytes(), "content")
    (files / "result.png").write_bytes(encode_png(picture, None, provenance_packet(made)))
    ended = redo(files, server)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith(
        f"tfstyle: network: {files / 'result.png'} was made with vgg19-lite abababababab, and here is vgg19-lite 8eb"
    )
    assert not (files / "result-2.png").exists()


GIVEN = ["--content", "a.jpg", "--style", "b.jpg", "a.jpg", "--picture", "styles[0].mask=mask.png"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "content: is missing; result.png was made with it; give --content FILE; styles[0]: is missing;"),
        (
            ["--content", "a.jpg", "--style", "b.jpg", "a.jpg"],
            "styles[0].mask: is missing; result.png was made with it; give --picture styles[0].mask=FILE",
        ),
        (
            [*GIVEN, "--style", "a.jpg"],
            "styles[2]: is one too many; result.png was made without it",
        ),
        (["--picture", "mask.png"], "picture: must be NAME=FILE, such as style.mask=mask.png; got mask.png"),
        (["--content", "a.jpg", "--picture", "content=b.jpg"], "picture: names content a second time"),
        ([*GIVEN, "--size", "9"], "size: must be 16 to 8192, or original; got 9"),
        (
            [*GIVEN, "--style-loss", "gram", "--split-evaluations", "1"],
            "split-evaluations: needs style-loss neighbours or auto",
        ),
        (["--preset", "fast"], "'--preset': belongs to tfstyle stylize"),
        (["--no-metadata", "--metadata", "full"], "no-metadata: cannot be combined with --metadata full"),
    ],
)
def test_what_cannot_be_repeated_is_one_line(
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(files)
    monkeypatch.setenv("GRPC_VERBOSITY", "NONE")
    assert run_here(["redo", "result.png", *arguments, "--server", "127.0.0.1:9"]) == 2
    told = capsys.readouterr()
    assert told.err.startswith(f"tfstyle: {says}")
    assert told.err.count("\n") == 1
    assert told.out == ""
    assert not Path("result-2.png").exists()


def test_info_shows_how_a_result_was_made(files: Path) -> None:
    ended = run("info", files / "result.png")
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert lines[0].startswith(f"tfstyle {tfstyle.__version__}, TensorFlow 2.")
    digest = {name: hashlib.sha256((files / name).read_bytes()).hexdigest() for name in ("a.jpg", "b.jpg", "mask.png")}
    assert lines[2:6] == [
        f"picture content  1024 x 683  sha256 {digest['a.jpg']}",
        f"picture styles[0]  800 x 600  sha256 {digest['b.jpg']}  weight 0.7",
        f"picture styles[0].mask  80 x 60  sha256 {digest['mask.png']}",
        f"picture styles[1]  1024 x 683  sha256 {digest['a.jpg']}  weight 0.3",
    ]
    assert lines[6:8] == [
        "48 x 32 pixels: 4 evaluations on vgg19-lite, style loss neighbours",
        "preset subtle, strength 0.2",
    ]
    assert [line.split()[:2] for line in lines[8:] if line.endswith("  (changed)")] == [
        ["size", "48"],
        ["max_evaluations", "4"],
    ]
    assert "  coarsest_scale 146" in lines


@pytest.mark.parametrize("ending", FORMATS)
def test_the_record_is_in_files_of_every_format(result: bytes, ending: str) -> None:
    assert read_provenance(convert(result, ending)) == read_provenance(result)


def test_info_as_json(files: Path, result: bytes) -> None:
    (files / "result.webp").write_bytes(convert(result, ".webp"))
    ended = run("info", files / "result.webp", "--json")
    shown = json.loads(ended.stdout)
    assert shown.pop("event") == "provenance"
    assert shown == json.loads(json.dumps(dataclasses.asdict(read_provenance(result))))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a.jpg", "result: carries no record of how it was made; tfstyle writes one unless metadata is none"),
        ("none.png", "result: cannot read"),
    ],
)
def test_a_file_without_a_record_is_one_line(files: Path, name: str, says: str) -> None:
    ended = run("info", files / name)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"tfstyle: {says}")
    assert ended.stderr.count("\n") == 1
