"""The names of many results, made from a template such as '{content}-{style}.png'."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from tfstyle.rules import shown
from tfstyle_client.errors import refusal
from tfstyle_client.picture_formats import FORMATS

PLACEHOLDERS: Mapping[str, str] = {
    "content": "the photo's name without its ending",
    "style": "the painting's name without its ending",
    "folder": "the name of the photo's folder",
    "number": "1, 2, 3 ..., with zeros before it",
}
DEFAULT_TEMPLATE = "{content}-{style}.png"


def checked_template(template: str) -> str:
    """The template, if it can name pictures. Raises `BadRequestError`."""
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise refusal("name", f"{shown(template)} is not a template: {error}; write {{{{ for a brace itself") from None
    known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    for _, name, form, conversion in parts:
        if name is not None and (name not in PLACEHOLDERS or form or conversion):
            given = name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
            raise refusal("name", f"there is no {shown(f'{{{given}}}')}; the placeholders are {known}")
    path = PurePosixPath(template)
    if path.is_absolute() or ".." in path.parts:
        raise refusal("name", f"must stay inside the folder of --output; got {shown(template)}")
    if path.suffix.lower() not in FORMATS:
        ending = f"the ending {shown(path.suffix)}" if path.suffix else "a name without an ending"
        raise refusal("name", f"{ending} is not supported; use one of {', '.join(FORMATS)}")
    return template


def photos_file(template: str, photo: Path, field: str) -> Path:
    """The file of a photo from what names it, such as 'masks/{content}.png'. Raises `BadRequestError`."""
    values = {"content": photo.stem, "folder": photo.resolve().parent.name}
    try:
        return Path(template.format(**values))
    except (LookupError, ValueError, AttributeError, TypeError):
        known = " and ".join(f"{{{name}}}" for name in values)
        raise refusal(
            field, f"must be a file, in whose name {known} may stand for the photo's; got {shown(template)}"
        ) from None


def stays_inside(name: str) -> bool:
    """Whether a name, perhaps with folders, is one inside the folder that it is put in."""
    return not any(part in ("", ".", "..") for part in name.split("/"))


def output_names(template: str, pairs: Sequence[tuple[Path, Path]]) -> list[str]:
    """A name for each (content, style), inside the folder of the results.

    Raises `BadRequestError` where two of them would have the same.
    """
    digits = len(str(len(pairs)))
    taken: dict[str, tuple[Path, Path]] = {}
    for number, (content, style) in enumerate(pairs, 1):
        values = {
            "content": content.stem,
            "style": style.stem,
            "folder": content.resolve().parent.name,
            "number": f"{number:0{digits}}",
        }
        name = template.format(**values)
        if not stays_inside(name):
            raise refusal("name", f"{content} and {style} would make {shown(name)}, which is no name inside a folder")
        if name in taken:
            first, second = (" and ".join(map(str, pair)) for pair in (taken[name], (content, style)))
            raise refusal("name", f"{name} would be made twice, from {first} and from {second}; use {{number}} in it")
        taken[name] = content, style
    return list(taken)
