"""`tfstyle video`: real commands against real servers, killed, cancelled and run again."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from conftest import Server, start_server
from film_files import moving, write_film
from tfstyle_client import Client
from tfstyle_client.cli import run as run_here
from tfstyle_client.journal import NAME
from tfstyle_client.video.chain import FIRST_PASS
from tfstyle_client.video.film import Film
from tfstyle_client.video.source import Part

TFSTYLE = [sys.executable, "-m", "tfstyle_client"]
SMALL = ("--size", "64", "--steps", "3", "--frame-steps", "2", "--style-loss", "gram", "--coarsest-scale", "none")
FRAMES, CUT = 8, 5


@pytest.fixture
def files(tmp_path: Path, painting: bytes) -> Path:
    write_film(tmp_path / "in.mp4", moving(FRAMES, cut=CUT), sound="aac")
    (tmp_path / "oil.jpg").write_bytes(painting)
    return tmp_path


def start(folder: Path, *words: object) -> subprocess.Popen[str]:
    command = [*TFSTYLE, "video", *map(str, words)]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def video(folder: Path, *words: object) -> tuple[int, str, str]:
    process = start(folder, *words)
    output, errors = process.communicate(timeout=280)
    assert "Traceback" not in errors
    return process.returncode, output, errors


def painted(folder: Path) -> dict[str, str]:
    """{name: SHA-256} of the frames in a folder."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.png")}


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 240
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def forget(server: Server) -> None:
    """Delete the jobs of former runs, which a second run would only have to fetch."""
    with Client(server.address) as client:
        for job in list(client.jobs()):
            client.job(job.name).delete()


def ended(output: str) -> list[tuple[str, str]]:
    lines = [json.loads(line) for line in output.splitlines()]
    return [(line["event"], line["name"]) for line in lines if line["event"] in ("made", "skipped", "failed")]


@pytest.mark.slow
def test_a_film_is_painted_and_goes_on_after_a_kill(files: Path, server: Server) -> None:
    words = ("in.mp4", "oil.jpg", *SMALL, "--server", server.address, "--json", "--keep-frames")
    code, output, errors = video(files, *words, "-o", "whole.mp4")
    assert code == 0, errors
    assert json.loads(output.splitlines()[-1]) == {"event": "written", "path": "whole.mp4"}
    whole = painted(files / "whole.frames")
    assert len(whole) == FRAMES
    made = [name for event, name in ended(output) if event == "made"]
    assert made.index("000006.png") < made.index("000005.png"), "two scenes at once"
    with av.open(str(files / "whole.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        assert container.streams.video[0].duration * container.streams.video[0].time_base == 1
    film = Film(files / "whole.mp4")
    frames = list(film.frames(Part(), film.facts.size, []))
    assert [frame.time for frame in frames] == [Fraction(number, 8) for number in range(FRAMES)]
    for frame, name in zip(frames, sorted(whole), strict=True):
        with Image.open(files / "whole.frames" / name) as opened:
            assert np.abs(np.asarray(opened).mean(2) - frame.pixels.mean(2)).mean() < 8

    forget(server)
    cut = files / "cut.frames"
    process = start(files, *words, "-o", "cut.mp4")
    wait_for(lambda: len(painted(cut)) >= 3, process)
    process.kill()
    process.communicate()
    before = painted(cut)
    assert 3 <= len(before) < FRAMES
    assert not (files / "cut.mp4").exists()
    code, output, errors = video(files, *words, "-o", "cut.mp4")
    assert code == 0, errors
    assert sorted(name for event, name in ended(output) if event == "skipped") == sorted(before)
    # Bit for bit as if nothing had happened.
    assert painted(cut) == whole
    assert not (cut / ".tfstyle-video").exists()


@pytest.mark.slow
def test_it_goes_on_after_a_kill_of_the_server(files: Path, server: Server, tmp_path: Path) -> None:
    code, _, errors = video(files, "in.mp4", "oil.jpg", *SMALL, "--server", server.address, "-o", "whole")
    assert code == 0, errors
    assert "the sound is left out" in errors
    own = start_server(tmp_path / "data", "--network", "vgg19-lite")
    port = own.address
    process = start(files, "in.mp4", "oil.jpg", *SMALL, "--server", port, "-o", "cut")
    try:
        wait_for(lambda: len(painted(files / "cut")) >= 2, process)
        own.process.send_signal(signal.SIGKILL)
        own.process.wait()
        own = start_server(tmp_path / "data", "--network", "vgg19-lite", "--listen", port)
        _, errors = process.communicate(timeout=240)
    finally:
        process.kill()
        own.stop()
    assert (process.returncode, "Traceback" in errors) == (0, False), errors
    assert painted(files / "cut") == painted(files / "whole")


@pytest.mark.slow
def test_a_second_pass_goes_on_after_a_kill(files: Path, server: Server) -> None:
    words = ("in.mp4", "oil.jpg", *SMALL, "--passes", "2", "--limit", 4 / 8, "--server", server.address, "--json")
    code, output, errors = video(files, *words, "-o", "whole")
    assert code == 0, errors
    made = [name.removeprefix(FIRST_PASS) for event, name in ended(output) if event == "made"]
    assert made == [f"{number:06}.png" for number in (1, 2, 3, 4, 4, 3, 2, 1)]
    whole = painted(files / "whole")
    assert len(whole) == 4
    assert {path.name for path in (files / "whole").iterdir()} == {*whole, NAME}

    forget(server)
    process = start(files, *words, "-o", "cut")
    wait_for(lambda: len(painted(files / "cut")) >= 2, process)
    process.kill()
    process.communicate()
    assert len(painted(files / "cut" / FIRST_PASS)) == 4
    code, output, errors = video(files, *words, "-o", "cut")
    assert code == 0, errors
    assert len([name for event, name in ended(output) if event == "skipped"]) >= 6
    assert painted(files / "cut") == whole
    # What is complete stays so, although the first pass is no longer there.
    code, output, errors = video(files, *words, "-o", "cut")
    assert code == 0, errors
    assert [event for event, _ in ended(output)] == ["skipped"] * 8


@pytest.mark.slow
def test_ctrl_c_cancels_and_says_how_to_go_on(files: Path, server: Server) -> None:
    words = ("in.mp4", "oil.jpg", *SMALL, "--steps", "200", "--frame-steps", "200", "--server", server.address)
    process = start(files, *words, "-o", "out.mp4")
    wait_for(lambda: (files / "out.frames" / "000001.png").exists(), process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    found = re.search(r"(\d) of 8 frames are in out\.frames; the same command goes on\ntfstyle: cancelled\n$", errors)
    assert found, errors
    assert int(found[1]) == len(painted(files / "out.frames"))
    assert not (files / "out.mp4").exists()
    with Client(server.address) as client:
        assert [job.name for job in client.jobs(["queued", "running"])] == []


@pytest.mark.slow
def test_frames_that_follow_one_another_flicker_less(files: Path, server: Server) -> None:
    """The moved frame before, compared with the frame, over a scene: at most half of what frames by themselves have."""
    from tfstyle_client.video.flow import motion, warp

    source = [frame.pixels for frame in Film(files / "in.mp4").frames(Part(end=Fraction(CUT, 8)), (64, 48), [])]
    options = ("--size", "64", "--steps", "20", "--network", "vgg19-lite", "--limit", CUT / 8)
    flicker = []
    for name, more in (("chain", ("--frame-steps", "10")), ("alone", ("--frame-by-frame", "--start", "noise"))):
        code, _, errors = video(files, "in.mp4", "oil.jpg", *options, *more, "--server", server.address, "-o", name)
        assert code == 0, errors
        frames = []
        for path in sorted((files / name).glob("*.png")):
            with Image.open(path) as opened:
                frames.append(np.asarray(opened.convert("RGB")))
        errors_of = []
        for index in range(1, CUT):
            moved = motion(source[index], source[index - 1])
            difference = (warp(frames[index - 1], moved.flow).astype(float) - frames[index]) ** 2
            errors_of.append((difference.mean(2) * moved.weights).sum() / moved.weights.sum())
        flicker.append(np.mean(errors_of))
    assert flicker[0] < 0.5 * flicker[1]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), [("out.gif", "GIF"), ("out.webp", "WEBP")])
def test_other_sources_and_targets(tmp_path: Path, painting: bytes, server: Server, name: str, kind: str) -> None:
    (tmp_path / "oil.jpg").write_bytes(painting)
    (tmp_path / "frames").mkdir()
    for number, pixels in enumerate(moving(3, (65, 49))):
        Image.fromarray(pixels).save(tmp_path / "frames" / f"{number}.png")
    words = ("frames", "oil.jpg", "--rate", "10", *SMALL, "--size", "original", "--server", server.address)
    code, _, errors = video(tmp_path, *words, "-o", name)
    assert code == 0, errors
    with Image.open(tmp_path / name) as opened:
        assert (opened.format, opened.n_frames, opened.size) == (kind, 3, (65, 49))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["frames", "oil.jpg", name])
    code, _, errors = video(tmp_path, *words, "-o", name)
    assert (code, errors) == (2, f"tfstyle: output: {name} is there already; name another file, or give --overwrite\n")


@pytest.mark.slow
def test_one_frame_is_a_video_too(tmp_path: Path, painting: bytes, server: Server) -> None:
    (tmp_path / "oil.jpg").write_bytes(painting)
    write_film(tmp_path / "one.mp4", moving(1))
    words = ("one.mp4", "oil.jpg", *SMALL, "--size", "63", "--server", server.address, "-o", "out.mp4")
    code, _, errors = video(tmp_path, *words)
    assert code == 0, errors
    assert Film(tmp_path / "out.mp4").facts.size == (64, 48)


@pytest.mark.slow
def test_what_is_left_of_a_film_is_painted(tmp_path: Path, painting: bytes, server: Server) -> None:
    (tmp_path / "oil.jpg").write_bytes(painting)
    noise = list(np.random.default_rng(0).integers(0, 255, (8, 48, 64, 3)).astype(np.uint8))
    film = write_film(tmp_path / "in.mp4", noise, 2, muxing={"movflags": "+faststart"})
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    code, _, errors = video(tmp_path, "in.mp4", "oil.jpg", *SMALL, "--server", server.address, "-o", "out.mp4")
    assert code == 0, errors
    found = re.search(r"warning: in\.mp4 ends after ([0-2]\.[05]) of 4\.0 s: it is cut off", errors)
    assert found, errors
    assert len(list(Film(tmp_path / "out.mp4").frames(Part(), (64, 48), []))) == 2 * float(found[1])


@pytest.mark.slow
def test_a_film_of_ten_hours_needs_a_limit(tmp_path: Path, painting: bytes, server: Server) -> None:
    (tmp_path / "oil.jpg").write_bytes(painting)
    write_film(tmp_path / "long.mkv", moving(3), 25, times=[0, 40, 36_000_000])
    words = ("long.mkv", "oil.jpg", *SMALL, "--server", server.address, "-o", "out.mp4")
    code, _, errors = video(tmp_path, *words)
    assert code == 2
    estimate, refusal = errors.splitlines()
    assert re.search(r"^64 x 48 pixels, about 900,\d{3} frames: about ", estimate)
    assert refusal.startswith("tfstyle: limit: is needed: about 900,")
    assert refusal.endswith("; give --limit SECONDS")
    code, output, errors = video(tmp_path, *words, "--limit", "1", "--dry-run", "--json")
    assert code == 0, errors
    fields = json.loads(output)
    assert (fields["event"], fields["frames"], fields["width"], fields["height"]) == ("estimate", 25, 64, 48)
    assert fields["expected"] > 0
    code, _, errors = video(tmp_path, *words, "--limit", "1")
    assert code == 0, errors
    assert len(list(Film(tmp_path / "out.mp4").frames(Part(), (64, 48), []))) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["long.mkv", "oil.jpg", "out.mp4"]


@pytest.mark.slow
def test_frames_of_somebody_else_are_not_replaced(files: Path, server: Server) -> None:
    (files / "out").mkdir()
    (files / "out" / "000002.png").write_bytes(b"somebody else's")
    words = ("in.mp4", "oil.jpg", *SMALL, "--server", server.address, "-o", "out", "--limit", "0.3")
    code, _, errors = video(files, *words)
    assert code == 2
    assert "000002.png is there, and not as a run has made them" in errors
    assert [(path.name, path.read_bytes()) for path in (files / "out").iterdir()] == [
        ("000002.png", b"somebody else's")
    ]
    code, _, errors = video(files, *words, "--overwrite")
    assert code == 0, errors
    assert {path.name for path in (files / "out").iterdir()} == {"000001.png", "000002.png", "000003.png", NAME}


def complaint(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert run_here(["video", *map(str, words)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    return line.removeprefix("tfstyle: ")


def test_what_cannot_be_is_refused_before_any_work(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film, oil, out = files / "in.mp4", files / "oil.jpg", files / "out.mp4"
    refused = {
        "from: must be a number of seconds, at least 0; got -1.0": ("--from", "-1"),
        "limit: must be a number of seconds above 0; got 0.0": ("--limit", "0"),
        "rate: is for a folder of frames; this file has its own times": ("--rate", "5"),
        "rate: must be 0.01 to 1000 frames in a second; got 0.0": ("--rate", "0"),
        "frame-steps: must be 1 to 10000; got 0": ("--frame-steps", "0"),
        "frame-steps: has no effect with --frame-by-frame; every frame has --steps": (
            "--frame-by-frame",
            "--frame-steps=5",
        ),
        "passes: must be 1 or 2; got 3": ("--passes", "3"),
        "passes: has no effect with --frame-by-frame; no frame follows another": ("--frame-by-frame", "--passes=2"),
        "quality: must be 1 to 100; got 0": ("--quality", "0"),
        "depth: 16 needs PNG frames; name a folder with -o": ("--depth", "16"),
        "colour-space: must be srgb for a video; got display-p3": ("--colour-space", "display-p3"),
        "weights: are for a private server; the server at --server has its own": (
            "--weights=x",
            "--server=localhost:1",
        ),
    }
    for message, options in refused.items():
        assert complaint(capsys, film, oil, "-o", out, *options) == message
    assert complaint(capsys, oil, oil, "-o", out) == f"content: {oil} is one picture; use tfstyle stylize for it"
    assert complaint(capsys, film, oil, "-o", film) == f"output: {film} is what the command reads; name another one"
    assert complaint(capsys, film, files / "no.jpg", "-o", out).startswith("style: cannot read ")
    assert "there is no such option" not in complaint(capsys, film, oil)
    out.write_bytes(b"there")
    assert "is there already" in complaint(capsys, film, oil, "-o", out)
    assert {path.name for path in files.iterdir()} == {"in.mp4", "oil.jpg", "out.mp4"}


def test_without_its_packages_it_says_which(
    files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tfstyle_client.video.extra.find_spec", lambda name: None if name in ("av", "cv2") else object()
    )
    line = complaint(capsys, files / "in.mp4", files / "oil.jpg", "-o", files / "out.mp4")
    assert line == "video: needs PyAV, OpenCV; pip install 'tfstyle[video]'"


def test_the_command_line_imports_none_of_its_packages(files: Path) -> None:
    code = (
        "import sys, tfstyle_client.cli.video as video;"
        "print([name for name in ('av', 'cv2', 'numpy', 'tensorflow') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ)
    assert (ended.stdout, ended.returncode) == ("[]\n", 0), ended.stderr
