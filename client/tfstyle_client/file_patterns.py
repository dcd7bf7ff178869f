"""Files by patterns such as 'photos/*.jpg', which a command line may also have expanded already."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from pathlib import Path

from tfstyle.rules import shown
from tfstyle_client.errors import refusal
from tfstyle_client.files import is_folder


def matching_files(patterns: Iterable[str], field: str) -> list[Path]:
    """The files that are named or matched, each once: in the order of the patterns, and sorted within each.

    `**` stands for any folders. Raises `BadRequestError` naming `field` for a pattern without a file.
    """
    found: dict[Path, Path] = {}
    for pattern in patterns:
        for path in _matching(pattern, field):
            found.setdefault(path.resolve(), path)
    return list(found.values())


def _matching(pattern: str, field: str) -> list[Path]:
    path = Path(pattern)
    if not pattern:
        raise refusal(field, "is empty; name a file, or a pattern such as 'photos/*.jpg'")
    if is_folder(path):
        raise refusal(field, f"{pattern} is a folder; give a pattern such as '{path / '*.jpg'}'")
    if path.exists():  # even where its name looks like a pattern
        return [path]
    names = glob.glob(pattern, recursive=True)  # noqa: PTH207 - `Path.glob` takes no absolute pattern
    files = sorted(each for name in names if (each := Path(name)).is_file())
    if not files:
        raise refusal(field, f"there is no file {shown(pattern)}")
    return files
