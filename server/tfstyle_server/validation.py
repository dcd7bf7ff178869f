"""Checks requests and converts them to plain values. Every violation is named by its field's path in the request."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest

from google.protobuf.message import Message

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.inputs import (
    BESIDES,
    MOST_COLOURS,
    MOST_STYLES,
    MOST_TEMPORAL,
    OF_A_STYLE,
    Inputs,
    Size,
    Style,
    Temporal,
    regions_of_masks,
)
from tfstyle.options import ProgressOptions, TransferOptions
from tfstyle.presets import resolve_options
from tfstyle.rules import shown
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.conversion import inputs_from_proto, options_from_proto
from tfstyle_server import field_paths
from tfstyle_server.plan import (
    DEFAULT_PRESET,
    IMAGE_PREFIX,
    Plan,
    Sequence,
    progress_from_proto,
    sequence_from_proto,
)
from tfstyle_server.states import State

LONGEST_REQUEST_ID = 64
LONGEST_SEQUENCE_NAME = 200
LARGEST_RATE = 1000
"""Pictures per second."""
DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE = 50, 1000
LONGEST_SIDE = 10**6
"""Pixels; a picture file that has more is none."""
EMPTY_PICTURE = "is empty; send a picture file such as a PNG or JPEG"
NO_IMAGE_NAME = f'must be "{IMAGE_PREFIX}" and 64 hexadecimal digits; got {{}}'
_IMAGE_NAME = re.compile(f"{IMAGE_PREFIX}([0-9a-f]{{64}})")


@dataclass(frozen=True)
class Uploaded:
    """A picture that was uploaded before, by the SHA-256 of its bytes in hexadecimal."""

    digest: str


Source = bytes | Uploaded
"""A picture as a request has it: the file's bytes, or the name of an uploaded image."""


def checked_image(name: str) -> str:
    """The digest of the image `name`. Raises `InvalidInputError`."""
    match = _IMAGE_NAME.fullmatch(name)
    if match is None:
        raise InvalidInputError([Violation("name", NO_IMAGE_NAME.format(shown(name)))])
    return match[1]


def checked_transfer(request: pb.StylizeRequest, max_image_bytes: int) -> Plan[Source]:
    """The plan that `request` asks for. Whether uploaded images exist is not checked. Raises `InvalidInputError`.

    Copies each picture out of the message once, so for large requests call it from a thread.
    """
    inputs: Inputs[Source] | None = None
    options: TransferOptions | None = None
    progress: ProgressOptions | None = None
    violations: list[Violation] = []
    preset = request.preset or DEFAULT_PRESET
    shorthand = not request.HasField("inputs")
    try:
        inputs = _checked_inputs(request, max_image_bytes, shorthand=shorthand)
    except InvalidInputError as error:
        violations += error.violations
    try:
        strength = request.strength if request.HasField("strength") else None
        options = resolve_options(preset, {**options_from_proto(request.options), "strength": strength})
    except InvalidInputError as error:
        violations += [field_paths.in_request(violation, shorthand=shorthand) for violation in error.violations]
    try:
        progress = progress_from_proto(request.progress)
    except InvalidInputError as error:
        violations += [Violation(f"progress.{each.field}", each.description) for each in error.violations]
    sequence = sequence_from_proto(request)
    if sequence is not None:
        violations += _sequence_violations(sequence)
    if violations or inputs is None or options is None or progress is None:
        raise InvalidInputError(violations)
    return Plan(inputs, options, progress, preset, shorthand, sequence)


def _sequence_violations(sequence: Sequence) -> Iterator[Violation]:
    """What is wrong with the label of a frame."""
    if not (1 <= len(sequence.name) <= LONGEST_SEQUENCE_NAME and sequence.name.isprintable()):
        why = f"must have 1 to {LONGEST_SEQUENCE_NAME} printable characters; got {shown(sequence.name)}"
        yield Violation("sequence.name", why)
    if sequence.frames < 0:
        yield Violation("sequence.frames", f"must be a count, or 0 where it is not known; got {sequence.frames}")
    elif sequence.frame < 0 or 0 < sequence.frames <= sequence.frame:
        most = f" to {sequence.frames - 1}, because the sequence has {sequence.frames}" if sequence.frames else ""
        yield Violation("sequence.frame", f"must count from 0{most}; got {sequence.frame}")
    if not 0 <= sequence.rate <= LARGEST_RATE:
        why = f"must be pictures per second, up to {LARGEST_RATE}, or 0 where it is not known; got {sequence.rate:g}"
        yield Violation("sequence.rate", why)


def checked_creation(request: pb.CreateJobRequest, max_image_bytes: int) -> Plan[Source]:
    """The plan of the job to create, as in `checked_transfer`. Raises `InvalidInputError`."""
    violations: list[Violation] = []
    plan: Plan[Source] | None = None
    if len(request.request_id) > LONGEST_REQUEST_ID:
        violations.append(Violation("request_id", f"must have at most {LONGEST_REQUEST_ID} characters"))
    try:
        plan = checked_transfer(request.transfer, max_image_bytes)
    except InvalidInputError as error:
        violations += map(field_paths.in_creation, error.violations)
    if plan is None or violations:
        raise InvalidInputError(violations)
    return plan


def checked_estimate(request: pb.EstimateTransferRequest, max_pixels: int) -> tuple[Inputs[Size], TransferOptions, int]:
    """The sizes of the pictures, the options, and the number of regions of the transfer to estimate.

    Raises `InvalidInputError`.
    """
    violations: list[Violation] = []
    inputs: Inputs[Size] | None = None
    transfer = request.transfer
    try:
        strength = transfer.strength if transfer.HasField("strength") else None
        given = {**options_from_proto(transfer.options), "strength": strength}
        options = resolve_options(transfer.preset or DEFAULT_PRESET, given)
    except InvalidInputError as error:
        named = (field_paths.in_request(violation, shorthand=True) for violation in error.violations)
        violations += [Violation(f"transfer.{each.field}", each.description) for each in named]
    try:
        inputs = _checked_sizes(request, max_pixels)
    except InvalidInputError as error:
        violations += error.violations
    if not 0 <= request.region_colours <= MOST_COLOURS:
        violations.append(Violation("region_colours", f"must be 0 to {MOST_COLOURS}; got {request.region_colours}"))
    if inputs is None or violations:
        raise InvalidInputError(violations)
    if inputs.regions is None:
        return inputs, options, regions_of_masks(inputs)
    return inputs, options, request.region_colours or max(2, len(inputs.styles))


def _checked_sizes(request: pb.EstimateTransferRequest, max_pixels: int) -> Inputs[Size]:
    violations: list[Violation] = []

    def checked(name: str, size: pb.PictureSize) -> Size:
        if not (0 < size.width <= LONGEST_SIDE and 0 < size.height <= LONGEST_SIDE):
            violations.append(Violation(name, f"must have sides of 1 to {LONGEST_SIDE} pixels"))
        elif size.width * size.height > max_pixels:
            violations.append(Violation(name, too_many_pixels(size.width, size.height, max_pixels)))
        return size.width, size.height

    def further(message: Message, names: Iterable[str], prefix: str = "") -> list[Size | None]:
        """The sizes of pictures that may be missing."""
        return [checked(prefix + name, getattr(message, name)) if message.HasField(name) else None for name in names]

    content = checked("content", request.content)
    # One more than are accepted is enough to be refused; a message may have millions.
    styles = [checked(f"styles[{index}]", each) for index, each in enumerate(islice(request.styles, MOST_STYLES + 1))]
    if not 1 <= len(styles) <= MOST_STYLES:
        violations.append(Violation("styles", f"must be 1 to {MOST_STYLES}; got {len(request.styles)}"))
    if (given := len(request.style_parts)) > len(styles):
        complaint = f"must be at most one for each of styles, {len(styles)}; got {given}"
        violations.append(Violation("style_parts", complaint))
    parts = [
        further(each, OF_A_STYLE, f"style_parts[{index}].")
        for index, each in enumerate(islice(request.style_parts, len(styles)))
    ]
    start, keep, regions = further(request, BESIDES)
    given_before = islice(request.temporal, MOST_TEMPORAL + 1)
    earlier = [Temporal(checked(f"temporal[{index}]", each)) for index, each in enumerate(given_before)]
    if len(earlier) > MOST_TEMPORAL:
        violations.append(Violation("temporal", f"must be at most {MOST_TEMPORAL}; got {len(request.temporal)}"))
    if violations:
        raise InvalidInputError(violations)
    sized = tuple(Style(size, 1.0, *(own or ())) for size, own in zip_longest(styles, parts))
    try:
        return Inputs(content, sized, start, keep, regions, tuple(earlier))
    except InvalidInputError as error:
        raise InvalidInputError(map(field_paths.in_estimate, error.violations)) from None


def checked_page(request: pb.ListJobsRequest) -> tuple[int | None, int, frozenset[State]]:
    """(number of the job before which the page begins, or None for the first page; page size; states to list).

    Raises `InvalidInputError`.
    """
    known = frozenset(State)
    states = frozenset(islice(request.states, len(known) + 1))
    if not states <= known or len(request.states) > len(known):
        raise InvalidInputError(
            [Violation("states", f"must be some of {', '.join(each.name.lower() for each in State)}")]
        )
    wanted = frozenset(map(State, states)) or known
    if request.page_size < 0:
        raise InvalidInputError([Violation("page_size", f"must not be negative; got {request.page_size}")])
    size = min(request.page_size or DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE)
    if not request.page_token:
        return None, size, wanted
    try:
        number = int(base64.urlsafe_b64decode(request.page_token.encode()))
        if not 0 < number < 2**63:
            raise ValueError
        return number, size, wanted
    except (ValueError, binascii.Error):
        complaint = f"must be a next_page_token of ListJobs; got {shown(request.page_token)}"
        raise InvalidInputError([Violation("page_token", complaint)]) from None


def page_token(number: int) -> str:
    """The token of the page of jobs created before job `number`."""
    return base64.urlsafe_b64encode(str(number).encode()).decode()


def too_large(size: str, max_image_bytes: int) -> str:
    """What an error says of a picture of `size` that exceeds the limit."""
    return f"is {size} bytes; at most {max_image_bytes:,} are accepted; the server's --max-image-bytes sets the limit"


def too_many_pixels(width: int, height: int, max_pixels: int) -> str:
    """What an error says of a picture whose size exceeds the limit."""
    return (
        f"has {width} x {height} pixels; at most {max_pixels:,} are accepted; the server's --max-pixels sets the limit"
    )


def upload_too_large(max_image_bytes: int) -> str:
    """What an error says of an upload that exceeds the limit, whose pieces have no field with the picture's name."""
    return f"the picture is too large: it has more than {max_image_bytes:,} bytes, the server's --max-image-bytes"


def _checked_inputs(request: pb.StylizeRequest, max_image_bytes: int, *, shorthand: bool) -> Inputs[Source]:
    violations: list[Violation] = []

    def checked(name: str, picture: pb.Picture) -> Source:
        path = field_paths.of_picture(name, shorthand=shorthand)
        if picture.WhichOneof("source") == "image":
            match = _IMAGE_NAME.fullmatch(picture.image)
            if match is not None:
                return Uploaded(match[1])
            complaint = NO_IMAGE_NAME.format(shown(picture.image))
            violations.append(Violation(field_paths.of_image(name, shorthand=shorthand), complaint))
            return b""
        data: bytes = picture.data  # every access makes a copy
        if not data:
            violations.append(Violation(path, EMPTY_PICTURE))
        elif len(data) > max_image_bytes:
            violations.append(Violation(path, too_large(f"{len(data):,}", max_image_bytes)))
        return data

    try:
        inputs = inputs_from_proto(request)
    except InvalidInputError as error:
        raise InvalidInputError(
            [
                # A shorthand field that is set beside `inputs`, or twice, is named as it is.
                each
                if each.field.removesuffix("_image") in ("content", "style")
                else Violation(field_paths.of_picture(each.field, shorthand=False), each.description)
                for each in error.violations
            ]
        ) from None
    checked_inputs = inputs.map(checked)
    if violations:
        raise InvalidInputError(violations)
    return checked_inputs
