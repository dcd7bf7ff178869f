"""What a request asks for, checked; every violation is named by its field's path."""

from __future__ import annotations

import base64
import binascii

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.options import ProgressOptions, TransferOptions, resolve_options
from tfstyle.rules import shown
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.conversion import inputs_from_proto, options_from_proto
from tfstyle_server.paths import in_request, in_transfer

LONGEST_REQUEST_ID = 64
PAGE, LARGEST_PAGE = 50, 1000


def checked(request: pb.StylizeRequest, max_image_bytes: int) -> TransferOptions:
    """The options in force. Raises `InvalidInputError`."""
    _unfold(request)
    violations = [
        violation
        for field in ("content", "style")
        if (violation := _picture_violation(request, field, max_image_bytes))
    ]
    options = TransferOptions()
    try:
        options = resolve_options(request.preset or "default", options_from_proto(request.options))
    except InvalidInputError as error:
        violations += map(in_request, error.violations)
    try:
        ProgressOptions(**{field.name: value for field, value in request.progress.ListFields()})
    except InvalidInputError as error:
        violations += [Violation(f"progress.{v.field}", v.description) for v in error.violations]
    if violations:
        raise InvalidInputError(violations)
    return options


def checked_creation(request: pb.CreateJobRequest, max_image_bytes: int) -> TransferOptions:
    """The options of the job's transfer. Raises `InvalidInputError`."""
    violations = []
    if len(request.request_id) > LONGEST_REQUEST_ID:
        violations.append(Violation("request_id", f"has at most {LONGEST_REQUEST_ID} characters"))
    options = TransferOptions()
    try:
        options = checked(request.transfer, max_image_bytes)
    except InvalidInputError as error:
        violations += map(in_transfer, error.violations)
    if violations:
        raise InvalidInputError(violations)
    return options


def page_of(request: pb.ListJobsRequest) -> tuple[int | None, int]:
    """(the number before which the page begins, its size). Raises `InvalidInputError`."""
    if request.page_size < 0:
        raise InvalidInputError([Violation("page_size", f"must not be negative; got {request.page_size}")])
    size = min(request.page_size or PAGE, LARGEST_PAGE)
    if not request.page_token:
        return None, size
    try:
        number = int(base64.urlsafe_b64decode(request.page_token.encode()))
        if not 0 < number < 2**63:
            raise ValueError
        return number, size
    except (ValueError, binascii.Error):
        why = f"is not one that ListJobs has given: {shown(request.page_token)}"
        raise InvalidInputError([Violation("page_token", why)]) from None


def page_token(number: int) -> str:
    """The token of the page of jobs before that number."""
    return base64.urlsafe_b64encode(str(number).encode()).decode()


def _unfold(request: pb.StylizeRequest) -> None:
    """Put `inputs` of a single style without a mask into the fields that are shorthand for them."""
    if not request.HasField("inputs"):
        return
    inputs = inputs_from_proto(request)
    if len(inputs.styles) > 1 or inputs.styles[0].mask is not None:
        raise InvalidInputError([Violation("inputs", "several styles and masks are not supported yet")])
    request.ClearField("inputs")
    for field, picture in (("content", inputs.content), ("style", inputs.styles[0].picture)):
        setattr(request, field, picture.data)
        setattr(request, f"{field}_image", picture.image)


def _picture_violation(request: pb.StylizeRequest, field: str, most: int) -> Violation | None:
    picture, image = getattr(request, field), getattr(request, f"{field}_image")
    if picture and image:
        return Violation(f"{field}_image", f"is another way to send {field}; use one of the two")
    if not picture and not image:
        return Violation(field, "is empty; send a PNG, JPEG or WebP picture")
    if len(picture) > most:
        return Violation(
            field, f"is {len(picture):,} bytes; at most {most:,} are accepted (--max-image-bytes of the server)"
        )
    return None
