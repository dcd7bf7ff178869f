"""Errors in the use of the command line, in one short line: `field: what is wrong (see tfstyle COMMAND --help)`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from cyclopts.exceptions import (
    CoercionError,
    CycloptsError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
    ValidationError,
)

from tfstyle.rules import shown

_KINDS: dict[Any, str] = {int: "a whole number", float: "a number", bool: "true or false"}


def usage_message(error: CycloptsError, program: str = "tfstyle") -> str:
    """The line for `error`."""
    command = " ".join([program, *(error.command_chain or ())])
    return f"{_complaint(error)} (see {command} --help)"


def _complaint(error: CycloptsError) -> str:
    match error:
        case UnknownCommandError():
            name = (error.unused_tokens or [""])[0]
            if name.startswith("-"):
                return f"{shown(name)}: stands before the command; options follow it"
            commands = [command for command in (error.app or ()) if not command.startswith("-")]
            return f"{shown(name)}: there is no such command{_suggestion(name, commands)}"
        case UnknownOptionError():
            name = (error.token.keyword or error.token.value).partition("=")[0]
            options = [option for argument in error.argument_collection for option in argument.names]
            return f"{shown(name)}: there is no such option{_suggestion(name, options)}"
        case UnusedCliTokensError():
            return f"{shown((error.unused_tokens or [''])[0])}: is one argument too many"
        case RepeatArgumentError():
            return f"{_field(error.token.keyword or '')}: is given more than once"
        case MissingArgumentError() if error.argument is not None:
            missing = "needs a value" if error.keyword else f"is missing{_sources(error.argument)}"
            return f"{_field(error.argument.name)}: {missing}"
        case CoercionError() if error.argument is not None and error.token is not None:
            return f"{_field(error.argument.name)}: {_mismatch(error.argument.hint, error.token.value)}"
        case ValidationError() if error.argument is not None:
            return f"{_field(error.argument.name)}: {error.exception_message}; got {shown(error.argument.value)}"
    return " ".join(str(error).split())


def _field(name: str) -> str:
    return name.lstrip("-").replace("-", "_").lower()


def _sources(argument: Any) -> str:
    """How an option that is missing can be given."""
    if not argument.name.startswith("-"):
        return ""
    variables = "".join(f", or set {variable}" for variable in argument.parameter.env_var or ())
    return f"; give {argument.name}{variables}"


def _mismatch(hint: Any, given: str) -> str:
    if given:
        return f"must be {_expected(hint)}; got {shown(given)}"
    return "is empty; name a file" if Path in (hint, *get_args(hint)) else f"is empty; give {_expected(hint)}"


def _expected(hint: Any) -> str:
    """The values that a type hint accepts, in words."""
    if get_origin(hint) is Literal:
        words = [str(word) for word in get_args(hint)]
        return words[0] if len(words) == 1 else f"one of {', '.join(words)}"
    if inner := [_expected(each) for each in get_args(hint) if each is not type(None)]:
        return " or ".join(inner)
    return _KINDS.get(hint, "a text")


def _suggestion(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name[:50], list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
