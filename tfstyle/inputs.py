"""The inputs of a transfer: one content picture and one or more styles, generic over the form of the pictures.

The client holds pictures as bytes, the server as names of stored files, the engine as decoded pixels. All three use
the same record; `Inputs.map` converts one form to another and names each picture for error messages.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.rules import LARGEST_WEIGHT, number, shown

Form = TypeVar("Form")
Other = TypeVar("Other")

MOST_STYLES = 8
Size = tuple[int, int]
"""(width, height) of a picture in pixels."""
_STYLE_NAME = re.compile(r"(style(?:s\[([0-9])\])?)(?:\.(\w+))?")
File = bytes | bytearray | memoryview
"""The contents of a picture file."""


@dataclass(frozen=True)
class Style(Generic[Form]):
    """A style picture, its `weight` relative to the other styles, and a mask.

    `mask` is a grey picture with the style picture's aspect ratio. It sets the weight of each part of the style picture
    in the statistics: full where white, proportional where grey, none where black. None means full weight everywhere.
    """

    picture: Form
    weight: float = 1.0
    mask: Form | None = None


@dataclass(frozen=True)
class Inputs(Generic[Form]):
    """The content picture and 1 to `MOST_STYLES` styles, whose statistics are averaged by weight.

    Raises `InvalidInputError` for a wrong number of styles, and for weights that are not numbers from 0 to
    `LARGEST_WEIGHT` or that are all 0.
    """

    content: Form
    styles: tuple[Style[Form], ...]

    def __post_init__(self) -> None:
        violations = []
        if not 1 <= len(self.styles) <= MOST_STYLES:
            violations.append(Violation("styles", f"must be 1 to {MOST_STYLES}; got {len(self.styles)}"))
        for index, style in enumerate(self.styles):
            weight = style.weight
            is_number = isinstance(weight, (int, float)) and not isinstance(weight, bool)
            if not (is_number and 0 <= weight <= LARGEST_WEIGHT):
                complaint = f"must be a number from 0 to {number(LARGEST_WEIGHT)}; got {shown(weight)}"
                violations.append(Violation(f"styles[{index}].weight", complaint))
        if not violations and not any(style.weight for style in self.styles):
            violations.append(Violation("styles", "must not all have the weight 0"))
        if violations:
            raise InvalidInputError(violations)

    @property
    def shares(self) -> tuple[float, ...]:
        """Each style's weight as a share of their sum."""
        total = math.fsum(style.weight for style in self.styles)
        return tuple(style.weight / total for style in self.styles)

    def pictures(self) -> Iterator[tuple[str, Form]]:
        """(name, picture) of every picture: "content", then "style", or "styles[0]" ... if there are several.

        A mask's name is that of its style followed by ".mask".
        """
        yield "content", self.content
        for name, style in self.named_styles():
            yield name, style.picture
            if style.mask is not None:
                yield f"{name}.mask", style.mask

    def named_styles(self) -> Iterator[tuple[str, Style[Form]]]:
        """(name, style) of every style; the name is that of its picture in `pictures`."""
        for index, style in enumerate(self.styles):
            yield "style" if len(self.styles) == 1 else f"styles[{index}]", style

    def map(self, convert: Callable[[str, Form], Other]) -> Inputs[Other]:
        """The same inputs with each picture replaced by `convert(name, picture)`, called in the order of `pictures`."""
        converted = iter([convert(name, picture) for name, picture in self.pictures()])
        content = next(converted)
        styles = tuple(
            Style(next(converted), style.weight, None if style.mask is None else next(converted))
            for style in self.styles
        )
        return Inputs(content, styles)


def inputs_from_files(content: File, style: File | Style[File] | Iterable[File | Style[File]]) -> Inputs[bytes]:
    """The inputs as a program gives them: the bytes of a content picture, and of one or several style pictures.

    A style picture with a weight or a mask is a `Style`. Raises `InvalidInputError` for anything else, such as a path,
    and as `Inputs` does.
    """
    given = (style,) if isinstance(style, (File, Style)) or not isinstance(style, Iterable) else tuple(style)
    if isinstance(style, str):
        given = (style,)
    styles = [each if isinstance(each, Style) else Style(each) for each in given]
    return Inputs(content, tuple(styles)).map(_file)


def _file(name: str, picture: object) -> bytes:
    if not isinstance(picture, File):
        complaint = f"must be the bytes of a picture file; got {shown(picture)}"
        raise InvalidInputError([Violation(name, complaint)])
    return picture if isinstance(picture, bytes) else bytes(picture)


def inputs_by_name(pictures: Mapping[str, Form], weights: Mapping[str, float]) -> Inputs[Form]:
    """The inputs whose `pictures()` are these; `weights` has those of the styles, by the same names.

    Raises `InvalidInputError` for pictures that are not those of a transfer, and as `Inputs` does.
    """
    others: dict[str, Any] = {}
    styles: dict[int, dict[str, Any]] = {}
    for name, picture in pictures.items():
        match = _STYLE_NAME.fullmatch(name)
        if match is None:
            others[name] = picture
            continue
        style = styles.setdefault(int(match[2] or 0), {"weight": weights.get(match[1], 1.0)})
        style[match[3] or "picture"] = picture
    try:
        return Inputs(styles=tuple(Style(**styles[index]) for index in sorted(styles)), **others)
    except TypeError:  # a field that is missing, or is none
        complaint = f"must be those of a transfer in this release; got {', '.join(pictures)}"
        raise InvalidInputError([Violation("pictures", complaint)]) from None


def content_and_style(content: Form, style: Form) -> Inputs[Form]:
    """The usual inputs: one content picture and one style picture."""
    return Inputs(content, (Style(style),))
