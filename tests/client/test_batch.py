"""`tfstyle batch`: real commands against a real server, killed, cancelled and run again."""

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
from pathlib import Path

import pytest
from PIL import Image

from conftest import Server
from tfstyle_client import Client
from tfstyle_client.cli import run as run_here
from tfstyle_client.journal import NAME

TFSTYLE = [sys.executable, "-m", "tfstyle_client"]
SMALL = ("--size", "48", "--steps", "3", "--style-loss", "gram")


@pytest.fixture
def files(tmp_path: Path, landscape: bytes, painting: bytes) -> Path:
    """Photos and paintings whose files differ, and whose pictures do not: they are traced once."""
    (tmp_path / "photos").mkdir()
    for number in range(4):
        (tmp_path / "photos" / f"p{number}.jpg").write_bytes(landscape + bytes([number]))
    for name in ("oil", "ink"):
        (tmp_path / f"{name}.jpg").write_bytes(painting + name.encode())
    return tmp_path


def start(folder: Path, *words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*TFSTYLE, "batch", *map(str, words)], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def batch(folder: Path, *words: object) -> tuple[int, str, str]:
    process = start(folder, *words)
    output, errors = process.communicate(timeout=240)
    assert "Traceback" not in errors
    return process.returncode, output, errors


def events(output: str) -> list[tuple[str, str]]:
    """(kind, name) of the events that end a picture."""
    lines = [json.loads(line) for line in output.splitlines()]
    return [(line["event"], line["name"]) for line in lines if line["event"] in ("made", "skipped", "failed")]


def made_in(folder: Path) -> dict[str, str]:
    """{name: SHA-256} of the pictures in a folder."""
    pictures = [path for path in folder.rglob("*") if path.is_file() and path.name != NAME]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in pictures}


def unfinished(server: Server) -> list[str]:
    with Client(server.address) as client:
        return [job.name for job in client.jobs(["queued", "running"])]


def test_every_photo_in_every_style_and_then_only_what_is_missing(files: Path, server: Server) -> None:
    words = ("photos/p[01].jpg", "--style", "oil.jpg", "ink.jpg", "-o", "out/new", "--server", server.address, *SMALL)
    code, output, errors = batch(files, *words, "--name", "{style}/{number}-{content}.webp")
    assert (code, output) == (0, "out/new\n"), errors
    assert sorted(made_in(files / "out" / "new")) == [
        "ink/2-p0.webp", "ink/4-p1.webp", "oil/1-p0.webp", "oil/3-p1.webp",
    ]  # fmt: skip
    assert [line.partition("  ")[0] for line in errors.splitlines()] == ["1/4", "2/4", "3/4", "4/4"]
    with Image.open(files / "out" / "new" / "oil" / "1-p0.webp") as picture:
        assert (picture.size, picture.format) == ((48, 32), "WEBP")
    before = made_in(files / "out" / "new")
    (files / "out" / "new" / "ink" / "4-p1.webp").unlink()
    code, output, _ = batch(files, *words, "--name", "{style}/{number}-{content}.webp", "--json")
    assert code == 0
    kinds = events(output)
    assert [kind for kind, _ in kinds] == ["skipped", "skipped", "skipped", "made"]
    assert kinds[-1] == ("made", "ink/4-p1.webp")
    assert made_in(files / "out" / "new") == before, "the same picture to the bit"


def test_other_options_make_them_anew_and_foreign_files_are_left_alone(files: Path, server: Server) -> None:
    words = ("photos/p0.jpg", "photos/p1.jpg", "--style", "oil.jpg", "-o", ".", "--server", server.address)
    assert batch(files, *words, *SMALL)[0] == 0
    before = made_in(files)
    code, output, errors = batch(files, *words, *SMALL, "--steps", "2", "--json")
    assert (code, sorted(events(output))) == (0, [("made", "p0-oil.png"), ("made", "p1-oil.png")]), errors
    assert made_in(files)["p0-oil.png"] != before["p0-oil.png"]
    (files / "p1-oil.png").write_bytes(b"painted over by hand")
    code, output, errors = batch(files, *words, *SMALL)
    assert (code, errors.count("\n")) == (2, 1)
    assert errors.startswith("tfstyle: output: p1-oil.png is there, and not as a run has made them; move them away")
    assert (files / "p1-oil.png").read_bytes() == b"painted over by hand"
    assert batch(files, *words, *SMALL, "--overwrite")[0] == 0
    assert made_in(files) == before
    # Results in the photos' own folder are no photos of the next run.
    code, output, errors = batch(files, "*.png", "--style", "oil.jpg", "-o", ".", *SMALL)
    assert (code, errors) == (2, "tfstyle: content: names only pictures that former runs have made; name the photos\n")


def test_failures_are_listed_at_the_end_and_do_not_stop_the_others(files: Path, server: Server) -> None:
    (files / "photos" / "p1.jpg").write_text("a text")
    (files / "photos" / "p2.jpg").write_bytes((files / "photos" / "p2.jpg").read_bytes()[:3000])
    words = ("photos/*.jpg", "--style", "oil.jpg", "-o", "out", "--server", server.address, *SMALL)
    code, _, errors = batch(files, *words)
    assert code == 2
    last = errors.splitlines()[-3:]
    assert sorted(last[:2])[0].startswith("tfstyle: p1-oil.png: content: is not a PNG, JPEG, WebP")
    assert sorted(last[:2])[1].startswith("tfstyle: p2-oil.png: content: is damaged")
    assert last[2] == "tfstyle: 2 of 4 pictures could not be made; the same command tries them again"
    assert sorted(made_in(files / "out")) == ["p0-oil.png", "p3-oil.png"]
    (files / "photos" / "p1.jpg").write_bytes((files / "photos" / "p0.jpg").read_bytes())
    code, output, _ = batch(files, *words, "--json")
    assert code == 2
    assert ("made", "p1-oil.png") in events(output)
    assert ("failed", "p2-oil.png") in events(output)
    assert json.loads(output.splitlines()[-1])["event"] == "error"


def test_a_killed_run_is_taken_up_by_the_next_one(files: Path, server: Server) -> None:
    words = ("photos/*.jpg", "--style", "oil.jpg", "-o", "out", "--server", server.address)
    words = (*words, "--size", "48", "--steps", "20", "--style-loss", "gram", "--at-once", "2", "--json")
    created = len(created_by(server))
    process = start(files, *words)
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "made":
            break
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert 1 <= len(made_in(files / "out")) < 4
    code, output, _ = batch(files, *words)
    assert code == 0
    assert len(made_in(files / "out")) == 4
    kinds = [kind for kind, _ in events(output)]
    assert kinds.count("skipped") >= 1
    assert kinds.count("skipped") + kinds.count("made") == 4
    # A job that had ended when the run was killed may have been deleted just before its picture was entered.
    assert len(set(created_by(server)[created:])) == 4, "the jobs that were left are taken up"
    assert unfinished(server) == []


def created_by(server: Server) -> list[str]:
    """The names of the jobs that a server has made or found for a request, in order."""
    return [match[1] for line in list(server.log) if (match := re.search(r"job (\w+): created from", line))]


def test_ctrl_c_cancels_what_is_unfinished(files: Path, server: Server) -> None:
    process = start(
        files, "photos/*.jpg", "--style", "oil.jpg", "-o", "out", "--server", server.address,
        "--size", 48, "--steps", 5000, "--style-loss", "gram", "--at-once", 3, "--json",
    )  # fmt: skip
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["event"] == "progress"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == "tfstyle: 0 of 4 pictures are there; the same command makes the others\ntfstyle: cancelled\n"
    assert unfinished(server) == []
    assert made_in(files / "out") == {}
    with Client(server.address) as client:
        for job in client.jobs(["cancelled"]):
            client.job(job.name).delete()


def test_a_dry_run_tells_and_writes_nothing(files: Path, server: Server) -> None:
    (files / "photos" / "p3.jpg").write_text("a text")
    before = sorted(files.rglob("*"))
    server.worker_pid()  # before, the command says what it waits for
    words = ("photos/*.jpg", "--style", "oil.jpg", "-o", "out", "--server", server.address, *SMALL, "--dry-run")
    code, output, errors = batch(files, *words)
    assert (code, errors) == (0, "")
    *pictures, total = output.splitlines()
    assert re.fullmatch(r"p0-oil\.png  photos/p0\.jpg in the style of oil\.jpg: about \d+:\d\d", pictures[0])
    assert "content: photos/p3.jpg is not a picture that can be read" in pictures[3]
    assert re.fullmatch(r"3 of 4 pictures to make: about \d+:\d\d in all", total)
    assert sorted(files.rglob("*")) == before
    lines = [json.loads(line) for line in batch(files, *words, "--json")[1].splitlines()]
    assert sum(line.get("expected", 0) for line in lines[:-1]) == pytest.approx(lines[-1]["expected"])
    assert lines[-1]["pictures"] == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--style oil.jpg -o out", "content: is missing"),
        ("photos/p0.jpg -o out", "style: is missing; give --style"),
        ("photos/p0.jpg --style oil.jpg", "output: is missing; give --output"),
        ("photos/*.gif --style oil.jpg -o out", "content: there is no file 'photos/*.gif'"),
        ("photos --style oil.jpg -o out", "content: photos is a folder; give a pattern such as 'photos/*.jpg'"),
        ("photos/p0.jpg --style none.jpg -o out", "style: there is no file 'none.jpg'"),
        ("photos/p0.jpg --style oil.jpg -o oil.jpg", "output: oil.jpg is a file; name a folder"),
        ("photos/p0.jpg --style oil.jpg -o oil.jpg/out", "output: "),
        (
            "photos/p0.jpg --style oil.jpg -o out --name {title}.png",
            "name: there is no '{title}'; the placeholders are",
        ),
        ("photos/p0.jpg --style oil.jpg -o out --name {content:>9}.png", "name: there is no '{content:>9}'"),
        ("photos/p0.jpg --style oil.jpg -o out --name {content.png", "name: '{content.png' is not a template"),
        ("photos/p0.jpg --style oil.jpg -o out --name ../{content}.png", "name: must stay inside the folder"),
        ("photos/p0.jpg --style oil.jpg -o out --name /{content}.png", "name: must stay inside the folder"),
        ("photos/p0.jpg --style oil.jpg -o out --name {content}.gif", "name: the ending '.gif' is not supported"),
        ("photos/p0.jpg --style oil.jpg -o out --name {content}", "name: a name without an ending is not supported"),
        ("photos/p0.jpg --style oil.jpg -o photos --name {content}.jpg", "name: photos/p0.jpg is one of the pictures"),
        (
            "photos/p0.jpg --style oil.jpg -o out --name {content}.jpg --depth 16",
            "depth: 16 needs a file that can hold it, PNG or TIFF; p0.jpg has 8 bits",
        ),
        (
            "photos/p0.jpg --style oil.jpg ink.jpg -o out --name {content}.png",
            "name: p0.png would be made twice, from photos/p0.jpg and oil.jpg and from photos/p0.jpg and ink.jpg;",
        ),
        ("photos/p0.jpg --style oil.jpg -o out --quality 90", "quality: applies to JPEG, WebP and AVIF only"),
        ("photos/p0.jpg --style oil.jpg -o out --size 5", "size: must be 16 to 8192, or original; got 5"),
        ("photos/p0.jpg --style oil.jpg -o out --at-once 0", "at-once: must be 1 to 32; got 0"),
        ("photos/p0.jpg --style oil.jpg -o out --server nowhere", "server: has no port"),
        ("photos/p0.jpg --style oil.jpg -o out --server h:1 --weights w.h5", "weights: are for a private server"),
    ],
)
def test_wrong_use_is_one_line_before_any_work(
    files: Path, words: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(files)
    monkeypatch.setenv("GRPC_VERBOSITY", "NONE")
    before = sorted(files.rglob("*"))
    assert run_here(["batch", *words.split()]) == 2
    output, errors = capsys.readouterr()
    assert (output, errors.count("\n")) == ("", 1)
    assert errors.startswith(f"tfstyle: {says}"), errors
    assert sorted(files.rglob("*")) == before


def test_two_runs_into_one_folder_do_not_mix(files: Path, server: Server) -> None:
    words = ("photos/*.jpg", "--style", "oil.jpg", "-o", "out", "--server", server.address)
    process = start(files, *words, "--size", 48, "--steps", 5000, "--style-loss", "gram", "--json")
    assert process.stdout is not None
    process.stdout.readline()
    code, _, errors = batch(files, *words, *SMALL)
    assert (code, errors.count("\n")) == (2, 1)
    assert errors.startswith("tfstyle: output: another run is writing into out; wait for its end")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert unfinished(server) == [], "SIGTERM cancels as Ctrl-C does"


@pytest.mark.slow
def test_a_full_queue_is_waited_for(files: Path, own_server: Callable[..., Server]) -> None:
    server = own_server("--queue", "1", "--caller-queue", "1", "--recycle-after", "1000")
    words = ("photos/*.jpg", "--style", "oil.jpg", "ink.jpg", "-o", "out", "--server", server.address, *SMALL)
    began = time.monotonic()
    code, _, errors = batch(files, *words, "--at-once", 6)
    assert (code, len(made_in(files / "out"))) == (0, 8), errors
    assert errors.count("waiting until the server accepts more: the queue is full") == 1
    assert time.monotonic() - began < 60, "whoever waits is told when a picture is made"


@pytest.mark.slow
def test_a_private_server_that_is_killed_with_its_run(files: Path) -> None:
    words = ("photos/*.jpg", "--style", "oil.jpg", "-o", "out", "--network", "vgg19-lite", *SMALL, "--json")
    process = start(files, *words)
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "made":
            break
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    code, output, _ = batch(files, *words)
    assert (code, len(made_in(files / "out"))) == (0, 4)
    assert [kind for kind, _ in events(output)].count("skipped") >= 1


@pytest.mark.slow
def test_all_workers_of_a_server_are_used(files: Path, own_server: Callable[..., Server]) -> None:
    server = own_server("--devices", "cpu,cpu")
    words = ("photos/*.jpg", "--style", "oil.jpg", "ink.jpg", "-o", "out", "--server", server.address)
    process = start(files, *words, "--size", 64, "--steps", 60)
    most = 0
    with Client(server.address) as client:
        while process.poll() is None:
            most = max(most, client.server_info().running)
            time.sleep(0.05)
    process.communicate()
    assert (process.returncode, most, len(made_in(files / "out"))) == (0, 2, 8)
