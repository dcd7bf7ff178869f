"""What a client shows a server, and which servers it trusts: TLS, a client certificate, a bearer token."""

from __future__ import annotations

import ssl
import tempfile
from dataclasses import dataclass, field

import grpc

from tfstyle_client.errors import refusal
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
        """Refuse what cannot work, or would send the token unencrypted. Raises `BadRequestError`."""
        if (self.certificate is None) != (self.key is None):
            raise refusal("tls_key", "certificate and key belong together; give both")
        if not self.tls and (self.root_certificates is not None or self.certificate is not None):
            raise refusal("tls", "is needed for certificates to have an effect")
        for name, pem in (("tls_ca", self.root_certificates), ("tls_certificate", self.certificate)):
            if pem is not None:
                _check_certificate(name, pem)
        if self.certificate is not None and self.key is not None:
            _check_key(self.certificate, self.key)
        if self.token is not None and not (self.token.isascii() and self.token.isprintable() and self.token.strip()):
            raise refusal("token", "must be printable ASCII characters; check how it was copied")
        if self.token is not None and not self.tls and not target.is_local:
            raise refusal("token", f"would go to {target} unencrypted; use TLS (--tls)")

    def for_channel(self) -> grpc.ChannelCredentials | None:
        """The channel's credentials; None for a channel without TLS."""
        return grpc.ssl_channel_credentials(self.root_certificates, self.key, self.certificate) if self.tls else None


def ascii_text(pem: bytes) -> str:
    """The file as OpenSSL's functions for text take it; what stands around the certificates may be in any encoding."""
    return pem.decode("ascii", "replace").replace("\N{REPLACEMENT CHARACTER}", "?")


def _check_certificate(name: str, pem: bytes) -> None:
    if b"-----BEGIN CERTIFICATE-----" not in pem:
        raise refusal(name, "is not a certificate in PEM format")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=ascii_text(pem))
    except (ssl.SSLError, ValueError):
        raise refusal(name, "is a damaged certificate; make or copy the PEM file again") from None


def _check_key(certificate: bytes, key: bytes) -> None:
    """OpenSSL reads a pair from a file only: one that nobody else can read, and that is deleted at once."""
    try:
        with tempfile.NamedTemporaryFile() as file:
            file.write(key + b"\n" + certificate)
            file.flush()
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(file.name, password=_refuse_encrypted_key)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise refusal("tls_key", "does not belong to the certificate; give the key it was made with") from None
        raise refusal("tls_key", "is not a private key in PEM format, or is damaged") from None


def _refuse_encrypted_key() -> str:
    raise refusal("tls_key", "is encrypted with a passphrase; give a key that is not")


PLAINTEXT = Credentials()
"""No TLS, no token."""
