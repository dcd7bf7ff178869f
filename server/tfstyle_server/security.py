"""Who may call, and from where: encryption, authentication and the address to listen on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc

from tfstyle.loopback import is_loopback
from tfstyle_server.certificates import server_credentials
from tfstyle_server.listen_address import AddressError, host_of, is_of_this_machine
from tfstyle_server.tokens import SecurityError, TokenFile, hash_of

ANONYMOUS = ""
"""The owner of all jobs on a server that does not authenticate callers."""


class UnauthenticatedError(Exception):
    """The caller has not authenticated, or with wrong credentials."""


@dataclass(frozen=True)
class SecurityOptions:
    """Files for authentication and encryption.

    `certificate` and `key` are the server's, `client_authority` signs the clients' certificates (all PEM), `tokens` is
    the token file. `insecure` allows a server without TLS on an address that other machines can reach.
    """

    certificate: Path | None = None
    key: Path | None = None
    client_authority: Path | None = None
    tokens: Path | None = None
    insecure: bool = False

    @property
    def authenticates(self) -> bool:
        """Whether callers have to authenticate."""
        return self.tokens is not None or self.client_authority is not None


@dataclass(frozen=True)
class Caller:
    """Who calls: the `owner` of the caller's jobs, and the SHA-256 of the token that proved it, if one did."""

    owner: str
    token: str | None = None


def check_binding(listen: str, options: SecurityOptions) -> None:
    """Refuse an address that is not this machine's, and one that other machines can reach without TLS.

    Blocks while a host's name is looked up. Raises `SecurityError`.
    """
    try:
        host = host_of(listen)
    except AddressError as error:
        raise SecurityError(str(error)) from None
    if host is None or is_loopback(host):
        return
    if not is_of_this_machine(host):
        raise SecurityError(f"listen: cannot listen on {listen}: the host is not an address of this machine")
    if options.certificate is None and not options.insecure:
        raise SecurityError(
            f"listen: other machines can reach {host}, and the connection is not encrypted; give --tls-certificate and"
            " --tls-key, or --insecure where a proxy or a private network protects it"
        )


def credentials(options: SecurityOptions) -> grpc.ServerCredentials | None:
    """The server's TLS credentials; None without TLS. Raises `SecurityError`."""
    if (options.certificate is None) != (options.key is None):
        raise SecurityError("tls_key: --tls-certificate and --tls-key belong together; give both")
    if options.certificate is None or options.key is None:
        if options.client_authority is not None:
            raise SecurityError("tls_client_ca: client certificates need TLS; give --tls-certificate and --tls-key")
        return None
    return server_credentials(options.certificate, options.key, options.client_authority)


class Gate:
    """Authenticates calls by their token, or else by the client's certificate. Raises `SecurityError` when made."""

    def __init__(self, options: SecurityOptions) -> None:
        self._options = options
        self._tokens = None if options.tokens is None else TokenFile(options.tokens)

    def caller(self, metadata: Iterable[tuple[str, str | bytes]], certificate: Mapping[str, Sequence[bytes]]) -> Caller:
        """Who calls, by the call's metadata and the connection's `auth_context` as `certificate`.

        Raises `UnauthenticatedError`.
        """
        if not self._options.authenticates:
            return Caller(ANONYMOUS)
        given = [value for key, value in metadata if key == "authorization"]
        if self._tokens is not None and (given or self._options.client_authority is None):
            return _by_token(given, self._tokens)
        names = certificate.get("x509_subject_alternative_name") or certificate.get("x509_common_name") or ()
        if not names:
            raise UnauthenticatedError("the client's certificate has no subject name")
        return Caller(f"certificate:{_one_line(names[0].decode('utf-8', 'replace'))}")

    def has_revoked(self, caller: Caller) -> bool:
        """Whether the token that `caller` came with is no longer valid."""
        return self._tokens is not None and caller.token is not None and self._tokens.owner(caller.token) is None


def _one_line(name: str) -> str:
    """`name` as log lines can hold it; names that differ stay different."""
    return name if name.isprintable() and "\\" not in name else name.encode("unicode_escape").decode()


def _by_token(given: Sequence[str | bytes], tokens: TokenFile) -> Caller:
    if len(given) != 1 or not isinstance(given[0], str) or not given[0].startswith("Bearer "):
        raise UnauthenticatedError("send a token in the metadata: authorization: Bearer TOKEN")
    token = hash_of(given[0].removeprefix("Bearer "))
    owner = tokens.owner(token)
    if owner is None:
        raise UnauthenticatedError("the token is unknown")
    return Caller(owner, token)
