"""The pictures of a request of the HTTP API, each by its digest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.inputs import BESIDES, MOST_STYLES, MOST_TEMPORAL, OF_A_STYLE, Inputs, Style, Temporal
from tfstyle.rules import shown
from tfstyle.v1 import style_transfer_pb2 as pb

PICTURE_FIELDS = ("content", "styles", *BESIDES, "temporal")
STYLE_FIELDS = ("image", "weight", *OF_A_STYLE)
TEMPORAL_FIELDS = ("image", "weight", "weights")
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

    def objects(given: list[Any], of: str, fields: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any], float]]:
        """(name, object, weight) of each in a list of pictures with weights."""
        for index, each in enumerate(given):
            name = f"{of}[{index}]"
            if not isinstance(each, dict):
                violations.append(Violation(name, f"must be a JSON object; got {shown(each)}"))
                continue
            unknown = [field for field in each if field not in fields]
            violations.extend(Violation(f"{name}.{str(field)[:100]}", "there is no such field") for field in unknown)
            yield name, each, 1.0 if each.get("weight") is None else each["weight"]

    content = picture("content", body.get("content"))
    given = body.get("styles")
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_STYLES:
        violations.append(Violation("styles[0]", f"must be 1 to {MOST_STYLES} paintings"))
        given = []
    earlier = body.get("temporal") or []
    if not isinstance(earlier, list) or len(earlier) > MOST_TEMPORAL:
        violations.append(Violation("temporal", f"must be a list of up to {MOST_TEMPORAL} earlier results"))
        earlier = []
    styles = tuple(
        Style(picture(name, style.get("image")), weight, *further(style, OF_A_STYLE, f"{name}."))
        for name, style, weight in objects(given, "styles", STYLE_FIELDS)
    )
    start_picture, keep, regions = further(body, BESIDES)
    temporal = tuple(
        Temporal(picture(name, each.get("image")), weight, *further(each, ("weights",), f"{name}."))
        for name, each, weight in objects(earlier, "temporal", TEMPORAL_FIELDS)
    )
    if violations:
        raise InvalidInputError(violations)
    return Inputs(content, styles, start_picture, keep, regions, temporal)
