"""The settings of a dashboard."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from tfstyle_client.credentials import PLAINTEXT, Credentials


@dataclass(frozen=True)
class Reach:
    """Where a dashboard can be reached: it listens on `host` and `port` (0 for any free one).

    `hosts` are further names that requests may address it by. `origins` are those of other pages that may read the API,
    such as https://example.org. `certificate` and `key` are PEM files for HTTPS.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True)
class Public:
    """How people reach a server from elsewhere: its address, and whether it has TLS."""

    server: str
    tls: bool


@dataclass(frozen=True)
class DashboardSettings:
    """A dashboard of the gRPC server at `server`, to which it connects with `credentials`.

    `public` is how others reach that server, where that differs.
    `private` means that it acts for one person: with the token in `credentials`, if there is one, for whoever brings
    the `code`. `guarded` means that others can reach it: then each request needs a token, and the server has to check
    it. `key` signs cookies.
    """

    server: str
    credentials: Credentials = PLAINTEXT
    public: Public | None = None
    reach: Reach = Reach()
    private: bool = False
    guarded: bool = False
    code: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    @property
    def for_people(self) -> Public:
        """How people reach the server."""
        return self.public or Public(self.server, self.credentials.tls)
