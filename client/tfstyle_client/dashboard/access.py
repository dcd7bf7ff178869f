"""Who may use the dashboard: the token of a request, or of its cookie, and whether the server checks it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client._async.client import AsyncClient
from tfstyle_client.dashboard.problems import ProblemError
from tfstyle_client.dashboard.settings import DashboardSettings
from tfstyle_client.errors import UnauthenticatedError

COOKIE_SECONDS = 30 * 86400
RECHECK_SECONDS = 30.0
"""How long it counts that the server has refused a call without token."""
LONGEST_TOKEN = 512


@dataclass(frozen=True)
class Identity:
    """On whose behalf a request is passed on: with this `token`, if there is one."""

    token: str | None


class Access:
    """Finds out who a request is from."""

    def __init__(self, settings: DashboardSettings) -> None:
        self._settings = settings
        # A private page lets in whoever has brought its code, so no other page's cookie may fit.
        key = secrets.token_bytes(32) if settings.private else settings.key
        purpose = f"tfstyle.dashboard {settings.for_people.server}"
        # Cookies are shared by all ports of a host, so each dashboard has its own name.
        self.cookie = f"tfstyle-{hashlib.sha256(key + purpose.encode()).hexdigest()[:8]}"
        self._serializer = URLSafeTimedSerializer(key, salt=purpose)
        self._code = settings.code
        self._checked = -RECHECK_SECONDS

    async def identity(self, request: Request) -> Identity:
        """Who the request is from. Raises `ProblemError` where it needs a token, or has none that can be one."""
        given = self._bearer(request)
        if given is None:
            given = self._from_cookie(request)
        if self._settings.private:
            if given is None:
                raise _login("open the address that tfstyle has printed; it has a code that can be used once")
            return Identity(self._settings.credentials.token)
        if given is None and self._settings.guarded:
            raise _login("log in with a token")
        await self.check_server()
        return Identity(given or None)

    async def check_server(self) -> None:
        """Where others can reach this page, refuse to open a server to them that takes any token, or none.

        Raises `ProblemError`.
        """
        if not self._settings.guarded:
            return
        if time.monotonic() - self._checked < RECHECK_SECONDS:
            return
        credentials = self._settings.credentials
        async with AsyncClient(self._settings.server, 1.0, credentials) as client:
            try:
                await client.call(lambda: client.stub.GetServerInfo(pb.GetServerInfoRequest()))
            except UnauthenticatedError:
                self._checked = time.monotonic()
                return
        raise ProblemError(
            503,
            "the server accepts callers without a token, and others can reach this page; start the server with"
            " --tokens, or the dashboard with --insecure",
        )

    def redeem(self, code: str) -> bool:
        """Whether `code` is the one that lets a person in. It can be used once."""
        fits = bool(self._code) and hmac.compare_digest(code.encode(), self._code.encode())
        if fits:
            self._code = ""
        return fits

    def log_in(self, response: Response, token: str, *, secure: bool) -> None:
        """Let the browser send `token` with each request from now on; scripts cannot read it."""
        response.set_cookie(
            self.cookie,
            self._serializer.dumps(token),
            max_age=COOKIE_SECONDS,
            path="/",
            secure=secure,
            httponly=True,
            samesite="strict",
        )

    def log_out(self, response: Response) -> None:
        """Take the cookie away."""
        response.delete_cookie(self.cookie, path="/", httponly=True, samesite="strict")

    def _bearer(self, request: Request) -> str | None:
        header = request.headers.get("authorization")
        if header is None or self._settings.private:  # there, only the cookie proves who it is
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise _login("send a token: Authorization: Bearer TOKEN")
        return checked_token(token)

    def _from_cookie(self, request: Request) -> str | None:
        value = request.cookies.get(self.cookie)
        if value is None:
            return None
        try:
            token = self._serializer.loads(value, max_age=COOKIE_SECONDS)
        except BadSignature:
            return None
        return token if isinstance(token, str) else None


def checked_token(token: str) -> str:
    """`token`, stripped. Raises `ProblemError` where it cannot be one."""
    token = token.strip()
    if not (token and token.isascii() and token.isprintable() and " " not in token and len(token) <= LONGEST_TOKEN):
        raise _login("is no token; copy it as it was printed")
    return token


def _login(why: str) -> ProblemError:
    return ProblemError(401, why, "token", "UNAUTHENTICATED")
