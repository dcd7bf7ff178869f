"""The command line, and the Python call, that make the same picture as a job."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from tfstyle.options import ALIASES, RULES
from tfstyle.presets import PRESETS, strength_of
from tfstyle.rules import ListRule
from tfstyle_client.dashboard.settings import Public

_SPELLINGS = {name: alias for alias, name in ALIASES.items()}


def commands_of(request: Mapping[str, Any], server: Public, *, token: bool) -> dict[str, str]:
    """{"cli": ..., "python": ...} for a job's request as `json_forms` has it.

    The names of the picture files are not known to the server. `token` tells whether the server wants one.
    """
    strength = request["strength"]
    given = {} if strength in (None, strength_of(PRESETS[request["preset"]])) else {"strength": strength}
    given |= {_SPELLINGS.get(name, name): value for name, value in request["changed"].items()}
    return {
        "cli": _cli(request, given, server, token=token),
        "python": _python(request, given, server, token=token),
    }


def _cli(request: Mapping[str, Any], given: Mapping[str, Any], server: Public, *, token: bool) -> str:
    styles = request["styles"]
    if len(styles) > 1 or styles[0]["mask"]:
        return "# the command line takes one painting without a mask; use Python"
    words = ["tfstyle", "stylize", "photo.jpg", "painting.jpg", "-o", "picture.png"]
    if request["preset"] != "default":
        words += ["--preset", request["preset"]]
    for name, value in given.items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    words += ["--server", server.server]
    if server.tls:
        words.append("--tls")
    if token:
        words += ["--token-file", "TOKEN-FILE"]
    return shlex.join(words)


def _python(request: Mapping[str, Any], given: Mapping[str, Any], server: Public, *, token: bool) -> str:
    lines = ["from pathlib import Path", ""]
    names = [name for name, used in (("Client", True), ("Credentials", server.tls or token)) if used]
    styles = request["styles"]
    plain = len(styles) == 1 and not styles[0]["mask"]
    if not plain:
        lines.append("from tfstyle import Style")
    lines += [f"from tfstyle_client import {', '.join(names)}", "", 'photo = Path("photo.jpg").read_bytes()']
    if plain:
        lines.append('style = Path("painting.jpg").read_bytes()')
    else:
        lines.append("style = [")
        for number, style in enumerate(styles, 1):
            mask = f', mask=Path("mask{number}.png").read_bytes()' if style["mask"] else ""
            lines.append(f'    Style(Path("painting{number}.jpg").read_bytes(), weight={style["weight"]}{mask}),')
        lines.append("]")
    arguments = [repr(server.server)]
    if len(names) > 1:
        shown = ["tls=True"] if server.tls else []
        shown += ['token=Path("TOKEN-FILE").read_text().strip()'] if token else []
        arguments.append(f"credentials=Credentials({', '.join(shown)})")
    lines.append(f"with Client({', '.join(arguments)}) as client:")
    options = [] if request["preset"] == "default" else [f"preset={request['preset']!r}"]
    options += [f"{name}={_literal(name, value)}" for name, value in given.items()]
    call = ", ".join(["photo", "style", *options])
    lines += [f"    job = client.create({call})", '    Path("picture.png").write_bytes(job.result().png)', ""]
    return "\n".join(lines)


def _literal(name: str, value: Any) -> str:
    """The value of an option in Python: lists are tuples there."""
    rule = RULES.get(ALIASES.get(name, name))
    if isinstance(rule, ListRule) and isinstance(value, str):
        return repr(tuple(tuple(item) if isinstance(item, tuple) else item for item in rule.parse(value)))
    return repr(value)
