"""What every request and every response has to do with other sites: host, origin and headers."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tfstyle.loopback import is_loopback
from tfstyle.rules import shown
from tfstyle_client.dashboard.problems import problem
from tfstyle_client.dashboard.settings import Reach

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Guard:
    """Refuses requests for foreign host names, and changes that pages of other origins ask for.

    A name that an attacker lets resolve to this machine is none of ours, so that a page of the attacker's cannot read
    this one (DNS rebinding). Addresses in digits cannot be given to another machine in this way.
    """

    def __init__(self, app: ASGIApp, reach: Reach) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in (reach.host, *reach.hosts))
        self._local = is_loopback(reach.host) or _is_unspecified(reach.host)
        self._origins = frozenset(reach.origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if (complaint := self._complaint(scope["method"], Headers(scope=scope))) is not None:
            await problem(403, complaint)(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)

    def _complaint(self, method: str, headers: Headers) -> str | None:
        hosts = headers.getlist("host")
        host = hosts[0] if len(hosts) == 1 else ""
        if not self._is_ours(_name_of(host)):
            return f"the host {shown(host)} is not one of this dashboard's; --host adds one"
        if method in SAFE_METHODS:
            return None
        origin = headers.get("origin")
        if origin is None:
            # Programs send neither; every browser of today sends both.
            site = headers.get("sec-fetch-site", "none")
            return None if site in ("none", "same-origin") else "the request comes from another site"
        if origin in self._origins or _is_same(origin, host):
            return None
        return f"the request comes from a page of {shown(origin)}; --origin allows one"

    def _is_ours(self, name: str) -> bool:
        if not name:
            return False
        return name in self._hosts or _is_address(name) or (self._local and is_loopback(name))


def _name_of(host: str) -> str:
    """The host in "host:port" in small letters, without brackets; empty where it is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return ""


def _is_same(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_unspecified(host: str) -> bool:
    return _is_address(host) and ipaddress.ip_address(host).is_unspecified


def checked_origins(origins: Iterable[str]) -> Sequence[str]:
    """The origins as browsers send them. Raises ValueError, naming the first that is none."""
    found = []
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/") or parts.query:
            raise ValueError(f"must be such as https://example.org; got {shown(origin)}")
        found.append(f"{parts.scheme}://{parts.netloc.lower()}")
    return found
