"""Wrong use of the command line: each is one line that names the field, before any work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TFSTYLE = [sys.executable, "-m", "tfstyle_client"]


@pytest.fixture
def files(tmp_path: Path, landscape: bytes, painting: bytes) -> Path:
    (tmp_path / "a.jpg").write_bytes(landscape)
    (tmp_path / "b.jpg").write_bytes(painting)
    return tmp_path


def shell(command: str, folder: Path, **environment: str) -> tuple[int, str]:
    """(exit code, standard error) of a line of Bash in `folder`, where `tfstyle` stands for the program."""
    lines = f'tfstyle() {{ {" ".join(TFSTYLE)} "$@"; }}; {command}'
    ended = subprocess.run(
        ["bash", "-c", lines], cwd=folder, capture_output=True, text=True, timeout=60,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stderr


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("stylize '' b.jpg", "content: is empty; name a file"),
        ("stylize a.jpg ''", "style: is empty; name a file"),
        ("stylize . b.jpg", "content: . is a folder; name a file"),
        ("stylize / b.jpg", "content: / is a folder; name a file"),
        ("stylize none.jpg b.jpg", "content: cannot read none.jpg: No such file"),
        ("stylize <(cat a.jpg) b.jpg", "output: is needed when the content is /dev/fd/"),
        ("stylize /dev/stdin b.jpg < a.jpg", "output: is needed when the content is /dev/stdin"),
        ("stylize /proc/self/fd/0 b.jpg < a.jpg", "output: is needed when the content is /proc/self/fd/0"),
        ("stylize a.jpg b.jpg -o ''", "output: is empty; name a file"),
        ("stylize a.jpg b.jpg -o /tmp", "output: /tmp is a folder; name a file"),
        ("stylize a.jpg b.jpg --preview ''", "preview: is empty; name a file"),
        ("stylize a.jpg b.jpg --steps 2.7", "steps: must be a whole number; got '2.7'"),
        ("stylize a.jpg b.jpg --steps 2.0", "steps: must be a whole number; got '2.0'"),
        ("stylize a.jpg b.jpg --size 64.5", "size: must be a whole number or original; got '64.5'"),
        ("stylize a.jpg b.jpg --size ''", "size: is empty; give a whole number or original"),
        ("stylize a.jpg b.jpg --size 0", "size: must be 16 to 8192, or original; got 0"),
        ("stylize a.jpg b.jpg --lite-evaluations 1.5", "lite-evaluations: must be a whole number"),
        ("stylize a.jpg b.jpg --preview-every 1.5", "preview-every: must be a whole number"),
        ("stylize a.jpg b.jpg --quality 90.5", "quality: must be a whole number"),
        ("demo --size 64.5", "size: must be a whole number"),
        ("jobs --server h:1 --token-file ''", "token-file: is empty; name a file"),
        ("token ann --tokens ''", "tokens: is empty; name a file"),
        (
            "demo --seamless x",
            "'--seamless': belongs to tfstyle stylize, tfstyle texture, tfstyle redo ... (see tfstyle",
        ),
        ("jobs --server h:1 --bits 8", "'--bits': there is no such option"),
        (
            "stylize --region a.jpg a.jpg b.jpg",
            "content: is missing; --region takes every file up to the next option, so CONTENT goes before it (see",
        ),
        ("stylize a.jpg --mask=a.jpg b.jpg", "style: is missing; --mask takes every file up to the next option"),
        ("batch --style a.jpg b.jpg -o out", "content: is missing; --style takes every file up to the next option"),
        ("stylize a.jpg", "style: is missing (see tfstyle stylize --help)"),
        ("texture b.jpg --strength 0.5", "strength: has no effect on a texture, which has no photo"),
        ("texture b.jpg --content-weight 2", "content-weight: has no effect on a texture, which has no photo"),
        ("texture b.jpg --keep a.jpg", "keep: has no effect on a texture, which has no photo"),
        ("stylize a.jpg b.jpg --style-regions a.jpg", "style-regions: needs the regions of the content picture"),
        ("--server h:1 stylize a.jpg b.jpg", "'--server': stands before the command; options follow it"),
        ("token ann --tokens toks >&-", "token: would be lost, because standard output is closed"),
    ],
)
def test_one_line_and_nothing_written(files: Path, command: str, says: str) -> None:
    code, errors = shell(f"tfstyle {command}", files)
    assert (code, errors.count("\n")) == (2, 1), errors
    assert errors.startswith(f"tfstyle: {says}")
    assert sorted(path.name for path in files.iterdir()) == ["a.jpg", "b.jpg"]


def test_default_name_that_is_too_long_is_refused_before_the_work(files: Path) -> None:
    name = "n" * 250 + ".jpg"
    (files / name).write_bytes((files / "a.jpg").read_bytes())
    code, errors = shell(f"tfstyle stylize {name} b.jpg", files)
    assert (code, errors.count("\n")) == (2, 1)
    assert "File name too long; give -o FILE" in errors


def test_error_for_a_reader_that_has_ended_is_quiet(tmp_path: Path) -> None:
    command = "tfstyle stylize nofile.jpg x.png --json | (exec 0<&-; sleep 2); exit ${PIPESTATUS[0]}"
    assert shell(command, tmp_path) == (141, "")


@pytest.mark.parametrize("command", ["", "--version", "jobs --server localhost --json"])
def test_closed_streams_are_no_fault_of_their_own(tmp_path: Path, command: str) -> None:
    closed = shell(f"tfstyle {command} >&- 2>&-", tmp_path)[0]
    assert closed == shell(f"tfstyle {command}", tmp_path)[0]


def test_completion_for_an_unknown_shell(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("SHELL", "BASH_VERSION")}
    ended = subprocess.run(
        [*TFSTYLE, "--install-completion"], capture_output=True, text=True, env=environment | {"HOME": str(tmp_path)}
    )
    assert ended.returncode == 2
    assert ended.stderr == "tfstyle: install-completion: the shell in use is unknown; give --shell bash, zsh or fish\n"
