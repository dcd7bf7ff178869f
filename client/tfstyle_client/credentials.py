"""What a client shows a server, and which servers it trusts: TLS, a client certificate, a bearer token."""

from __future__ import annotations

from dataclasses import dataclass, field

import grpc

from tfstyle.errors import Violation
from tfstyle_client.errors import BadRequestError
from tfstyle_client.target import Target


@dataclass(frozen=True)
class Credentials:
    """`tls` encrypts the connection and verifies the server's certificate.

    `root_certificates` (PEM) are the authorities to trust; None means those that come with gRPC. `certificate` and
    `key` (PEM) are the client's own, for a server that asks for them. `token` is sent as a bearer token with every
    call, over TLS or to a server on this machine only.
    """

    tls: bool = False
    root_certificates: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    def check(self, target: Target) -> None:
        """Refuse what cannot work, or would send the token in the clear. Raises `BadRequestError`."""
        if (self.certificate is None) != (self.key is None):
            raise _refusal("tls_key", "certificate and key belong together; give both")
        if not self.tls and (self.root_certificates is not None or self.certificate is not None):
            raise _refusal("tls", "is needed for certificates to have an effect")
        for name, pem in (("tls_ca", self.root_certificates), ("tls_certificate", self.certificate)):
            if pem is not None and b"-----BEGIN CERTIFICATE-----" not in pem:
                raise _refusal(name, "is not a certificate in PEM format")
        if self.token is not None and not (self.token.isascii() and self.token.isprintable() and self.token.strip()):
            raise _refusal("token", "must be printable ASCII characters; check how it was copied")
        if self.token is not None and not self.tls and not target.is_local:
            raise _refusal("token", f"would go to {target} in the clear; use TLS (--tls)")

    def for_channel(self) -> grpc.ChannelCredentials | None:
        """The channel's credentials; None for a channel without TLS."""
        return grpc.ssl_channel_credentials(self.root_certificates, self.key, self.certificate) if self.tls else None


PLAINTEXT = Credentials()
"""No TLS, no token."""


def _refusal(field: str, why: str) -> BadRequestError:
    return BadRequestError([Violation(field, why)])
