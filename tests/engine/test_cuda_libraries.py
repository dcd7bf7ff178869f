"""The CUDA library that TensorFlow does not find by itself."""

from __future__ import annotations

import ctypes
from pathlib import Path
from types import SimpleNamespace

import pytest

from tfstyle import cuda_libraries
from tfstyle.cuda_libraries import load_cusolver


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """CuSOLVER beside TensorFlow, as pip installs both."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    installed = SimpleNamespace(submodule_search_locations=[str(tmp_path / "tensorflow")])
    monkeypatch.setattr(cuda_libraries, "find_spec", lambda name: installed if name == "tensorflow" else None)
    path = tmp_path / "nvidia" / "cusolver" / "lib" / "libcusolver.so.11"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no library")
    return path


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    paths: list[str] = []
    monkeypatch.setattr(ctypes, "CDLL", paths.append)
    return paths


def test_it_is_loaded_from_the_package_beside_tensorflow(library: Path, loaded: list[str]) -> None:
    load_cusolver()
    assert loaded == [str(library)]


@pytest.mark.parametrize("visible", ["", "-1"])
def test_not_where_the_gpus_are_hidden(
    visible: str, library: Path, loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    load_cusolver()
    assert loaded == []


def test_nothing_happens_where_it_is_missing(library: Path, loaded: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    library.unlink()
    load_cusolver()
    monkeypatch.setattr(cuda_libraries, "find_spec", lambda name: None)
    load_cusolver()
    assert loaded == []


def test_what_cannot_be_loaded_is_left_to_tensorflow(library: Path) -> None:
    load_cusolver()
