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
MOST_TEMPORAL = 8
"""References to earlier results."""
OF_A_STYLE = ("mask", "region", "regions")
"""Fields of `Style` with a picture that may be missing."""
BESIDES = ("start_picture", "keep", "regions")
"""Fields of `Inputs` with a picture that may be missing."""
MASKS = frozenset({"mask", "region", "regions", "keep", "weights"})
"""Fields whose pictures say where something applies."""
MOST_COLOURS = 16
"""Flat colours of a map of regions."""
LEAST_SHARE = 0.001
"""A colour with a smaller share of a map of flat colours belongs to the edges between them."""
Size = tuple[int, int]
"""(width, height) of a picture in pixels."""
_STYLE_NAME = re.compile(r"style(s\[[0-9]\])?")
_TEMPORAL_NAME = re.compile(r"temporal\[[0-9]\]")
File = bytes | bytearray | memoryview
"""The contents of a picture file."""


@dataclass(frozen=True)
class Style(Generic[Form]):
    """A style picture, its `weight` relative to the other styles, and where it is taken from and where it goes.

    `mask` is a grey picture with the style picture's aspect ratio. It sets the weight of each part of the style picture
    in the statistics: full where white, proportional where grey, none where black. None means full weight everywhere.
    `region` is a grey picture with the content picture's aspect ratio: the style is painted where it is white, in
    proportion where it is grey. Styles without one share what the regions of the others leave.
    `regions` is a picture of flat colours with the style picture's aspect ratio. What has a colour in it is the style
    of what has that colour in `Inputs.regions`. A style without one serves every colour.
    """

    picture: Form
    weight: float = 1.0
    mask: Form | None = None
    region: Form | None = None
    regions: Form | None = None


@dataclass(frozen=True)
class Temporal(Generic[Form]):
    """An earlier result of a sequence of pictures, moved to where its parts are in the content picture.

    The result is held to `picture` where `weights`, a grey picture, are white, in proportion where they are grey, and
    not at all where they are black, as they should be where the earlier result does not show what is there now. None
    means everywhere. `weight` multiplies the option `temporal_weight`. Both have the content picture's aspect ratio.
    """

    picture: Form
    weight: float = 1.0
    weights: Form | None = None


@dataclass(frozen=True)
class Inputs(Generic[Form]):
    """The content picture and 1 to `MOST_STYLES` styles, whose statistics are averaged by weight.

    All other pictures have the content picture's aspect ratio. `start_picture` is what the transfer starts from, in
    place of the content picture. `keep` is grey: where it is white, the result is the content picture, and where it is
    grey, a mixture. `regions` has a flat colour for each region (see `Style`). `temporal` are up to `MOST_TEMPORAL`
    earlier results that the picture is to follow.

    Raises `InvalidInputError` for a wrong number of styles, for weights that are not numbers from 0 to
    `LARGEST_WEIGHT`, for styles' weights that are all 0, and for regions of which the other half is missing.
    """

    content: Form
    styles: tuple[Style[Form], ...]
    start_picture: Form | None = None
    keep: Form | None = None
    regions: Form | None = None
    temporal: tuple[Temporal[Form], ...] = ()

    def __post_init__(self) -> None:
        violations = []
        if not 1 <= len(self.styles) <= MOST_STYLES:
            violations.append(Violation("styles", f"must be 1 to {MOST_STYLES}; got {len(self.styles)}"))
        if len(self.temporal) > MOST_TEMPORAL:
            violations.append(Violation("temporal", f"must be at most {MOST_TEMPORAL}; got {len(self.temporal)}"))
        weights = [(f"styles[{index}]", style.weight) for index, style in enumerate(self.styles)]
        for name, weight in [*weights, *((name, each.weight) for name, each in self.named_temporal())]:
            is_number = isinstance(weight, (int, float)) and not isinstance(weight, bool)
            if not (is_number and 0 <= weight <= LARGEST_WEIGHT):
                complaint = f"must be a number from 0 to {number(LARGEST_WEIGHT)}; got {shown(weight)}"
                violations.append(Violation(f"{name}.weight", complaint))
        if not violations and not any(style.weight for style in self.styles):
            violations.append(Violation("styles", "must not all have the weight 0"))
        violations += self._regions_violations()
        if violations:
            raise InvalidInputError(violations)

    def _regions_violations(self) -> list[Violation]:
        """What is missing in the regions, or given twice."""
        names = dict(zip(self._style_names(), self.styles, strict=True))
        mapped = [name for name, style in names.items() if style.regions is not None]
        if self.regions is None:
            why = "needs the regions of the content picture in the same colours: give regions"
            return [Violation(f"{name}.regions", why) for name in mapped]
        if not mapped:
            return [Violation("regions", "needs the regions of a style picture in the same colours")]
        why = "cannot be combined with regions of flat colours; give only one of the two"
        return [Violation(f"{name}.region", why) for name, style in names.items() if style.region is not None]

    def _style_names(self) -> list[str]:
        return ["style"] if len(self.styles) == 1 else [f"styles[{index}]" for index in range(len(self.styles))]

    @property
    def shares(self) -> tuple[float, ...]:
        """Each style's weight as a share of their sum."""
        total = math.fsum(style.weight for style in self.styles)
        return tuple(style.weight / total for style in self.styles)

    def pictures(self) -> Iterator[tuple[str, Form]]:
        """(name, picture) of every picture: "content", then "style", or "styles[0]" ... if there are several.

        What belongs to a style has the style's name and its own, as "style.mask". The fields of `BESIDES` follow, and
        "temporal[0]", "temporal[0].weights" ...
        """
        yield "content", self.content
        for name, style in self.named_styles():
            yield name, style.picture
            for part in OF_A_STYLE:
                if (picture := getattr(style, part)) is not None:
                    yield f"{name}.{part}", picture
        for part in BESIDES:
            if (picture := getattr(self, part)) is not None:
                yield part, picture
        for name, temporal in self.named_temporal():
            yield name, temporal.picture
            if temporal.weights is not None:
                yield f"{name}.weights", temporal.weights

    def named_temporal(self) -> Iterator[tuple[str, Temporal[Form]]]:
        """(name as in `pictures`, reference) of every reference to an earlier result."""
        return ((f"temporal[{index}]", temporal) for index, temporal in enumerate(self.temporal))

    def named_styles(self) -> Iterator[tuple[str, Style[Form]]]:
        """(name as in `pictures`, style) of every style."""
        return zip(self._style_names(), self.styles, strict=True)

    def map(self, convert: Callable[[str, Form], Other]) -> Inputs[Other]:
        """The same inputs with each picture replaced by `convert(name, picture)`, called in the order of `pictures`."""
        converted = {name: convert(name, picture) for name, picture in self.pictures()}
        styles = tuple(
            Style(converted[name], style.weight, *(converted.get(f"{name}.{part}") for part in OF_A_STYLE))
            for name, style in self.named_styles()
        )
        temporal = tuple(
            Temporal(converted[name], each.weight, converted.get(f"{name}.weights"))
            for name, each in self.named_temporal()
        )
        start_picture, keep, regions = map(converted.get, BESIDES)
        return Inputs(converted["content"], styles, start_picture, keep, regions, temporal)


def regions_of_masks(inputs: Inputs[Any]) -> int:
    """The number of regions with style pictures of their own, where `Inputs.regions` is not set.

    One for each style that has a `region`, and one for what they leave to the others, or what `keep` leaves.
    """
    own = sum(style.region is not None for style in inputs.styles)
    return own + (own < len(inputs.styles)) if own else int(inputs.keep is not None)


def is_mask(name: str) -> bool:
    """Whether the picture of that name in `Inputs.pictures` says where something applies."""
    return name.rpartition(".")[2] in MASKS


def inputs_from_files(
    content: File,
    style: File | Style[File] | Iterable[File | Style[File]],
    *,
    start_picture: File | None = None,
    keep: File | None = None,
    regions: File | None = None,
    temporal: Iterable[Temporal[File]] = (),
) -> Inputs[bytes]:
    """The inputs as a program gives them: the bytes of a content picture, and of one or several style pictures.

    A style picture with a weight, a mask or a region is a `Style`; the other pictures are those of `Inputs`.
    Raises `InvalidInputError` for anything else, such as a path, and as `Inputs` does.
    """
    given = (style,) if isinstance(style, (File, Style)) or not isinstance(style, Iterable) else tuple(style)
    if isinstance(style, str):
        given = (style,)
    styles = [each if isinstance(each, Style) else Style(each) for each in given]
    return Inputs(content, tuple(styles), start_picture, keep, regions, tuple(temporal)).map(_file)


def _file(name: str, picture: object) -> bytes:
    if not isinstance(picture, File):
        complaint = f"must be the bytes of a picture file; got {shown(picture)}"
        raise InvalidInputError([Violation(name, complaint)])
    return picture if isinstance(picture, bytes) else bytes(picture)


def inputs_by_name(pictures: Mapping[str, Form], weights: Mapping[str, float]) -> Inputs[Form]:
    """The inputs whose `pictures()` are these; `weights` has those of styles and references, by the same names.

    Raises `InvalidInputError` for pictures that are not those of a transfer, and as `Inputs` does.
    """
    names = [name for name in pictures if _STYLE_NAME.fullmatch(name)]
    styles = tuple(
        Style(pictures[name], weights.get(name, 1.0), *(pictures.get(f"{name}.{part}") for part in OF_A_STYLE))
        for name in names
    )
    refusal = InvalidInputError(
        [Violation("pictures", f"must be those of a transfer in this release; got {', '.join(pictures)}")]
    )
    if "content" not in pictures:
        raise refusal
    temporal = tuple(
        Temporal(pictures[name], weights.get(name, 1.0), pictures.get(f"{name}.weights"))
        for name in pictures
        if _TEMPORAL_NAME.fullmatch(name)
    )
    start_picture, keep, regions = map(pictures.get, BESIDES)
    found = Inputs(pictures["content"], styles, start_picture, keep, regions, temporal)
    if dict(found.pictures()).keys() != pictures.keys():
        raise refusal
    return found


def content_and_style(content: Form, style: Form) -> Inputs[Form]:
    """The usual inputs: one content picture and one style picture."""
    return Inputs(content, (Style(style),))
