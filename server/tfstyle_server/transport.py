"""How the server treats connections: messages, streams, dead peers, and the files that connections take."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc

Context: TypeAlias = Any
"""grpc.aio.ServicerContext, which has no type annotations."""
Read: TypeAlias = Callable[[], Awaitable[bytes | None]]
"""Returns the next message of a call, which is received only now, or None at the end of the call."""
MOST_MESSAGE_BYTES = 2**31 - 1
"""The largest message that gRPC and protobuf support."""
REQUEST_OVERHEAD = 64 * 1024
"""What a request may have besides two pictures."""
MOST_STREAMS = 100
"""Calls that one connection may have open. Without a limit, a flood of calls that are reset at once delays others."""
HANDSHAKE_MS = 10_000
"""Time for TLS and HTTP/2 to be agreed on."""
IDLE_MS = 300_000
"""A connection without a call is closed after this time; clients open another one with their next call."""
AGE_MS = 4 * 3_600_000
"""A connection takes no new calls after this time, so that clients spread anew over servers behind one name."""
GRACE_MS = 24 * 3_600_000
"""Calls on such a connection may continue for this time."""
PING_MS = 10_000
"""A peer that is silent for this long is asked for a sign of life, and after as long again it counts as dead."""
UNREAD_BYTES = 256 * 1024
"""What a call may send before its message is read. With gRPC's own choice, which grows with the connection's speed, 120
unread calls held 1 GB; with this one, 35 MB. It is also what arrives in one round trip, 2.5 MB/s at 100 ms."""
MOST_CONNECTIONS = 2**20
"""Connections where the system allows any number of files."""
FILES_KEPT_BACK = 128
"""Open files that connections leave to workers, the store and the reading of results."""
_UNCOMPRESSED_ONLY = 1
_READING: set[asyncio.Future[bytes | None]] = set()
"""Reads that go on; the event loop alone would not keep them."""


def channel_options(max_image_bytes: int, most_connections: int) -> list[tuple[str, Any]]:
    """The gRPC server's options, for requests with two pictures of `max_image_bytes`.

    Of more than `most_connections` connections, the latest are closed at once.
    """
    return [
        ("grpc.max_allowed_incoming_connections", most_connections),
        ("grpc.max_receive_message_length", min(2 * max_image_bytes + REQUEST_OVERHEAD, MOST_MESSAGE_BYTES)),
        # Pictures are compressed already; a compressed message can be a thousand times as large as what was sent.
        ("grpc.compression_enabled_algorithms_bitset", _UNCOMPRESSED_ONLY),
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", UNREAD_BYTES),
        ("grpc.max_concurrent_streams", MOST_STREAMS),
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_MS),
        ("grpc.max_connection_idle_ms", IDLE_MS),
        ("grpc.max_connection_age_ms", AGE_MS),
        ("grpc.max_connection_age_grace_ms", GRACE_MS),
        ("grpc.keepalive_time_ms", PING_MS),
        ("grpc.keepalive_timeout_ms", PING_MS),
        ("grpc.http2.ping_timeout_ms", PING_MS),
        ("grpc.http2.max_pings_without_data", 0),
        # Clients may ping every 10 s, also without a call, to notice a server that has vanished.
        ("grpc.http2.min_ping_interval_without_data_ms", PING_MS // 2),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.so_reuseport", 0),
    ]


def reader_of(context: Context) -> Read:
    """Reads the messages of a call.

    The iterator that gRPC gives to a handler keeps the last message for as long as the call's frames exist.
    """

    async def read() -> bytes | None:
        message = await context.read()
        return None if message is grpc.aio.EOF else message

    return read


def begin(read: Read) -> asyncio.Future[bytes | None]:
    """Begin to read a message, which goes on until it is there or its call ends.

    It is never cancelled, because gRPC never frees a message that arrives for a read that was cancelled.
    """
    reading = asyncio.ensure_future(read())
    _READING.add(reading)
    reading.add_done_callback(_READING.discard)
    reading.add_done_callback(lambda done: done.cancelled() or done.exception())
    return reading


async def within(seconds: float, reading: asyncio.Future[bytes | None]) -> bytes | None:
    """What has been read. Raises TimeoutError after `seconds`; the read goes on."""
    done, _ = await asyncio.wait({reading}, timeout=seconds)
    if not done:
        raise TimeoutError
    return reading.result()


def raise_file_limit() -> int:
    """Let this process have as many open files as the system allows it: each connection takes one.

    Returns how many of them connections may take.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    most = MOST_CONNECTIONS if hard == resource.RLIM_INFINITY else min(hard, MOST_CONNECTIONS)
    return max(most - FILES_KEPT_BACK, most // 2)
