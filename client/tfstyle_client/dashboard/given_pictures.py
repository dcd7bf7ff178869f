"""The pictures of a request of the HTTP API, each by its digest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.inputs import BESIDES, MOST_STYLES, OF_A_STYLE, Inputs, Style
from tfstyle.rules import shown
from tfstyle.v1 import style_transfer_pb2 as pb

PICTURE_FIELDS = ("content", "styles", *BESIDES)
STYLE_FIELDS = ("image", "weight", *OF_A_STYLE)
_DIGEST = re.compile("[0-9a-f]{64}")


def is_digest(value: object) -> bool:
    """Whether it is a SHA-256 in hexadecimal, as pictures are named."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def inputs_of(body: Mapping[str, Any]) -> Inputs[pb.Picture]:
    """The pictures of a request. Raises `InvalidInputError`, naming every field at fault."""
    violations: list[Violation] = []

    def picture(name: str, digest: object) -> pb.Picture:
        if digest is None or digest == "":
            violations.append(Violation(name, "is missing; choose a picture"))
        elif not is_digest(digest):
            violations.append(Violation(name, f"must be the digest of a picture; got {shown(digest)}"))
        return pb.Picture(image=f"images/{digest}")

    def further(of: Mapping[str, Any], fields: tuple[str, ...], prefix: str = "") -> list[pb.Picture | None]:
        """Pictures that may be missing."""
        return [None if of.get(name) is None else picture(prefix + name, of[name]) for name in fields]

    content = picture("content", body.get("content"))
    given = body.get("styles")
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_STYLES:
        violations.append(Violation("styles[0]", f"must be 1 to {MOST_STYLES} paintings"))
        given = []
    styles = []
    for index, style in enumerate(given):
        name = f"styles[{index}]"
        if not isinstance(style, dict):
            violations.append(Violation(name, f"must be a JSON object; got {shown(style)}"))
            continue
        violations += [
            Violation(f"{name}.{str(field)[:100]}", "there is no such field")
            for field in style
            if field not in STYLE_FIELDS
        ]
        weight = 1.0 if style.get("weight") is None else style["weight"]
        styles.append(Style(picture(name, style.get("image")), weight, *further(style, OF_A_STYLE, f"{name}.")))
    besides = further(body, BESIDES)
    if violations:
        raise InvalidInputError(violations)
    return Inputs(content, tuple(styles), *besides)
