"""The program that draws letters: what it is given, and what becomes of one that does not end well."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import tfstyle
from tfstyle.errors import InvalidInputError
from tfstyle_client.dashboard import apart, letterings
from tfstyle_client.dashboard.letterings import Letterings, Setting
from tfstyle_client.errors import BadRequestError, refusal
from tfstyle_client.lettering import Words

OAK = Setting(Words("Oak"), 128)
WITH_FONT = Setting(Words("Oak", font="ab" * 32), 128)


async def nothing() -> bytes:
    return b"font"


def size(made: Letterings, setting: Setting = OAK) -> tuple[int, int]:
    return asyncio.run(made.size("me", setting, nothing))


def replace(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str) -> None:
    """Let another program draw."""
    program = folder / "program.py"
    program.write_text(f"import os, sys, time\n{code}\n")
    monkeypatch.setattr(letterings, "PROGRAM", program)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("os.abort()", "cannot be drawn; choose another font"),
        ("sys.stdout.write('noise')", "cannot be drawn; choose another font"),
        ("bytearray(2**60)", "cannot be drawn; choose another font"),
        ("time.sleep(60)", "takes too long to be drawn"),
    ],
)
def test_a_font_that_ends_the_program_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, why: str
) -> None:
    replace(monkeypatch, tmp_path, code)
    monkeypatch.setattr(letterings, "SECONDS", 0.3 if "sleep" in code else 60.0)
    made = Letterings()
    for setting, field in ((WITH_FONT, "letters.font"), (OAK, "letters.text")):
        with pytest.raises(InvalidInputError, match=why) as caught:
            size(made, setting)
        assert [each.field for each in caught.value.violations] == [field]
    assert asyncio.run(made.colour("me", "d", nothing)) is None
    assert asyncio.run(made.finish("me", "d", nothing, nothing)) is None


def test_a_font_that_was_gone_is_asked_for_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    replace(monkeypatch, tmp_path, """print('{"parts": [], "width": 7, "height": 5}')""")
    made = Letterings()

    async def gone() -> bytes:
        raise refusal("letters.font", "is no longer on the server")

    with pytest.raises(BadRequestError):
        asyncio.run(made.size("me", WITH_FONT, gone))
    assert size(made, WITH_FONT) == (7, 5)


def test_the_same_is_drawn_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    count = tmp_path / "count"
    answer = """open({!r}, "a").write("x"); print('{{"parts": [], "width": 7, "height": 5}}')"""
    replace(monkeypatch, tmp_path, answer.format(str(count)))
    made = Letterings()

    async def several() -> list[Any]:
        return await asyncio.gather(*(made.size("me", OAK, nothing) for _ in range(4)))

    assert asyncio.run(several()) == [(7, 5)] * 4
    assert count.read_text() == "x"


def test_words_that_are_kept_count_as_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    count = tmp_path / "count"
    answer = """open({!r}, "a").write("x"); print('{{"errors": [["text", "is too long"]]}}')"""
    replace(monkeypatch, tmp_path, answer.format(str(count)))
    monkeypatch.setattr(letterings, "CACHE_BYTES", 100_000)
    made = Letterings()
    for letter in "abba":
        with pytest.raises(InvalidInputError, match="is too long"):
            size(made, Setting(Words(20_000 * letter), 128))
    assert count.read_text() == "xxx", "the second is kept, and the first is not"


def test_programs_know_nothing_but_where_tfstyle_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TFSTYLE_TOKEN", "secret")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tfstyle.py").write_text("raise SystemExit('a module of a stranger')\n")
    program = tmp_path / "elsewhere" / "program.py"
    program.parent.mkdir()
    program.write_text("import os, tfstyle\nprint(sorted(os.environ), tfstyle.__file__)\n")
    for with_tfstyle in (True, False):
        said = asyncio.run(apart.run_apart(program, (), b"", 60, tfstyle=with_tfstyle)).decode()
        assert "stranger" not in said
        assert "TFSTYLE_TOKEN" not in said
        assert ("PYTHONPATH" in said) == with_tfstyle
        if with_tfstyle:
            assert str(tfstyle.__file__) in said


def test_a_sheet_is_not_drawn_larger_than_it_may_be() -> None:
    with pytest.raises(InvalidInputError, match="size: must be at most 4096 for letters here"):
        size(Letterings(), Setting(Words("Oak"), 4097))
