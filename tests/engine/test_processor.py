"""What the processor can do, read from Linux' description of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tfstyle import processor


@pytest.fixture(autouse=True)
def _not_cached() -> Iterator[None]:
    processor.instructions.cache_clear()
    yield
    processor.instructions.cache_clear()


def test_instructions_are_those_of_the_first_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("model name\t: A\nflags\t\t: fpu avx512f amx_bf16\n\nmodel name\t: A\nflags\t\t: fpu\n")
    monkeypatch.setattr(processor, "_CPUINFO", file)
    assert processor.instructions() == {"fpu", "avx512f", "amx_bf16"}


@pytest.mark.parametrize("text", [None, "", "processor\t: 0\nFeatures\t: fp asimd\n"], ids=["absent", "empty", "ARM"])
def test_other_systems_and_processors_have_none(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cpuinfo"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(processor, "_CPUINFO", file)
    assert processor.instructions() == frozenset()
