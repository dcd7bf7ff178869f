"""Connections of browsers and programs, which have to say something."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
"""Time for the head of a request to arrive, from its first byte or the beginning of the connection."""


class PunctualProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which by itself waits for the head of a request for ever."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As in asyncio."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """As in asyncio."""
        self._rest()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """As httptools has it: the first byte of a request."""
        self._expect_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """As httptools has it: the head of a request is complete."""
        self._rest()
        super().on_headers_complete()

    def _expect_head(self) -> None:
        self._rest()
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _rest(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
