"""The command line, and the Python call, that make the same picture as a job."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tfstyle.inputs import BESIDES, OF_A_STYLE
from tfstyle.options import ALIASES, RULES
from tfstyle.presets import PRESETS, strength_of
from tfstyle.rules import ListRule
from tfstyle_client.dashboard.settings import Public

_STYLE_OPTIONS = {"mask": "mask", "region": "region", "regions": "style-regions"}
"""{field of a style: the option that names its files, and the name of these}."""
_OPTIONS = {"start_picture": "start", "keep": "keep", "regions": "regions"}
"""The same for pictures of which there is one."""
assert (set(_STYLE_OPTIONS), set(_OPTIONS)) == (set(OF_A_STYLE), set(BESIDES))
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
    if request["temporal"]:
        return (
            "# one picture of a sequence, which follows earlier results; tfstyle video makes all of it, Python this one"
        )
    words = ["tfstyle", "stylize", "photo.jpg", *filter(None, _names("painting", "jpg", styles, "image"))]
    for name, option in _STYLE_OPTIONS.items():
        files = _names(option, "png", styles, name)
        if None in files[: sum(map(bool, files))]:
            return f"# the command line gives --{option} to the first paintings, and not to some in between; use Python"
        if any(files):
            words += [f"--{option}", *filter(None, files)]
    weights = [style["weight"] for style in styles]
    if set(weights) != {1}:
        words += ["--blend", ",".join(map(str, weights))]
    for name, option in _OPTIONS.items():
        if request[name]:
            words += [f"--{option}", f"{option}.png"]
    words += ["-o", "picture.png"]
    if request["preset"] != "default":
        words += ["--preset", request["preset"]]
    for name, value in given.items():
        # A file in place of a kind of start.
        if not (name == "start" and request["start_picture"]):
            words += [f"--{name.replace('_', '-')}", str(value)]
    words += ["--server", server.server]
    if server.tls:
        words.append("--tls")
    if token:
        words += ["--token-file", "TOKEN-FILE"]
    return shlex.join(words)


def _names(stem: str, ending: str, styles: Sequence[Mapping[str, Any]], field: str) -> list[str | None]:
    """A name for the file of each style's picture in that field; they are numbered if there are several styles."""
    numbers: Sequence[object] = range(1, len(styles) + 1) if len(styles) > 1 else ("",)
    return [f"{stem}{number}.{ending}" if style[field] else None for number, style in zip(numbers, styles, strict=True)]


def _python(request: Mapping[str, Any], given: Mapping[str, Any], server: Public, *, token: bool) -> str:
    lines = ["from pathlib import Path", ""]
    names = [name for name, used in (("Client", True), ("Credentials", server.tls or token)) if used]
    styles = request["styles"]
    plain = len(styles) == 1 and not any(styles[0][name] for name in OF_A_STYLE)
    records = [name for name, used in (("Style", not plain), ("Temporal", request["temporal"])) if used]
    if records:
        lines.append(f"from tfstyle import {', '.join(records)}")
    lines += [f"from tfstyle_client import {', '.join(names)}", "", f"photo = {_read('photo.jpg')}"]
    if plain:
        lines.append(f"style = {_read('painting.jpg')}")
    else:
        lines += ["style = [", *(f"    {style}," for style in _python_styles(styles)), "]"]
    arguments = [repr(server.server)]
    if len(names) > 1:
        shown = ["tls=True"] if server.tls else []
        shown += ['token=Path("TOKEN-FILE").read_text().strip()'] if token else []
        arguments.append(f"credentials=Credentials({', '.join(shown)})")
    if request["temporal"]:
        lines += ["earlier = [", *(f"    {each}," for each in _python_temporal(request["temporal"])), "]"]
    lines.append(f"with Client({', '.join(arguments)}) as client:")
    options = [f"{name}={_read(f'{option}.png')}" for name, option in _OPTIONS.items() if request[name]]
    options += ["temporal=earlier"] if request["temporal"] else []
    options += [] if request["preset"] == "default" else [f"preset={request['preset']!r}"]
    options += [f"{name}={_literal(name, value)}" for name, value in given.items()]
    call = ", ".join(["photo", "style", *options])
    lines += [f"    job = client.create({call})", '    Path("picture.png").write_bytes(job.result().png)', ""]
    return "\n".join(lines)


def _python_styles(styles: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The styles as calls of `Style`."""
    files = {name: _names(option, "png", styles, name) for name, option in _STYLE_OPTIONS.items()}
    for index, (style, painting) in enumerate(zip(styles, _names("painting", "jpg", styles, "image"), strict=True)):
        weight = f"weight={style['weight']}"
        parts = [f"{name}={_read(found)}" for name, names in files.items() if (found := names[index])]
        yield f"Style({', '.join([_read(str(painting)), weight, *parts])})"


def _python_temporal(temporal: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The earlier results as calls of `Temporal`."""
    for number, each in enumerate(temporal, 1):
        weights = f", weights={_read(f'weights{number}.png')}" if each["weights"] else ""
        yield f"Temporal({_read(f'earlier{number}.png')}, weight={each['weight']}{weights})"


def _read(file: str) -> str:
    return f'Path("{file}").read_bytes()'


def _literal(name: str, value: Any) -> str:
    """The value of an option in Python: lists are tuples there."""
    rule = RULES.get(ALIASES.get(name, name))
    if isinstance(rule, ListRule) and isinstance(value, str):
        return repr(tuple(tuple(item) if isinstance(item, tuple) else item for item in rule.parse(value)))
    return repr(value)
