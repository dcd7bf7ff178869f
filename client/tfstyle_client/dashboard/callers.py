"""The connections to the gRPC server: one for each token, shared by all requests and pages that have it."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import OrderedDict

from tfstyle_client._async.client import AsyncClient
from tfstyle_client.dashboard.access import Identity
from tfstyle_client.dashboard.feeds import Feeds
from tfstyle_client.dashboard.settings import DashboardSettings

PATIENCE = 3.0
"""Seconds for which a request waits for a server that is unavailable, as while it restarts."""
MOST = 256
"""Callers whose connections are kept while they are not in use."""


class Caller:
    """A connection, and the feeds that come through it. `mark` tells callers apart, and does not tell the token."""

    def __init__(self, client: AsyncClient, mark: str, *, has_token: bool) -> None:
        self.client = client
        self.mark = mark
        self.has_token = has_token
        self.feeds = Feeds(client)

    async def close(self) -> None:
        """End all feeds, and close the connection."""
        await self.feeds.close()
        await self.client.close()


class Callers:
    """The callers of a dashboard."""

    def __init__(self, settings: DashboardSettings) -> None:
        self._settings = settings
        self._callers: OrderedDict[Identity, Caller] = OrderedDict()

    async def caller(self, identity: Identity) -> Caller:
        """The caller with this identity. Raises `BadRequestError` where the token would be sent unencrypted."""
        if identity not in self._callers:
            credentials = dataclasses.replace(self._settings.credentials, token=identity.token)
            client = AsyncClient(self._settings.server, PATIENCE, credentials)
            mark = hashlib.sha256((identity.token or "").encode()).hexdigest()
            self._callers[identity] = Caller(client, mark, has_token=identity.token is not None)
        self._callers.move_to_end(identity)
        await self._close_unused()
        return self._callers[identity]

    async def _close_unused(self) -> None:
        unused = [identity for identity, caller in self._callers.items() if not caller.feeds.in_use]
        for identity in unused[: max(0, len(self._callers) - MOST)]:
            await self._callers.pop(identity).close()

    async def close(self) -> None:
        """Close all connections."""
        while self._callers:
            await self._callers.popitem()[1].close()
