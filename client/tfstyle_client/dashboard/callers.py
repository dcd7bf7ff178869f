"""The connections to the gRPC server: one for each token, shared by all requests and pages that have it."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tfstyle_client._async.client import AsyncClient
from tfstyle_client.dashboard.access import Identity
from tfstyle_client.dashboard.feeds import Feeds
from tfstyle_client.dashboard.settings import DashboardSettings
from tfstyle_client.errors import ServerUnreachableError

PATIENCE = 3.0
"""Seconds for which a request waits for a server that is unavailable, as while it restarts."""
CHECK_SECONDS = 5.0
"""How long it counts that the server has accepted a token."""
MOST = 256
"""Callers whose connections are kept while they are not in use."""


class Caller:
    """A connection, and the feeds that come through it. `mark` tells callers apart, and does not tell the token."""

    def __init__(self, client: AsyncClient, mark: str, *, has_token: bool) -> None:
        self.client = client
        self.mark = mark
        self.has_token = has_token
        self.feeds = Feeds(client)
        self.requests = 0
        """Those that use the connection now."""
        self._checked = -CHECK_SECONDS

    @property
    def in_use(self) -> bool:
        """Whether closing the connection would end something."""
        return self.requests > 0 or self.feeds.in_use

    @property
    def is_known(self) -> bool:
        """Whether the server has accepted the token, at any time."""
        return self._checked > 0

    async def check(self) -> None:
        """Ask the server whether it accepts the token, unless it has said so just now. Raises `ClientError`."""
        if time.monotonic() - self._checked > CHECK_SECONDS:
            await self.client.server_info()
            self._checked = time.monotonic()

    async def close(self) -> None:
        """End all feeds, and close the connection."""
        await self.feeds.close()
        await self.client.close()


class Callers:
    """The callers of a dashboard."""

    def __init__(self, settings: DashboardSettings) -> None:
        self._settings = settings
        self._callers: OrderedDict[Identity, Caller] = OrderedDict()

    @asynccontextmanager
    async def caller(self, identity: Identity, *, even_if_unreachable: bool = False) -> AsyncIterator[Caller]:
        """The caller with this identity, whom the server accepts.

        With `even_if_unreachable` one whom it accepted before is let in while the server cannot be asked. Raises
        `ClientError`, such as `UnauthenticatedError`, and `BadRequestError` where the token would be sent unencrypted.
        """
        caller = self._callers.get(identity) or self._new(identity)
        self._callers[identity] = caller
        self._callers.move_to_end(identity)
        caller.requests += 1
        try:
            try:
                await caller.check()
            except ServerUnreachableError:
                if not (even_if_unreachable and caller.is_known):
                    raise
            yield caller
        finally:
            caller.requests -= 1
            await self._close_unused()

    def _new(self, identity: Identity) -> Caller:
        credentials = dataclasses.replace(self._settings.credentials, token=identity.token)
        client = AsyncClient(self._settings.server, PATIENCE, credentials)
        mark = hashlib.sha256((identity.token or "").encode()).hexdigest()
        return Caller(client, mark, has_token=identity.token is not None)

    async def _close_unused(self) -> None:
        """Close what is too much, and connections of tokens that the server does not know."""
        unused = [identity for identity, caller in self._callers.items() if not caller.in_use]
        unknown = [identity for identity in unused if not self._callers[identity].is_known]
        known = [identity for identity in unused if self._callers[identity].is_known]
        for identity in [*unknown, *known[: max(0, len(self._callers) - len(unknown) - MOST)]]:
            # While others were closed, somebody may have come.
            if identity in self._callers and not self._callers[identity].in_use:
                await self._callers.pop(identity).close()

    async def close(self) -> None:
        """Close all connections."""
        while self._callers:
            await self._callers.popitem()[1].close()
