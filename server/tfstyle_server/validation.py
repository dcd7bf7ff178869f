"""Checks requests and converts them to plain values. Every violation is named by its field's path in the request."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.inputs import Inputs
from tfstyle.options import ProgressOptions, TransferOptions, resolve_options
from tfstyle.rules import shown
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.conversion import inputs_from_proto, options_from_proto
from tfstyle_server import field_paths
from tfstyle_server.plan import DEFAULT_PRESET, IMAGE_PREFIX, Plan, progress_from_proto

LONGEST_REQUEST_ID = 64
DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE = 50, 1000
EMPTY_PICTURE = "is empty; send a picture file such as a PNG or JPEG"
_IMAGE_NAME = re.compile(f"{IMAGE_PREFIX}([0-9a-f]{{64}})")


@dataclass(frozen=True)
class Uploaded:
    """A picture that was uploaded before, by the SHA-256 of its bytes in hexadecimal."""

    digest: str


Source = bytes | Uploaded
"""A picture as a request has it: the file's bytes, or the name of an uploaded image."""


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
    if inputs is None or options is None or progress is None:
        raise InvalidInputError(violations)
    return Plan(inputs, options, progress, preset, shorthand)


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


def checked_page(request: pb.ListJobsRequest) -> tuple[int | None, int]:
    """(number of the job before which the page begins, or None for the first page; page size).

    Raises `InvalidInputError`.
    """
    if request.page_size < 0:
        raise InvalidInputError([Violation("page_size", f"must not be negative; got {request.page_size}")])
    size = min(request.page_size or DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE)
    if not request.page_token:
        return None, size
    try:
        number = int(base64.urlsafe_b64decode(request.page_token.encode()))
        if not 0 < number < 2**63:
            raise ValueError
        return number, size
    except (ValueError, binascii.Error):
        complaint = f"must be a next_page_token of ListJobs; got {shown(request.page_token)}"
        raise InvalidInputError([Violation("page_token", complaint)]) from None


def page_token(number: int) -> str:
    """The token of the page of jobs created before job `number`."""
    return base64.urlsafe_b64encode(str(number).encode()).decode()


def too_large(size: str, max_image_bytes: int) -> str:
    """What an error says of a picture of `size` that exceeds the limit."""
    return f"is {size} bytes; at most {max_image_bytes:,} are accepted; the server's --max-image-bytes sets the limit"


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
            complaint = f'must be "{IMAGE_PREFIX}" and 64 hexadecimal digits; got {shown(picture.image)}'
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
                # What does not belong to `styles` is a shorthand field that is set beside `inputs`, or twice.
                Violation(f"inputs.{each.field}", each.description) if each.field.startswith("styles") else each
                for each in error.violations
            ]
        ) from None
    checked_inputs = inputs.map(checked)
    if violations:
        raise InvalidInputError(violations)
    return checked_inputs
