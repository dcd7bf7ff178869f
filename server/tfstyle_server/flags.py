"""Flags of the server, each of which an environment variable sets as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cyclopts import Parameter

from tfstyle_client.option_values import whole_number


def flag(variable: str, text: str, *, least: float | None = None, most: float | None = None, **more: Any) -> Parameter:
    """A flag that the environment variable TFSTYLE_`variable` sets as well, with the numbers that it accepts."""
    limits: Callable[[Any, Any], None] | None = None
    if least is not None:

        def limits(_: Any, value: Any) -> None:
            if value is not None and not (least <= value and (most is None or value <= most)):
                raise ValueError(f"must be {least} to {most}" if most is not None else f"must be at least {least}")

    return Parameter(env_var=f"TFSTYLE_{variable}", help=text, validator=limits, **more)


def number(variable: str, text: str, *, least: int, most: int | None = None, **more: Any) -> Parameter:
    """As `flag`, for whole numbers only."""
    return flag(variable, text, least=least, most=most, converter=whole_number, **more)
