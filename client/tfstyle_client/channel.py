"""Channels to a server, blocking and asyncio, with the same options and credentials."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from tfstyle_client.bearer_token import BearerToken, async_bearer_token
from tfstyle_client.credentials import Credentials
from tfstyle_client.errors import CallCancelledError
from tfstyle_client.target import Target

_OPTIONS = [
    ("grpc.max_receive_message_length", 16 * 2**20),
    ("grpc.max_send_message_length", -1),
    # A server that vanishes without closing the connection is noticed within half a minute.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # A server that restarts is found soon; the default backoff grows to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 3_000),
]


def open_channel(target: Target, credentials: Credentials) -> Any:
    """A blocking channel, which threads may share. It connects at its first call."""
    tls, address, options = credentials.for_channel(), str(target), _options(target)
    channel = grpc.secure_channel(address, tls, options) if tls else grpc.insecure_channel(address, options)
    return grpc.intercept_channel(channel, BearerToken(credentials.token)) if credentials.token else channel


def open_async_channel(target: Target, credentials: Credentials) -> Any:
    """An asyncio channel. It connects at its first call."""
    tls, address, options = credentials.for_channel(), str(target), _options(target)
    interceptors = async_bearer_token(credentials.token) if credentials.token else []
    if tls:
        return grpc.aio.secure_channel(address, tls, options, interceptors=interceptors)
    return grpc.aio.insecure_channel(address, options, interceptors=interceptors)


@contextmanager
def call_cancellation() -> Iterator[None]:
    """Raise `CallCancelledError` where grpc.aio reports a cancelled call as `asyncio.CancelledError`.

    The cancellation of the task itself passes through. A blocking call never raises `asyncio.CancelledError`.
    """
    try:
        yield
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise CallCancelledError("the call was cancelled", "CANCELLED") from None


def _options(target: Target) -> list[tuple[str, int]]:
    # A proxy cannot reach this machine's loopback interface or sockets.
    return [*_OPTIONS, ("grpc.enable_http_proxy", 0)] if target.is_local else _OPTIONS
