"""The map in CONTRIBUTING.md is the tree: every module is on it, and everything on it is there."""

from __future__ import annotations

import re

from conftest import REPOSITORY

MAP = (REPOSITORY / "CONTRIBUTING.md").read_text("utf-8")
PACKAGES = (REPOSITORY / "tfstyle", REPOSITORY / "server", REPOSITORY / "client")


def modules() -> set[str]:
    """The names of all modules that are written by hand; packages' own modules hold no idea of their own."""
    files = [file for package in PACKAGES for file in package.rglob("*.py")]
    return {
        file.name
        for file in files
        if file.name != "__init__.py" and "_pb2" not in file.name and file.parent.name != "_sync"
    }


def test_every_module_is_on_the_map() -> None:
    named = {name.rpartition("/")[2] for name in re.findall(r"[\w/]+\.py", MAP)}
    assert modules() - named == set()


def test_everything_on_the_map_is_in_the_tree() -> None:
    tree = {file.name for file in REPOSITORY.rglob("*.py")}
    tables = "\n".join(line for line in MAP.splitlines() if line.startswith("| `"))
    for name in re.findall(r"`([\w/]+\.py)`", tables):
        assert name.rpartition("/")[2] in tree, name
