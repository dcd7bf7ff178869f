"""Build requests from plain values, and refuse what needs no server to be refused."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from google.protobuf.message import Message

from tfstyle import __version__
from tfstyle.errors import InvalidInputError
from tfstyle.inputs import BESIDES, OF_A_STYLE, File, Inputs, Size, Style, Temporal, inputs_from_files
from tfstyle.options import ProgressOptions, TransferOptions
from tfstyle.presets import canonical_overrides, resolve_options
from tfstyle.rules import shown
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.conversion import inputs_to_proto, options_to_proto
from tfstyle_client.errors import BadRequestError, refusal

NO_PREVIEWS = ProgressOptions()
LARGEST_INLINE = 4 * 2**20
"""Pictures of created jobs with more bytes are uploaded before, in pieces."""
PIECE_BYTES = 2**20
LONGEST_REQUEST_ID = 64
WATCHED_REPORTS = 1000
"""Reports of a job that is watched; a server keeps the latest 2,000 events by default."""
WATCHED_PREVIEWS = 50
WATCHED_SIDE = 768


def stylize_request(
    content: File,
    style: File | Style[File] | Iterable[File | Style[File]],
    preset: str = "default",
    progress: ProgressOptions = NO_PREVIEWS,
    options: Mapping[str, Any] | None = None,
    *,
    temporal: Iterable[Temporal[File]] = (),
    **pictures: File | None,
) -> pb.StylizeRequest:
    """The message; `temporal` and `pictures` are as in `inputs_from_files`.

    Raises `BadRequestError`, naming each field at fault.
    """
    try:
        inputs = inputs_from_files(content, style, temporal=temporal, **pictures)
    except InvalidInputError as error:
        raise BadRequestError(error.violations) from None
    return request_of(inputs, preset, progress, options)


def request_of(
    inputs: Inputs[bytes],
    preset: str = "default",
    progress: ProgressOptions = NO_PREVIEWS,
    options: Mapping[str, Any] | None = None,
) -> pb.StylizeRequest:
    """The message. Raises `BadRequestError`, naming each field at fault."""
    try:
        overrides = canonical_overrides(options or {})
        resolve_options(preset, overrides)
    except InvalidInputError as error:
        raise BadRequestError(error.violations) from None
    return transfer_request(inputs.map(lambda _, data: pb.Picture(data=data)), preset, progress, overrides)


def transfer_request(
    inputs: Inputs[pb.Picture], preset: str, progress: ProgressOptions, overrides: Mapping[str, Any]
) -> pb.StylizeRequest:
    """The message for checked `overrides`, as from `canonical_overrides`."""
    given = dict(overrides)
    strength = given.pop("strength", None)
    return pb.StylizeRequest(
        inputs=inputs_to_proto(inputs),
        preset=preset,
        options=options_to_proto(given),
        strength=strength,
        progress=pb.ProgressOptions(**asdict(progress)),
    )


def watchable(options: TransferOptions) -> ProgressOptions:
    """What a job reports so that a page can show it later too: its curves, and how the picture came about."""
    return ProgressOptions(
        every=-(-options.max_evaluations // WATCHED_REPORTS),
        preview_every=-(-options.max_evaluations // WATCHED_PREVIEWS),
        preview_size=WATCHED_SIDE,
        preview_format="webp",
        kept_previews=WATCHED_PREVIEWS,
    )


def sizes_from(
    content: Size,
    styles: Iterable[Size | Style[Size]],
    *,
    start_picture: Size | None = None,
    keep: Size | None = None,
    regions: Size | None = None,
    temporal: Iterable[Size] = (),
) -> Inputs[Size]:
    """The inputs as a program gives their sizes, by the names of `Inputs`. Raises `BadRequestError`."""
    given = tuple(each if isinstance(each, Style) else Style(each) for each in styles)
    try:
        return Inputs(content, given, start_picture, keep, regions, tuple(map(Temporal, temporal)))
    except InvalidInputError as error:
        raise BadRequestError(error.violations) from None


def estimate_request(
    sizes: Inputs[Size], preset: str = "default", options: Mapping[str, Any] | None = None, region_colours: int = 0
) -> pb.EstimateTransferRequest:
    """The message; `region_colours` are those of `sizes.regions`, 0 where their number is not known.

    Raises `BadRequestError`, naming each field at fault.
    """
    try:
        overrides = canonical_overrides(options or {})
        resolve_options(preset, overrides)
    except InvalidInputError as error:
        raise BadRequestError(error.violations) from None
    strength = overrides.pop("strength", None)
    messages = sizes.map(lambda _, size: pb.PictureSize(width=size[0], height=size[1]))
    return pb.EstimateTransferRequest(
        transfer=pb.StylizeRequest(preset=preset, options=options_to_proto(overrides), strength=strength),
        content=messages.content,
        styles=[style.picture for style in messages.styles],
        style_parts=[pb.StyleParts(**{part: getattr(style, part) for part in OF_A_STYLE}) for style in messages.styles],
        **{part: getattr(messages, part) for part in BESIDES},
        region_colours=region_colours,
        temporal=[earlier.picture for earlier in messages.temporal],
    )


def states_request(states: Iterable[str]) -> pb.ListJobsRequest:
    """The message for the jobs in some `states`, or all if there are none. Raises `BadRequestError`."""
    known: dict[str, Any] = {
        name.removeprefix("STATE_").lower(): number for name, number in pb.Job.State.items() if number
    }
    wanted = list(states)
    if unknown := [state for state in wanted if state not in known]:
        raise refusal("states", f"must be some of {', '.join(known)}; got {shown(unknown[0])}")
    return pb.ListJobsRequest(states=[known[state] for state in wanted])


def creation_request(transfer: pb.StylizeRequest, request_id: str | None = None) -> pb.CreateJobRequest:
    """The message, with a request id of its own where none is given, so that it can be sent again without a second job.

    Raises `BadRequestError` for an id that no server takes.
    """
    if request_id is not None and not 1 <= len(request_id) <= LONGEST_REQUEST_ID:
        raise refusal("request_id", f"must have 1 to {LONGEST_REQUEST_ID} characters; got {shown(request_id)}")
    return pb.CreateJobRequest(transfer=transfer, request_id=request_id or str(uuid.uuid4()))


def request_id_of(transfer: pb.StylizeRequest) -> str:
    """An id that two transfers share only if their pictures and options are the same, and the release of tfstyle."""
    named = pb.StylizeRequest()
    named.CopyFrom(transfer)
    for picture in _pictures(named):
        if picture.data:
            picture.image = f"images/{hashlib.sha256(picture.data).hexdigest()}"
    release = f"tfstyle {__version__}\n".encode()
    return hashlib.sha256(release + named.SerializeToString(deterministic=True)).hexdigest()


def large_pictures(transfer: pb.StylizeRequest) -> list[pb.Picture]:
    """The pictures in `transfer`, styles and masks included, that are uploaded before it is sent."""
    return [picture for picture in _pictures(transfer) if len(picture.data) > LARGEST_INLINE]


def _pictures(message: Any) -> Iterator[pb.Picture]:
    """Every picture in a message of the contract."""
    if isinstance(message, pb.Picture):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in [value] if isinstance(value, Message) else value:
                yield from _pictures(each)


def pieces(picture: bytes) -> Iterator[pb.UploadImageRequest]:
    """The messages in which a picture is uploaded."""
    for offset in range(0, len(picture), PIECE_BYTES):
        yield pb.UploadImageRequest(data=picture[offset : offset + PIECE_BYTES])


def deletions(name: str) -> Iterator[pb.DeleteJobRequest]:
    """The request to delete a job, then those for further attempts, which allow that the first one succeeded."""
    yield pb.DeleteJobRequest(name=name)
    while True:
        yield pb.DeleteJobRequest(name=name, allow_missing=True)
