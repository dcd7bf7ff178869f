"""The command line as a person or a script meets it: real processes, files, signals and exit codes."""

from __future__ import annotations

import importlib.metadata
import json
import os
import pty
import re
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest
from commands import (
    TFSTYLE,
    run,
    stylize,
    two_pictures,  # noqa: F401 - a fixture
)
from PIL import Image

from conftest import Server, png
from tfstyle_client.cli.app import plain_fields


def test_stylize_writes_the_picture_and_says_how_it_went(files: Path, server: Server) -> None:
    ended = stylize(files, server, "--preview", files / "preview.png", "--preview-every", 2)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == str(files / "out.png")
    assert "network vgg19-lite" in ended.stderr
    assert "48 x 32 pixels, 4 evaluations: " in ended.stderr
    assert re.search(r"4/4  [\d.]+ = content [\d.]+ \+ neighbours [\d.]+ \+ style [\d.]+ \+ tv", ended.stderr)
    with Image.open(files / "out.png") as picture:
        assert picture.size == (48, 32)
    with Image.open(files / "preview.png") as picture:
        assert picture.size == (48, 32)
    assert sorted(path.name for path in files.iterdir()) == ["out.png", "painting.jpg", "photo.jpg", "preview.png"]
    assert (files / "out.png").stat().st_mode & 0o777 == 0o666 & ~current_umask()


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_json_is_one_object_a_line(files: Path, server: Server) -> None:
    ended = stylize(files, server, "--json", "--strength", "strong")
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["accepted", "started", *["progress"] * 4, "result", "written"]
    assert lines[1]["options"]["style_weight"] == 3.56
    assert lines[1]["precision"] in ("float32", "bfloat16")
    assert lines[1]["stages"] == [{"network": "vgg19-lite", "width": 48, "height": 32, "evaluations": 4}]
    assert {line["stage"] for line in lines if line["event"] == "progress"} == {1}
    assert lines[-2]["png_bytes"] == (files / "out.png").stat().st_size
    assert lines[-1]["path"] == str(files / "out.png")
    assert ended.stderr == ""


@pytest.mark.slow
def test_scales_are_shown_as_they_come(files: Path, server: Server) -> None:
    ended = stylize(files, server, "--steps", "6", "--scales", "24:2,32:2")
    assert "48 x 32 pixels from 24 x 16" in ended.stderr
    assert [line for line in re.findall(r"(\d)/6  at (\d+ x \d+)  ", ended.stderr) if line[0] in "135"] == [
        ("1", "24 x 16"),
        ("3", "32 x 21"),
        ("5", "48 x 32"),
    ]


def test_layers_are_given_as_a_list(files: Path, server: Server) -> None:
    ended = stylize(files, server, "--json", "--style-layers", "block1_conv1, block2_conv2")
    started = json.loads(ended.stdout.splitlines()[1])
    assert started["options"]["style_layers"] == ["block1_conv1", "block2_conv2"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--steps", "0"], "tfstyle: max-evaluations: must be 1 to 10000; got 0"),
        (["--style-weight", "-1"], "tfstyle: style-weight: must be 0 to 1e9; got -1"),
        (["--content-weight", "nan"], "tfstyle: content-weight: must be a finite number; got nan"),
        (["--style-layers", "conv9"], "tfstyle: style-layers: there is no layer 'conv9'"),
        (
            ["--preset", "turbo"],
            "tfstyle: preset: must be one of default, fast, subtle, bold, detail, cascade, reference; got 'turbo'",
        ),
        (["--strength", "wild"], "tfstyle: strength: must be"),
        (["--strength", "1.2"], "tfstyle: strength: must be 0 to 1"),
        (
            ["--strength", "mild", "--style-weight", "5"],
            "tfstyle: strength: sets style-weight; give only one of the two",
        ),
        (["--strength", "0.5", "--preset", "reference"], "tfstyle: strength: needs relative losses"),
        (["--style-loss", "sliced"], "tfstyle: style-loss: must be one of auto, gram, moments, wasserstein"),
        (["--scales", "96"], "tfstyle: scales: must be auto, or SIZE:EVALUATIONS"),
        (["--scales", "40:1,30:1"], "tfstyle: scales: must go up from the smallest scale; got 30 after 40"),
        (["--scales", "40:0"], "tfstyle: scales: must have 1 to 10000 evaluations for each scale; got 40:0"),
        (["--scales", "64:2"], "tfstyle: scales: must be smaller than the result (48)"),
        (["--style-layer-weights", "1,2"], "tfstyle: style-layer-weights: must be as many as style-layers, 5; got 2"),
        (["--weights", "w.h5"], "tfstyle: weights: are for a private server"),
        (["--preview", "/no/such/folder/p.png"], "tfstyle: preview: there is no folder"),
        (["--preview", "p.png", "--preview-every", "-3"], "tfstyle: preview-every: must be 1 to 10000; got -3"),
    ],
)
def test_bad_options_are_one_line_and_exit_code_2(files: Path, server: Server, arguments: list[str], says: str) -> None:
    ended = stylize(files, server, *arguments)
    assert ended.returncode == 2
    assert ended.stderr.startswith(says)
    assert ended.stderr.count("\n") == 1
    assert not (files / "out.png").exists()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"not a picture", "is not a PNG, JPEG, WebP, AVIF, TIFF, BMP or GIF picture"),
        (b"", "is empty"),
        (png(np.zeros((40, 40, 3), np.uint8))[:60], "damaged"),
        (png(np.zeros((1, 1, 3), np.uint8)), "is 1 x 1 pixels"),
    ],
)
@pytest.mark.parametrize("which", ["photo", "painting"])
def test_bad_pictures_are_one_line_and_exit_code_2(
    files: Path, server: Server, which: str, data: bytes, says: str
) -> None:
    (files / f"{which}.jpg").write_bytes(data)
    (files / "out.png").write_bytes(b"what was here before")
    ended = stylize(files, server)
    assert ended.returncode == 2
    error = ended.stderr.splitlines()[-1]
    assert error.startswith(f"tfstyle: {'content' if which == 'photo' else 'style'}: ")
    assert says in error
    assert "Traceback" not in ended.stderr
    assert (files / "out.png").read_bytes() == b"what was here before"


def test_missing_picture_and_folder(files: Path, server: Server) -> None:
    ended = run(
        "stylize", files / "none.jpg", files / "painting.jpg", "-o", files / "out.png", "--server", server.address
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert f"content: cannot read {files / 'none.jpg'}" in ended.stderr
    ended = run(
        "stylize",
        files / "photo.jpg",
        files / "painting.jpg",
        "-o",
        files / "no" / "out.png",
        "--server",
        server.address,
    )
    assert ended.returncode == 2
    assert "output: there is no folder" in ended.stderr


def test_json_errors_are_json_too(files: Path, server: Server) -> None:
    ended = stylize(files, server, "--json", "--steps", 0)
    assert json.loads(ended.stdout) == {
        "event": "error", "code": "INVALID_ARGUMENT", "message": "max-evaluations: must be 1 to 10000; got 0",
    }  # fmt: skip


def test_unreachable_server_is_exit_code_3(files: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    ended = run("stylize", files / "photo.jpg", files / "painting.jpg", "-o", files / "out.png", "--server", address)
    assert ended.returncode == 3
    assert ended.stderr.splitlines()[-1] == (
        f"tfstyle: server: cannot connect to {address}: connection refused; "
        f"check that the server is running and listens on port {address.rpartition(':')[2]}"
    )
    assert not (files / "out.png").exists()


def test_out_of_time_is_exit_code_4(files: Path, server: Server) -> None:
    ended = stylize(files, server, "--steps", 5000, "--timeout", 4)
    assert ended.returncode == 4
    assert "timeout: the deadline passed" in ended.stderr.splitlines()[-1]


def test_demo_makes_a_picture_without_any_server(tmp_path: Path) -> None:
    ended = run("demo", "-o", tmp_path / "demo.png", "--size", 64, "--preview", tmp_path / "preview.png")
    assert ended.returncode == 0, ended.stderr
    with Image.open(tmp_path / "demo.png") as picture:
        assert picture.size == (64, 43)
    assert (tmp_path / "preview.png").exists()


def test_progress_bar_on_a_terminal(files: Path, server: Server) -> None:
    command = [*TFSTYLE, "stylize", files / "photo.jpg", files / "painting.jpg", "-o", files / "out.png"]
    command += ["--server", server.address, "--size", "64", "--steps", "40"]
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.DEVNULL, stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "160"},
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux' way to say that the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(terminal)
    assert process.wait() == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert re.search(r"painting .*\d+/40 0:0\d left [\d.]+ = content", text)
    assert "delivered" in text


def test_serve_shows_the_servers_flags() -> None:
    ended = run("serve", "--help")
    assert ended.returncode == 0
    assert "--max-image-bytes" in ended.stdout
    assert "TFSTYLE_LISTEN" in ended.stdout


def test_engine_is_an_extra() -> None:
    requirements = importlib.metadata.requires("tfstyle") or []
    always = [requirement for requirement in requirements if "extra ==" not in requirement]
    assert always
    assert not any(re.match("tensorflow|keras|numpy", requirement, re.I) for requirement in always)


def test_demo_pictures_are_small_enough_to_ship(landscape: bytes, painting: bytes) -> None:
    assert len(landscape) + len(painting) < 400_000


def test_output_with_a_name_that_is_too_long_is_refused(files: Path) -> None:
    output = files / ("n" * 300 + ".png")
    ended = run("stylize", files / "photo.jpg", files / "painting.jpg", "-o", output, "--server", "127.0.0.1:1")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert ended.stderr.startswith("tfstyle: output: ")


@pytest.mark.parametrize("target", ["pipe", "/dev/null"])
def test_output_to_a_pipe_or_device_is_written_there(files: Path, server: Server, target: str) -> None:
    if target == "/dev/null":
        ended = stylize(files, server, "-o", target)
        assert (ended.returncode, ended.stdout) == (0, "/dev/null\n")
        assert Path("/dev/null").is_char_device()
        return
    os.mkfifo(files / "pipe")
    with subprocess.Popen(["cat", files / "pipe"], stdout=subprocess.PIPE) as reader:
        ended = stylize(files, server, "-o", files / "pipe")
        assert ended.returncode == 0, ended.stderr
        assert reader.communicate()[0].startswith(b"\x89PNG")
    assert (files / "pipe").is_fifo()


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_closed_standard_output_loses_nothing_but_the_report(files: Path, server: Server, more: list[str]) -> None:
    command = " ".join(["exec", *TFSTYLE, "stylize", "photo.jpg", "painting.jpg", "-o", "out.png", "--size", "48"])
    command += " ".join(["", "--steps", "2", "--server", server.address, *more, ">&-"])
    ended = subprocess.run(["bash", "-c", command], cwd=files, stderr=subprocess.PIPE, text=True, timeout=120)
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False), ended.stderr
    with Image.open(files / "out.png") as picture:
        assert picture.size == (48, 32)


def test_output_through_a_link_writes_its_target(files: Path, server: Server) -> None:
    (files / "out.png").symlink_to(files / "elsewhere.png")
    assert stylize(files, server).returncode == 0
    assert (files / "out.png").is_symlink()
    with Image.open(files / "elsewhere.png") as picture:
        assert picture.size == (48, 32)


@pytest.mark.parametrize(
    "arguments",
    [
        ["stylize", "a.png"],
        ["stylize", "a.png", "b.png", "-o", "c.png", "--steps", "abc"],
        ["stylize", "a.png", "b.png", "-o", "c.png", "--size", "9" * 400],
        ["stylize", "a.png", "b.png", "-o", "c.png", "--timeout", "nan"],
        ["stylize", "a.png", "b.png", "-o", "c.png", "--server", "\udcff"],
        ["stylize", "a.png", "b.png", "-o", "c.png", "--network", "x" * 100_000],
        ["stylize", "no\nfile.png", "b.png", "-o", "c.png", "--server", "127.0.0.1:1"],
        ["stylize", "a.png", "b.png", "-o", "c.png", "--no-such-option"],
        ["frobnicate"],
        ["stylize", "a.png", "b.png", "--" + "x" * 100_000],
        ["stylize", "a.png", "b.png", "c.png"],
        ["stylize", "a.png", "b.png", "--size", "big"],
        ["stylize", "a.png", "b.png", "-o", "--json"],
        ["jobs"],
        ["watch", "jobs/1", "--server"],
        ["serve", "--queue", "-1"],
        ["serve", "--devices", "tpu"],
        ["serve", "--listen", "127.0.0.1:99999"],
    ],
)
def test_wrong_usage_is_one_short_line(tmp_path: Path, arguments: list[str]) -> None:
    command = [os.fsencode(word) for word in [*TFSTYLE, *arguments]]
    ended = subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=60)
    assert (ended.returncode, ended.stderr.count(b"\n")) == (2, 1), ended.stderr
    assert len(ended.stderr) < 400
    assert not list(tmp_path.iterdir())


def test_json_usage_error_is_json_too() -> None:
    ended = run("stylize", "--json", "--steps", "abc")
    assert json.loads(ended.stdout)["event"] == "error"
    assert ended.returncode == 2


def test_full_standard_output_is_one_line(files: Path, server: Server) -> None:
    with Path("/dev/full").open("w") as full:
        command = [*TFSTYLE, "stylize", files / "photo.jpg", files / "painting.jpg", "-o", files / "out.png", "--json"]
        command += ["--server", server.address, "--size", "48", "--steps", "2"]
        ended = subprocess.run([str(word) for word in command], stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("options.size: is 3", "size: is 3"),
        ("transfer.options.size: is 3; transfer.inputs.content: is empty", "size: is 3; content: is empty"),
        ("inputs.styles[0].picture: is empty", "style: is empty"),
        ("inputs.styles[0].mask: is empty", "mask: is empty"),
        ("inputs.styles[1].picture: is empty", "styles[1]: is empty"),
        ("progress.every: is 0", "every: is 0"),
        ("there is no job 'jobs/options.a'", "there is no job 'jobs/options.a'"),
    ],
)
def test_fields_are_named_as_on_the_command_line(message: str, shown: str) -> None:
    assert plain_fields(message) == shown
