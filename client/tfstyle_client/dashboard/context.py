"""What the endpoints of one dashboard share."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from tfstyle_client.dashboard.access import Access
from tfstyle_client.dashboard.bodies import PictureBodies
from tfstyle_client.dashboard.callers import Caller, Callers
from tfstyle_client.dashboard.kept_pictures import KeptPictures
from tfstyle_client.dashboard.letterings import Letterings
from tfstyle_client.dashboard.pictures import CACHE_BYTES, Thumbnails
from tfstyle_client.dashboard.settings import DashboardSettings
from tfstyle_client.server_info import ServerLimits

UNTIL_THE_END = "tfstyle.until_the_end"
"""What a request has entered, in its ASGI scope."""
LIMITS_SECONDS = 30.0
"""How long a server's limits count; it may be started again with others."""


@dataclass
class Dashboard:
    """One dashboard."""

    settings: DashboardSettings
    access: Access = field(init=False)
    callers: Callers = field(init=False)
    thumbnails: Thumbnails = field(default_factory=Thumbnails)
    letterings: Letterings = field(default_factory=Letterings)
    small_files: KeptPictures[bytes] = field(default_factory=lambda: KeptPictures(CACHE_BYTES))
    bodies: PictureBodies = field(default_factory=PictureBodies)
    _limits: tuple[float, ServerLimits] | None = None

    def __post_init__(self) -> None:
        self.access = Access(self.settings)
        self.callers = Callers(self.settings)

    async def caller(self, request: Request, *, even_if_unreachable: bool = False) -> Caller:
        """On whose behalf a request is passed on, whom the server accepts. It is in use until the response has ended.

        Raises `ProblemError`, `ClientError`.
        """
        stack = request.scope[UNTIL_THE_END]
        assert isinstance(stack, AsyncExitStack)
        identity = await self.access.identity(request)
        return await stack.enter_async_context(self.callers.caller(identity, even_if_unreachable=even_if_unreachable))

    async def limits(self, caller: Caller) -> ServerLimits:
        """What the server accepts. Raises `ClientError`."""
        if self._limits is None or time.monotonic() - self._limits[0] > LIMITS_SECONDS:
            self._limits = time.monotonic(), (await caller.client.server_info()).limits
        return self._limits[1]


def dashboard_of(request: Request) -> Dashboard:
    """The dashboard that a request came to."""
    found = request.app.state.dashboard
    assert isinstance(found, Dashboard)
    return found


async def caller_of(request: Request, *, even_if_unreachable: bool = False) -> Caller:
    """As `Dashboard.caller`."""
    return await dashboard_of(request).caller(request, even_if_unreachable=even_if_unreachable)


class UntilTheEnd:
    """Leaves what a request has entered when its response has ended, that of a stream too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        async with AsyncExitStack() as stack:
            scope[UNTIL_THE_END] = stack
            await self._app(scope, receive, send)
