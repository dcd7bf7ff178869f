"""Make a request from plain values, refusing here what needs no server to be refused."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from tfstyle.errors import InvalidInputError
from tfstyle.options import ProgressOptions, canonical_overrides, resolve_options
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.conversion import options_to_proto
from tfstyle_client.errors import BadRequestError

CHANNEL_OPTIONS = [
    ("grpc.max_receive_message_length", 16 * 2**20),
    ("grpc.max_send_message_length", -1),
    # Notice within half a minute that a server has vanished without closing the connection.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # A server that is back is found soon; the default waits up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 3_000),
]
LARGEST_INLINE = 4 * 2**20
"""Bytes from which a job's picture is uploaded before, in pieces."""
PIECE_BYTES = 2**20


def stylize_request(
    content: bytes, style: bytes, preset: str, progress: ProgressOptions, options: dict[str, Any]
) -> pb.StylizeRequest:
    """The message. Raises `BadRequestError` naming each option at fault."""
    try:
        given = canonical_overrides(options)
        resolve_options(preset, given)
    except InvalidInputError as error:
        raise BadRequestError(error.violations) from None
    return pb.StylizeRequest(
        content=content,
        style=style,
        preset=preset,
        options=options_to_proto(given),
        progress=pb.ProgressOptions(
            every=progress.every, preview_every=progress.preview_every, preview_size=progress.preview_size
        ),
    )


def creation_request(
    content: bytes, style: bytes, preset: str, progress: ProgressOptions, options: dict[str, Any]
) -> pb.CreateJobRequest:
    """The message, under a request id of its own, so that it may be sent again. Raises `BadRequestError`."""
    transfer = stylize_request(content, style, preset, progress, options)
    return pb.CreateJobRequest(transfer=transfer, request_id=str(uuid.uuid4()))


def large_pictures(transfer: pb.StylizeRequest) -> dict[str, bytes]:
    """{field: picture} of the pictures in `transfer` that are to be uploaded."""
    pictures = {field: getattr(transfer, field) for field in ("content", "style")}
    return {field: data for field, data in pictures.items() if len(data) > LARGEST_INLINE}


def name_image(transfer: pb.StylizeRequest, field: str, image: pb.Image) -> None:
    """Put the name of an uploaded image in place of the picture in `field`."""
    transfer.ClearField(field)
    setattr(transfer, f"{field}_image", image.name)


def pieces(picture: bytes) -> Iterator[pb.UploadImageRequest]:
    """A picture as it is uploaded."""
    for offset in range(0, len(picture), PIECE_BYTES):
        yield pb.UploadImageRequest(data=picture[offset : offset + PIECE_BYTES])


def deletions(name: str) -> Iterator[pb.DeleteJobRequest]:
    """The request to delete a job, and what to send where no answer comes: then it may have been done already."""
    yield pb.DeleteJobRequest(name=name)
    while True:
        yield pb.DeleteJobRequest(name=name, allow_missing=True)
