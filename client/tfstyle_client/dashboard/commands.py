"""The command line, and the Python call, that make the same picture as a job."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tfstyle.canvas import texture_options
from tfstyle.inputs import BESIDES, OF_A_STYLE, Size
from tfstyle_client.dashboard.command_parts import Surroundings, flags, given_options, python_options, read
from tfstyle_client.dashboard.letter_commands import letter_commands
from tfstyle_client.dashboard.settings import Public
from tfstyle_client.lettering.recipe import Words

_STYLE_OPTIONS = {"mask": "mask", "region": "region", "regions": "style-regions"}
"""{field of a style: the option that names its files, and the name of these}."""
_OPTIONS = {"start_picture": "start", "keep": "keep", "regions": "regions"}
"""The same for pictures of which there is one."""
assert (set(_STYLE_OPTIONS), set(_OPTIONS)) == (set(OF_A_STYLE), set(BESIDES))


def commands_of(
    request: Mapping[str, Any], server: Public, *, token: bool, drawn: Size | Words | None = None
) -> dict[str, str]:
    """{"cli": ..., "python": ...} for a job's request as `json_forms` has it.

    `drawn` is the size of a texture, or the words of letters. The names of the files are not known to the server.
    `token` tells whether the server wants one.
    """
    given = given_options(request, {})
    if isinstance(drawn, Words):
        return letter_commands(request, given, drawn, Surroundings(server, token))
    python = _python(request, given, Surroundings(server, token), size=drawn)
    return {"cli": _cli(request, Surroundings(server, token), size=drawn), "python": python}


def _cli(request: Mapping[str, Any], where: Surroundings, *, size: Size | None) -> str:
    styles = request["styles"]
    if request["temporal"]:
        return (
            "# one picture of a sequence, which follows earlier results; tfstyle video makes all of it, Python this one"
        )
    paintings = [str(name) for name in _names("painting", "jpg", styles, "image")]
    words = ["tfstyle", "stylize", "photo.jpg", *paintings]
    given = given_options(request, {})
    if size is not None:
        words = ["tfstyle", "texture", *paintings, "--size", f"{size[0]}x{size[1]}"]
        given = given_options(request, texture_options(size, request["preset"], {}))
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
    # A file in place of a kind of start.
    words += flags({name: value for name, value in given.items() if not (name == "start" and request["start_picture"])})
    return shlex.join([*words, *where.flags()])


def _names(stem: str, ending: str, styles: Sequence[Mapping[str, Any]], field: str) -> list[str | None]:
    """A name for the file of each style's picture in that field; they are numbered if there are several styles."""
    numbers: Sequence[object] = range(1, len(styles) + 1) if len(styles) > 1 else ("",)
    return [f"{stem}{number}.{ending}" if style[field] else None for number, style in zip(numbers, styles, strict=True)]


def _python(request: Mapping[str, Any], given: Mapping[str, Any], where: Surroundings, *, size: Size | None) -> str:
    lines = ["from pathlib import Path", ""]
    styles = request["styles"]
    plain = len(styles) == 1 and not any(styles[0][name] for name in OF_A_STYLE)
    records = [name for name, used in (("Style", not plain), ("Temporal", request["temporal"])) if used]
    if records:
        lines.append(f"from tfstyle import {', '.join(records)}")
    photo = read("photo.jpg")
    if size is not None:
        lines.append("from tfstyle.canvas import canvas")
        photo = f"canvas({size})"
    lines += [where.imports(), "", f"photo = {photo}"]
    if plain:
        lines.append(f"style = {read('painting.jpg')}")
    else:
        lines += ["style = [", *(f"    {style}," for style in _python_styles(styles)), "]"]
    if request["temporal"]:
        lines += ["earlier = [", *(f"    {each}," for each in _python_temporal(request["temporal"])), "]"]
    lines.append(where.client())
    options = [f"{name}={read(f'{option}.png')}" for name, option in _OPTIONS.items() if request[name]]
    options += ["temporal=earlier"] if request["temporal"] else []
    call = ", ".join(["photo", "style", *options, *python_options(request["preset"], given)])
    lines += [f"    job = client.create({call})", '    Path("picture.png").write_bytes(job.result().png)', ""]
    return "\n".join(lines)


def _python_styles(styles: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The styles as calls of `Style`."""
    files = {name: _names(option, "png", styles, name) for name, option in _STYLE_OPTIONS.items()}
    for index, (style, painting) in enumerate(zip(styles, _names("painting", "jpg", styles, "image"), strict=True)):
        weight = f"weight={style['weight']}"
        parts = [f"{name}={read(found)}" for name, names in files.items() if (found := names[index])]
        yield f"Style({', '.join([read(str(painting)), weight, *parts])})"


def _python_temporal(temporal: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The earlier results as calls of `Temporal`."""
    for number, each in enumerate(temporal, 1):
        weights = f", weights={read(f'weights{number}.png')}" if each["weights"] else ""
        yield f"Temporal({read(f'earlier{number}.png')}, weight={each['weight']}{weights})"
