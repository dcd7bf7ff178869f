"""Make a request from plain values, refusing here what needs no server to be refused."""

from __future__ import annotations

from typing import Any

from tfstyle.errors import InvalidInputError
from tfstyle.options import ProgressOptions, resolve_options
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.conversion import options_to_proto
from tfstyle_client.errors import BadRequestError

CHANNEL_OPTIONS = [
    ("grpc.max_receive_message_length", 16 * 2**20),
    ("grpc.max_send_message_length", -1),
    # Notice within half a minute that a server has vanished without closing the connection.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
]


def stylize_request(
    content: bytes, style: bytes, preset: str, progress: ProgressOptions, options: dict[str, Any]
) -> pb.StylizeRequest:
    """The message. Raises `BadRequestError` naming each option at fault."""
    given = {name: value for name, value in options.items() if value is not None}
    try:
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
