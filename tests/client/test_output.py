"""Where results go: formats by the ending, standard streams, names, and what happens when a write fails."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import Server, png
from tfstyle.options import TransferOptions
from tfstyle_client.cli.estimate import lines as estimate_lines
from tfstyle_client.display import display
from tfstyle_client.errors import BadRequestError
from tfstyle_client.events import Device, Started
from tfstyle_client.output import Output, default_output
from tfstyle_client.picture_formats import convert, longer_side

TFSTYLE = [sys.executable, "-m", "tfstyle_client"]
RAMPS = np.stack([np.linspace(0, 200, 20)[:, None] + np.linspace(0, 40, 30) * band for band in range(3)], -1) / 2
PIXELS = (RAMPS + np.random.default_rng(0).integers(0, 10, RAMPS.shape)).astype(np.uint8)
OPAQUE = png(PIXELS)
CLEAR_CORNER = np.dstack([PIXELS, np.full((20, 30), 255, np.uint8)])
CLEAR_CORNER[:10, :10, 3] = 0
TRANSPARENT = png(CLEAR_CORNER)


@pytest.fixture
def files(tmp_path: Path, landscape: bytes, painting: bytes) -> Path:
    (tmp_path / "photo.jpg").write_bytes(landscape)
    (tmp_path / "painting.jpg").write_bytes(painting)
    return tmp_path


def run(*arguments: object, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    ended = subprocess.run(
        [*TFSTYLE, *map(str, arguments)],
        input=stdin, capture_output=True, timeout=120, env={**os.environ, **environment},
    )  # fmt: skip
    assert b"Traceback" not in ended.stderr, ended.stderr
    return ended


def small(server: Server) -> tuple[object, ...]:
    return "--server", server.address, "--size", 48, "--steps", 2


def opened(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        picture.load()
        return picture


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.jpg", "JPEG"),
        ("a.JPEG", "JPEG"),
        ("a.webp", "WEBP"),
        ("a.avif", "AVIF"),
        ("a.tif", "TIFF"),
        ("a.tiff", "TIFF"),
        ("a.png", "PNG"),
    ],
)
def test_file_has_the_format_of_its_ending(tmp_path: Path, name: str, kind: str) -> None:
    output = Output(tmp_path / name)
    output.check()
    assert output.write(OPAQUE) == tmp_path / name
    picture = opened(tmp_path / name)
    assert (picture.format, picture.size) == (kind, (30, 20))
    difference = np.abs(np.asarray(picture.convert("RGB"), int) - PIXELS)
    assert difference.mean() < (8 if kind in ("JPEG", "WEBP", "AVIF") else 1e-9)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_png_is_passed_through_byte_by_byte(tmp_path: Path) -> None:
    Output(tmp_path / "a.png").write(TRANSPARENT)
    assert (tmp_path / "a.png").read_bytes() == TRANSPARENT


def test_quality_decides_how_large_a_jpeg_is(tmp_path: Path) -> None:
    sizes = [len(convert(OPAQUE, ".jpg", quality)) for quality in (20, 92, 100)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[1] < sizes[2]
    assert len(convert(OPAQUE, ".jpg")) == sizes[1], "92 is the default"
    assert len(convert(OPAQUE, ".webp", 20)) < len(convert(OPAQUE, ".webp", 95))


@pytest.mark.parametrize("name", ["a.webp", "a.tif", "a.png"])
def test_transparency_is_kept(tmp_path: Path, name: str) -> None:
    output = Output(tmp_path / name)
    assert not output.loses_transparency(TRANSPARENT)
    output.write(TRANSPARENT)
    alpha = np.asarray(opened(tmp_path / name).convert("RGBA"))[..., 3]
    assert (alpha == CLEAR_CORNER[..., 3]).all()


def test_jpeg_shows_white_where_the_picture_is_transparent(tmp_path: Path) -> None:
    output = Output(tmp_path / "a.jpg", quality=100)
    assert output.loses_transparency(TRANSPARENT)
    assert not output.loses_transparency(OPAQUE)
    output.write(TRANSPARENT)
    pixels = np.asarray(opened(tmp_path / "a.jpg").convert("RGB"), int)
    assert pixels[:7, :7].min() > 240
    assert np.abs(pixels[12:, 12:] - PIXELS[12:, 12:]).mean() < 8


@pytest.mark.parametrize(
    ("name", "quality", "says"),
    [
        (
            "a.bmp",
            None,
            "output: the ending .bmp is not supported; use one of .png, .jpg, .jpeg, .webp, .avif, .tif, .tiff",
        ),
        ("a", None, "output: a name without an ending is not supported; use one of .png"),
        ("a.png", 90, "quality: applies to JPEG, WebP and AVIF only"),
        ("a.jpg", 0, "quality: must be 1 to 100; got 0"),
        ("a.jpg", 101, "quality: must be 1 to 100; got 101"),
        ("no/a.png", None, "output: there is no folder"),
        ("read-only.png", None, "is read-only"),
        ("folder.png", None, "is a folder; name a file"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, name: str, quality: int | None, says: str
) -> None:
    (tmp_path / "read-only.png").write_bytes(b"mine")
    (tmp_path / "read-only.png").chmod(0o444)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(BadRequestError) as caught:
        Output(tmp_path / name, quality).check()
    assert says in str(caught.value)


def test_command_refuses_an_ending_before_it_reads_the_pictures(tmp_path: Path) -> None:
    ended = run("stylize", "no.jpg", "no.jpg", "-o", tmp_path / "a.gif")
    assert ended.returncode == 2
    assert ended.stderr.startswith(b"tfstyle: output: the ending .gif is not supported")
    ended = run("result", "jobs/1", "-o", tmp_path / "a.gif", "--server", "127.0.0.1:1")
    assert ended.stderr.startswith(b"tfstyle: output: the ending .gif is not supported")
    ended = run("stylize", "no.jpg", "no.jpg", "-o", tmp_path / "a.png", "--preview", tmp_path / "p.gif")
    assert ended.stderr.startswith(b"tfstyle: preview: the ending .gif is not supported")


def test_result_is_saved_beside_where_its_name_can_no_longer_be_written(tmp_path: Path) -> None:
    output = Output(tmp_path / "a.jpg")
    output.check()
    (tmp_path / "a.jpg").mkdir()
    with pytest.raises(BadRequestError, match=r"output: cannot write .*a\.jpg: .*; the picture is saved as ") as caught:
        output.write(OPAQUE)
    saved = Path(str(caught.value).rpartition("saved as ")[2])
    assert saved.parent == tmp_path
    assert saved.read_bytes() == OPAQUE


def test_result_is_saved_elsewhere_where_its_folder_has_gone(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    output = Output(tmp_path / "folder" / "a.png")
    output.check()
    (tmp_path / "folder").rmdir()
    with pytest.raises(BadRequestError, match="; the picture is saved as ") as caught:
        output.write(OPAQUE)
    saved = Path(str(caught.value).rpartition("saved as ")[2])
    assert saved.read_bytes() == OPAQUE
    saved.unlink()


def test_picture_that_the_format_cannot_hold_is_saved_as_png(tmp_path: Path) -> None:
    wide = png(np.zeros((1, 16384, 3), np.uint8))  # WebP ends at 16383 pixels
    with pytest.raises(BadRequestError, match="the picture is saved as ") as caught:
        Output(tmp_path / "a.webp").write(wide)
    assert Path(str(caught.value).rpartition("saved as ")[2]).read_bytes() == wide
    assert not (tmp_path / "a.webp").exists()


def test_default_name_never_overwrites(tmp_path: Path) -> None:
    content = tmp_path / "my.photo.jpeg"
    content.touch()
    names = []
    for number in range(3):
        output = default_output(content, Path("elsewhere/painting.jpg"))
        output.check()
        names.append(output.write(OPAQUE).name)
        (tmp_path / names[-1]).write_bytes(b"%d" % number)
    assert names == ["my.photo-painting.png", "my.photo-painting-2.png", "my.photo-painting-3.png"]
    assert [(tmp_path / name).read_bytes() for name in names] == [b"0", b"1", b"2"]


def test_default_name_passes_by_what_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "a-b.png").mkdir()
    output = default_output(tmp_path / "a.jpg", Path("b.jpg"))
    with pytest.raises(BadRequestError, match="is a folder"):
        Output(output.path).check()
    output.check()
    assert output.write(OPAQUE).name == "a-b-2.png"


def test_pipe_or_device_gets_the_picture_as_it_is(tmp_path: Path) -> None:
    Output(Path("/dev/null")).check()
    assert Output(Path("/dev/null")).write(OPAQUE) == Path("/dev/null")
    os.mkfifo(tmp_path / "pipe.jpg")
    with subprocess.Popen(["cat", tmp_path / "pipe.jpg"], stdout=subprocess.PIPE) as reader:
        output = Output(tmp_path / "pipe.jpg")
        output.check()
        output.write(OPAQUE)
        assert reader.communicate()[0].startswith(b"\xff\xd8"), "an ending decides the format of a pipe too"
    with pytest.raises(BadRequestError, match=r"preview: .* is not a file"):
        Output(tmp_path / "pipe.jpg", field="preview").check()


def test_longer_side() -> None:
    assert longer_side(OPAQUE) == 30
    assert longer_side(b"nothing") is None


def test_stylize_without_output_writes_beside_the_content(files: Path, server: Server) -> None:
    ended = run("stylize", files / "photo.jpg", files / "painting.jpg", *small(server))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.decode().strip() == str(files / "photo-painting.png")
    assert opened(files / "photo-painting.png").size == (48, 32)


def test_standard_streams_and_formats(files: Path, server: Server) -> None:
    ended = run(
        "stylize", "-", files / "painting.jpg", "-o", "-", *small(server), stdin=(files / "photo.jpg").read_bytes()
    )
    assert ended.returncode == 0, ended.stderr
    with Image.open(io.BytesIO(ended.stdout)) as picture:
        assert (picture.format, picture.size) == ("PNG", (48, 32))
    jpeg, preview = files / "out.jpg", files / "preview.webp"
    ended = run(
        "stylize", files / "photo.jpg", "/dev/stdin", "-o", jpeg, "--quality", 50, "--preview", preview,
        "--preview-every", 1, *small(server), stdin=(files / "painting.jpg").read_bytes(),
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert (opened(jpeg).format, opened(preview).format) == ("JPEG", "WEBP")
    assert sorted(path.name for path in files.iterdir()) == ["out.jpg", "painting.jpg", "photo.jpg", "preview.webp"]


def test_dev_stdout_is_standard_output(files: Path, server: Server) -> None:
    ended = run("stylize", files / "photo.jpg", files / "painting.jpg", "-o", "/dev/stdout", *small(server))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-", "-"], "style: cannot be standard input, because the content is"),
        (["-", "painting.jpg"], "output: is needed when the content is standard input"),
        (["a.jpg", "b.jpg", "-o", "-", "--json"], "output: cannot be standard output, which --json uses"),
        (["a.jpg", "b.jpg", "-o", "c.png", "--preview", "-"], "preview: must be a file"),
        (["--stepps", "b.jpg"], "'--stepps': there is no such option"),
        (["a.jpg", "b.jpg", "-o", "--json"], "output: needs the name of a file; got --json"),
    ],
)
def test_standard_streams_that_cannot_be_used(tmp_path: Path, arguments: list[str], says: str) -> None:
    ended = run("stylize", *arguments)
    assert ended.returncode == 2
    assert ended.stderr.decode().splitlines()[-1].startswith("tfstyle: " + says)


def test_closed_standard_output_is_refused_before_the_work(files: Path) -> None:
    command = " ".join([*TFSTYLE, "stylize", "photo.jpg", "painting.jpg", "-o", "-", ">&-"])
    ended = subprocess.run(command, shell=True, cwd=files, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr == "tfstyle: output: standard output is closed; name a file\n"


def test_full_standard_output_keeps_the_result(files: Path, server: Server) -> None:
    command = [*TFSTYLE, "stylize", files / "photo.jpg", files / "painting.jpg", "-o", "-", *small(server)]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run([str(word) for word in command], stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 2
    line = ended.stderr.splitlines()[-1]
    assert line.startswith("tfstyle: output: cannot write standard output: No space left on device; the picture is")
    saved = Path(line.rpartition("saved as ")[2])
    assert opened(saved).size == (48, 32)
    saved.unlink()


def test_broken_pipe_of_json_ends_quietly(files: Path, server: Server) -> None:
    command = [*TFSTYLE, "stylize", files / "photo.jpg", files / "painting.jpg", "--json", "--server", server.address]
    command += ["--size", 48, "--steps", 5000]
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert json.loads(process.stdout.readline())["event"] == "accepted"
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(30), errors) == (141, b"")


def test_preview_that_can_no_longer_be_written_does_not_cost_the_result(files: Path, server: Server) -> None:
    (files / "previews").mkdir()
    command = [*TFSTYLE, "stylize", files / "photo.jpg", files / "painting.jpg", "-o", files / "out.png", "--json"]
    command += ["--preview", files / "previews" / "p.png", "--preview-every", 1, "--server", server.address]
    command += ["--size", 64, "--steps", 60]
    process = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "progress":
            break
    while not (files / "previews" / "p.png").exists():
        assert process.poll() is None
    (files / "previews").rename(files / "moved")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert errors.count("\n") == 1
    assert "warning: preview: cannot write" in errors
    assert opened(files / "out.png").size == (64, 43)


def test_line_says_how_to_keep_the_contents_size(files: Path, server: Server) -> None:
    at = ("--server", server.address, "--steps", 1, "--preset", "fast")
    ended = run("stylize", files / "photo.jpg", files / "painting.jpg", *at)
    assert b"512 x 342 pixels (--size original keeps the content's 1024), 1 evaluation: " in ended.stderr
    ended = run("stylize", files / "photo.jpg", files / "painting.jpg", *at, "--size", 48)
    assert b"48 x 32 pixels, 1 evaluation: " in ended.stderr


@pytest.mark.parametrize(
    ("device", "line"),
    [
        (None, None),
        (Device("CPU avx2", False, False, True, ""), None),
        (Device("CPU avx2", False, False, True, "no GPU can be used"), "no GPU can be used"),
        (Device("NVIDIA H100", True, False, True, ""), "on NVIDIA H100"),
        (Device("NVIDIA H100", True, True, False, ""), "on NVIDIA H100, TF32, not repeatable"),
    ],
)
def test_a_gpu_is_named_and_a_processor_in_its_place_is_explained(
    device: Device | None, line: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = ("vgg19", "", "", "a network", 512, 400, 1, TransferOptions(), 1, 1.0, False, (), (), "bfloat16", "")
    started = Started(*plain, device)
    display(as_json=False, content_side=None).show(started)
    first, *lines = capsys.readouterr().err.splitlines()
    assert first == "a network"
    assert lines[:-1] == ([] if line is None else [line])
    told = [each for each in estimate_lines(started) if each.startswith(("device: ", "no GPU"))]
    assert told == ([] if line is None else [line.replace("on NVIDIA", "device: NVIDIA")])


@pytest.mark.parametrize("side", [513, 512, 100, None])
def test_line_says_so_only_where_the_content_is_larger(side: int | None, capsys: pytest.CaptureFixture[str]) -> None:
    started = Started(
        *("vgg19", "", "", "", 512, 400, 1, TransferOptions(), 1, 1.0, False, ("it is odd", "so is\nthis"), ()),
        *("float32", "precision float32: it is an old machine"),
    )
    display(as_json=False, content_side=side).show(started)
    lines = capsys.readouterr().err.splitlines()
    assert lines[1] == "precision float32: it is an old machine"
    assert ("(--size original keeps the content's 513)" in lines[2]) == (side == 513)
    assert lines[3:] == ["warning: it is odd", "warning: so is this"]


@pytest.mark.slow
def test_private_server_takes_large_pictures_and_ignores_other_programs_settings(files: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (3400, 3400, 3), np.uint8)
    (files / "large.png").write_bytes(png(noise))
    assert (files / "large.png").stat().st_size > 33 * 2**20
    ended = run(
        "stylize", files / "large.png", files / "painting.jpg", "-o", files / "out.png", "--size", 48, "--steps", 1,
        "--network", "vgg19-lite", KERAS_BACKEND="torch", TFSTYLE_TOKENS="/no/such/file", TFSTYLE_QUEUE="-1",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert opened(files / "out.png").size == (48, 48)
