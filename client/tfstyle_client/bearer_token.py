"""Interceptors that send a bearer token with every call, for blocking and for asyncio channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import grpc


class _CallDetails(NamedTuple):
    """A call's details, as `grpc.ClientCallDetails` names them."""

    method: str
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class BearerToken(
    grpc.UnaryUnaryClientInterceptor,  # type: ignore[misc]
    grpc.UnaryStreamClientInterceptor,  # type: ignore[misc]
    grpc.StreamUnaryClientInterceptor,  # type: ignore[misc]
):
    """Adds the token to the calls of a blocking channel."""

    def __init__(self, token: str) -> None:
        self._header = _header(token)

    def _intercept(self, continuation: Callable[[Any, Any], Any], details: Any, request: Any) -> Any:
        changed = _CallDetails(
            details.method,
            details.timeout,
            (*(details.metadata or ()), self._header),
            details.credentials,
            details.wait_for_ready,
            details.compression,
        )
        return continuation(changed, request)

    intercept_unary_unary = _intercept
    intercept_unary_stream = _intercept
    intercept_stream_unary = _intercept


class _AsyncBearerToken:
    def __init__(self, token: str) -> None:
        self._header = _header(token)

    async def _intercept(self, continuation: Callable[[Any, Any], Any], details: Any, request: Any) -> Any:
        metadata = grpc.aio.Metadata(*(details.metadata or ()), self._header)
        return await continuation(details._replace(metadata=metadata), request)


class _UnaryUnary(_AsyncBearerToken, grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc]
    intercept_unary_unary = _AsyncBearerToken._intercept


class _UnaryStream(_AsyncBearerToken, grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[misc]
    intercept_unary_stream = _AsyncBearerToken._intercept


class _StreamUnary(_AsyncBearerToken, grpc.aio.StreamUnaryClientInterceptor):  # type: ignore[misc]
    intercept_stream_unary = _AsyncBearerToken._intercept


def async_bearer_token(token: str) -> list[Any]:
    """Interceptors that add the token to the calls of an asyncio channel, which takes one for each kind of call."""
    return [_UnaryUnary(token), _UnaryStream(token), _StreamUnary(token)]


def _header(token: str) -> tuple[str, str]:
    return "authorization", f"Bearer {token}"
