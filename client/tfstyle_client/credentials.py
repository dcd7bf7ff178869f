"""What a client shows of itself, and whom it trusts: TLS, its certificate, its token."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

import grpc

from tfstyle.errors import Violation
from tfstyle_client.errors import BadRequestError


@dataclass(frozen=True)
class Access:
    """`tls` encrypts, and checks the server against the `authority` (PEM; None: those that gRPC comes with).

    `certificate` and `key` (PEM) are the client's own, where the server asks for one. `token` is sent with each
    call, over TLS or to this machine only.
    """

    tls: bool = False
    authority: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    def credentials(self, target: str) -> grpc.ChannelCredentials | None:
        """For the channel to `target`; None for one without TLS. Raises `BadRequestError`."""
        if (self.certificate is None) != (self.key is None):
            raise _refusal("tls_key", "certificate and key belong together; give both")
        if self.tls:
            return grpc.ssl_channel_credentials(self.authority, self.key, self.certificate)
        if self.authority is not None or self.certificate is not None:
            raise _refusal("tls", "a certificate is of no use without it")
        if self.token is not None and not _is_local(target):
            raise _refusal("token", f"would go to {target} in the clear; use TLS")
        return None

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes with every call."""
        return () if self.token is None else (("authorization", f"Bearer {self.token}"),)


def _is_local(target: str) -> bool:
    host = target.rpartition(":")[0].strip("[]")
    try:
        return target.startswith("unix:") or host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refusal(field: str, why: str) -> BadRequestError:
    return BadRequestError([Violation(field, why)])
