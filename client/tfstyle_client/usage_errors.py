"""Errors in the use of the command line, in one short line: `field: what is wrong (see tfstyle COMMAND --help)`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from cyclopts import App
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

from tfstyle.options import RULES
from tfstyle.rules import shown

MOST_OWNERS = 3
"""Commands that are named for an option that another one lacks."""
_FIELD = re.compile(r"(?:^|(?<=; ))[a-z]+(?:_[a-z]+)+(?=:)")
"""A field at the beginning of a complaint."""
_OPTION = re.compile(rf"(?<![\w./'-])(?:{'|'.join(name for name in RULES if '_' in name)})(?![\w./'-])")
"""An option in the midst of a sentence."""
_KINDS: dict[Any, str] = {int: "a whole number", float: "a number", bool: "true or false"}


def usage_message(error: CycloptsError, program: str = "tfstyle", commands: App | None = None) -> str:
    """The line for `error`; `commands` are those among which an option is looked for that a command lacks."""
    command = " ".join([program, *(error.command_chain or ())])
    return f"{_complaint(error, commands)} (see {command} --help)"


def as_typed(message: str) -> str:
    """`message` with the names of options spelled as they are typed: max-evaluations, not max_evaluations."""
    message = _FIELD.sub(lambda match: match[0].replace("_", "-"), message)
    return _OPTION.sub(lambda match: match[0].replace("_", "-"), message)


def _complaint(error: CycloptsError, commands: App | None) -> str:
    match error:
        case UnknownCommandError():
            name = (error.unused_tokens or [""])[0]
            if name.startswith("-"):
                return f"{shown(name)}: stands before the command; options follow it"
            known = [command for command in (error.app or ()) if not command.startswith("-")]
            return f"{shown(name)}: there is no such command{_suggestion(name, known)}"
        case UnknownOptionError():
            name = (error.token.keyword or error.token.value).partition("=")[0]
            if owners := _owners(name, commands):
                return f"{shown(name)}: belongs to {owners}"
            options = [option for argument in error.argument_collection for option in argument.names]
            return f"{shown(name)}: there is no such option{_suggestion(name, options)}"
        case UnusedCliTokensError():
            return f"{shown((error.unused_tokens or [''])[0])}: is one argument too many"
        case RepeatArgumentError():
            return f"{_field(error.token.keyword or '')}: is given more than once"
        case MissingArgumentError() if error.argument is not None:
            missing = "needs a value" if error.keyword else f"is missing{_sources(error.argument) or _taken(error)}"
            return f"{_field(error.argument.name)}: {missing}"
        case CoercionError() if error.argument is not None and error.token is not None:
            return f"{_field(error.argument.name)}: {_mismatch(error.argument.hint, error.token.value)}"
        case ValidationError() if error.argument is not None:
            return f"{_field(error.argument.name)}: {error.exception_message}; got {shown(error.argument.value)}"
    return " ".join(str(error).split())


def _owners(option: str, commands: App | None) -> str:
    """The commands that have an option of that name, in words; empty where there is none."""
    if commands is None or not option.startswith("--"):
        return ""
    names = [name for name in commands if not name.startswith("-")]
    found = [name for name in names if option in _options(commands[name])]
    listed = ", ".join(f"tfstyle {name}" for name in found[:MOST_OWNERS])
    return listed + (" ..." if len(found) > MOST_OWNERS else "")


def _options(command: App) -> list[str]:
    if command.default_command is None:
        return []
    arguments = command.assemble_argument_collection(parse_docstring=False)
    return [name for argument in arguments if argument.show for name in argument.names]


def _taken(error: MissingArgumentError) -> str:
    """Which option has taken what was meant to stand beside it."""
    if error.app is None or error.argument is None:
        return ""
    words = [word.partition("=")[0] for word in error.root_input_tokens or ()]
    arguments = error.app.assemble_argument_collection(parse_docstring=False)
    greedy = {name for argument in arguments if argument.parameter.consume_multiple for name in argument.names}
    option = next((word for word in words if word in greedy), None)
    if option is None:
        return ""
    return f"; {option} takes every file up to the next option, so {error.argument.name} goes before it"


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
