"""What a party in another process answers: a value, or what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def answered(do: Callable[[Any], Any], task: Any) -> tuple[str, Any]:
    """What is wrong with `do(task)`, or an empty text; and its value.

    It is a text because TensorFlow's errors cannot be pickled.
    """
    try:
        return "", do(task)
    except Exception as error:
        return f"{type(error).__name__}: {error}", None


def answer_of(answer: tuple[str, Any]) -> Any:
    """The value of what `answered` returned. Raises `RuntimeError` with what is wrong."""
    error, value = answer
    if error:
        raise RuntimeError(error)
    return value
