"""The commands about jobs on a server, and about its tokens."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from commands import (
    run,
    two_pictures,  # noqa: F401 - a fixture
)
from PIL import Image

from conftest import Server


def test_jobs_from_creation_to_deletion(files: Path, server: Server) -> None:
    at = ("--server", server.address)
    created = run("stylize", files / "photo.jpg", files / "painting.jpg", "--detach", *at, "--size", 48, "--steps", 4)
    assert created.returncode == 0, created.stderr
    name = created.stdout.strip()
    assert name.startswith("jobs/")
    watched = run("watch", name, *at)
    assert watched.returncode == 0
    assert re.search(r"4/4  [\d.]+ = content", watched.stderr)
    as_json = [json.loads(line) for line in run("watch", name, *at, "--json").stdout.splitlines()]
    assert [line["event"] for line in as_json] == ["accepted", "started", *["progress"] * 4, "job"]
    assert as_json[-1]["state"] == "succeeded"
    assert run("result", name, "-o", files / "out.png", *at).returncode == 0
    with Image.open(files / "out.png") as picture:
        assert picture.size == (48, 32)
    (line,) = [line for line in run("jobs", *at).stdout.splitlines() if line.startswith(name)]
    assert "succeeded" in line
    assert "succeeded" in run("cancel", name, *at).stdout
    assert run("delete", name, *at).stdout.strip() == name
    for command in (("watch", name), ("cancel", name), ("delete", name), ("result", name, "-o", files / "o.png")):
        ended = run(*command, *at)
        assert ended.returncode == 2
        assert ended.stderr.strip() == f"tfstyle: there is no job '{name}'"


def test_watching_a_job_that_fails_or_is_cancelled(files: Path, server: Server) -> None:
    at = ("--server", server.address)
    (files / "broken.jpg").write_bytes((files / "photo.jpg").read_bytes()[:5000])
    name = run("stylize", files / "broken.jpg", files / "painting.jpg", "--detach", *at).stdout.strip()
    watched = run("watch", name, *at)
    assert watched.returncode == 2
    assert "content: is damaged" in watched.stderr.splitlines()[-1]
    assert "Traceback" not in watched.stderr
    name = run(
        "stylize", files / "photo.jpg", files / "painting.jpg", "--detach", *at, "--size", 48, "--steps", 10000
    ).stdout.strip()
    assert "cancelled" in run("cancel", name, *at).stdout
    assert run("watch", name, *at).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--detach"], "detach: needs a server that stays"),
        (["--detach", "--server", "h:1", "-o", "x.png"], "output: has no effect with --detach"),
    ],
)
def test_detach_and_output_exclude_each_other(files: Path, arguments: list[str], says: str) -> None:
    ended = run("stylize", files / "photo.jpg", files / "painting.jpg", *arguments)
    assert ended.returncode == 2
    assert says in ended.stderr


def test_token_is_printed_once_and_only_its_hash_is_kept(tmp_path: Path) -> None:
    made = run("token", "ann", "--tokens", tmp_path / "tokens")
    token = made.stdout.strip()
    assert len(token) > 40
    assert (tmp_path / "tokens").read_text().split() == ["ann", hashlib.sha256(token.encode()).hexdigest()]
    quiet = run("token", "bob", "--tokens", tmp_path / "tokens", "--out", tmp_path / "bob")
    assert (quiet.returncode, quiet.stdout) == (0, "")
    assert len((tmp_path / "bob").read_text().strip()) == 43
    assert (tmp_path / "bob").stat().st_mode & 0o777 == 0o600
    before = (tmp_path / "tokens").read_bytes()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for out in ("tokens", "link"):
        same = run("token", "eve", "--tokens", tmp_path / "tokens", "--out", tmp_path / out)
        assert (same.returncode, same.stderr.partition(" ")[2][:5]) == (2, "out: ")
    assert (tmp_path / "tokens").read_bytes() == before
    refused = run("token", "a b", "--tokens", tmp_path / "tokens")
    assert refused.returncode == 2
    assert refused.stderr.startswith("tfstyle: name: must be 1 to 64")
    nowhere = run("token", "ann", "--tokens", "/no/such/folder/tokens")
    assert (nowhere.returncode, nowhere.stderr) == (2, "tfstyle: tokens: there is no folder /no/such/folder\n")
    folder = run("token", "ann", "--tokens", tmp_path)
    assert (folder.returncode, folder.stderr) == (2, f"tfstyle: tokens: {tmp_path} is a folder; name a file\n")


def test_token_file_that_is_not_there_is_a_clear_error(files: Path) -> None:
    ended = run("jobs", "--server", "127.0.0.1:1", "--token-file", files / "none")
    assert ended.returncode == 2
    assert ended.stderr.startswith("tfstyle: token-file: cannot read")
