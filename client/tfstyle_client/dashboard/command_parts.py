"""What the commands of all kinds of jobs have in common: options, and how the server is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tfstyle.errors import InvalidInputError
from tfstyle.options import ALIASES, RULES
from tfstyle.presets import resolve_options, strength_of
from tfstyle.rules import ListRule
from tfstyle_client.dashboard.option_table import plain
from tfstyle_client.dashboard.settings import Public

_SPELLINGS = {name: alias for alias, name in ALIASES.items()}


@dataclass(frozen=True)
class Surroundings:
    """The server as others reach it, and whether it wants a token."""

    server: Public
    token: bool

    def flags(self) -> list[str]:
        """The flags of the command line."""
        tls = ["--tls"] if self.server.tls else []
        return ["--server", self.server.server, *tls, *(["--token-file", "TOKEN-FILE"] if self.token else [])]

    def imports(self) -> str:
        """The line of Python that imports what `client` needs."""
        names = "Client, Credentials" if self.server.tls or self.token else "Client"
        return f"from tfstyle_client import {names}"

    def client(self) -> str:
        """The line of Python that connects, and begins a block."""
        arguments = [repr(self.server.server)]
        shown = ["tls=True"] if self.server.tls else []
        shown += ['token=Path("TOKEN-FILE").read_text().strip()'] if self.token else []
        if shown:
            arguments.append(f"credentials=Credentials({', '.join(shown)})")
        return f"with Client({', '.join(arguments)}) as client:"


def given_options(request: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a request that differ from its preset with these `defaults`, as people name them."""
    try:
        base = resolve_options(request["preset"], defaults)
    except InvalidInputError:  # of another release
        return {_SPELLINGS.get(name, name): value for name, value in request["changed"].items()}
    strength, given = request["strength"], {}
    if strength not in (None, strength_of(base)):
        given["strength"] = strength
        base = resolve_options(request["preset"], {**defaults, "strength": strength})
    usual = {name: plain(name, value) for name, value in asdict(base).items()}
    changed = {name: value for name, value in request["options"].items() if value != usual.get(name)}
    return given | {_SPELLINGS.get(name, name): value for name, value in changed.items()}


def flags(given: Mapping[str, Any]) -> list[str]:
    """Options on the command line."""
    return [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def python_options(preset: str, given: Mapping[str, Any]) -> list[str]:
    """The preset and options as arguments in Python."""
    named = [] if preset == "default" else [f"preset={preset!r}"]
    return [*named, *(f"{name}={_literal(name, value)}" for name, value in given.items())]


def read(file: str) -> str:
    """A file's bytes in Python."""
    return f'Path("{file}").read_bytes()'


def _literal(name: str, value: Any) -> str:
    """The value of an option in Python: lists are tuples there."""
    rule = RULES.get(ALIASES.get(name, name))
    if isinstance(rule, ListRule) and isinstance(value, str):
        return repr(tuple(tuple(item) if isinstance(item, tuple) else item for item in rule.parse(value)))
    return repr(value)
