"""Converters for options of the command lines that are stricter than those of cyclopts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from cyclopts import Token


def whole_number(hint: Any, tokens: Sequence[Token]) -> Any:
    """A number in decimal digits, or a word that `hint` allows; cyclopts alone would round 2.7 to 3.

    Raises ValueError.
    """
    (token,) = tokens
    words = [word for part in get_args(hint) if get_origin(part) is Literal for word in get_args(part)]
    if token.value in words:
        return token.value
    if not re.fullmatch(r"[+-]?[0-9]+", token.value):
        raise ValueError
    return int(token.value)


def file_path(hint: Any, tokens: Sequence[Token]) -> Path:
    """The path of a file; `Path` alone would take an empty text for the current folder. Raises ValueError."""
    (token,) = tokens
    if not token.value:
        raise ValueError
    return Path(token.value)


def file_paths(hint: Any, tokens: Sequence[Token]) -> tuple[Path, ...]:
    """The same for several files."""
    return tuple(file_path(hint, [token]) for token in tokens)
