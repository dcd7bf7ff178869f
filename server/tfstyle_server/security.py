"""Who may call, and as whom: TLS, client certificates, bearer tokens.

A token is 32 random bytes, so that its SHA-256, which is all that the file of tokens has, cannot be guessed
and needs no slow hash. The file is read again when it changes.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc

log = logging.getLogger("tfstyle.front")

_LINE = re.compile(r"([\w.@+-]{1,64})\s+([0-9a-f]{64})")
ANONYMOUS = ""
"""The owner of all jobs where nobody has to say who they are."""


class SecurityError(Exception):
    """The server's credentials cannot be used; `str()` of it is one line that names the setting."""


class UnauthenticatedError(Exception):
    """The call says not, or not truly, whose it is."""


@dataclass(frozen=True)
class SecurityOptions:
    """Files with the server's `certificate` and `key` (PEM), the authority of clients' certificates, and tokens.

    `insecure` allows a server without TLS on an address that others can reach.
    """

    certificate: Path | None = None
    key: Path | None = None
    client_authority: Path | None = None
    tokens: Path | None = None
    insecure: bool = False

    @property
    def authenticates(self) -> bool:
        """Whether a caller has to say who they are."""
        return self.tokens is not None or self.client_authority is not None


def new_token(name: str, file: Path) -> str:
    """A new token for the caller `name`, whose hash is added to `file`. Raises `SecurityError`, OSError."""
    if not re.fullmatch(r"[\w.@+-]{1,64}", name):
        raise SecurityError("name: has 1 to 64 letters, digits or any of . @ + - _")
    token = secrets.token_urlsafe(32)
    existing = file.read_text("utf-8") if file.exists() else ""
    separator = "" if not existing or existing.endswith("\n") else "\n"
    file.touch(mode=0o600)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(f"{separator}{name} {_hash(token)}\n")
    return token


def check_binding(listen: str, options: SecurityOptions) -> None:
    """Refuse an address that others can reach, without TLS, unless that is wanted. Raises `SecurityError`."""
    if options.certificate is not None or options.insecure or listen.startswith("unix:"):
        return
    host = listen.rpartition(":")[0].strip("[]")
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise SecurityError(
            f"listen: others can reach {host}, and nothing is encrypted; give --tls-certificate and --tls-key, "
            "or --insecure where something else protects it"
        )


def credentials(options: SecurityOptions) -> grpc.ServerCredentials | None:
    """The server's TLS credentials; None where it has none. Raises `SecurityError`."""
    if (options.certificate is None) != (options.key is None):
        raise SecurityError("tls_key: certificate and key belong together; give both")
    if options.certificate is None or options.key is None:
        if options.client_authority is not None:
            raise SecurityError("tls_client_ca: clients show certificates over TLS only; give --tls-certificate")
        return None
    pair = [(_read(options.key, "tls_key"), _read(options.certificate, "tls_certificate"))]
    authority = None
    if options.client_authority is not None:
        authority = _read(options.client_authority, "tls_client_ca")
    return grpc.ssl_server_credentials(pair, authority, authority is not None)


class Gate:
    """Tells whose a call is, by its token or else its certificate."""

    def __init__(self, options: SecurityOptions) -> None:
        self._options = options
        self._read_at = 0
        self._hashes: dict[str, str] = {}
        if options.tokens is not None:
            try:
                self._refresh(options.tokens)
            except OSError as error:
                raise SecurityError(f"tokens: cannot read {options.tokens}: {error.strerror}") from None

    def owner(self, metadata: Iterable[tuple[str, str | bytes]], certificate: Mapping[str, Sequence[bytes]]) -> str:
        """The caller's name, from the call's metadata and the connection's `auth_context`.

        Raises `UnauthenticatedError`.
        """
        if not self._options.authenticates:
            return ANONYMOUS
        given = [value for key, value in metadata if key == "authorization"]
        if self._options.tokens is not None and (given or self._options.client_authority is None):
            return self._by_token(given)
        names = certificate.get("x509_subject_alternative_name") or certificate.get("x509_common_name") or ()
        if not names:
            raise UnauthenticatedError("the client's certificate names nobody")
        return f"certificate:{names[0].decode('utf-8', 'replace')}"

    def _by_token(self, given: Sequence[str | bytes]) -> str:
        if len(given) != 1 or not isinstance(given[0], str) or not given[0].startswith("Bearer "):
            raise UnauthenticatedError("send a token: metadata authorization, value Bearer TOKEN")
        if self._options.tokens is not None:
            try:
                self._refresh(self._options.tokens)
            except OSError as error:  # it is being replaced; what was read still holds
                log.warning("cannot read the tokens again: %s", error)
        wanted = _hash(given[0].removeprefix("Bearer "))
        owner = None
        for known, name in self._hashes.items():  # all of them, so that time tells nothing
            if hmac.compare_digest(known, wanted):
                owner = name
        if owner is None:
            raise UnauthenticatedError("the token is not known")
        return owner

    def _refresh(self, file: Path) -> None:
        changed = file.stat().st_mtime_ns
        if changed == self._read_at:
            return
        hashes = {}
        for number, line in enumerate(file.read_text("utf-8", "replace").splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                match = _LINE.fullmatch(line.strip())
                if match is None:
                    log.error("tokens: line %d of %s is passed over: no name and SHA-256", number, file)
                    continue
                hashes[match[2]] = match[1]
        self._hashes, self._read_at = hashes, changed


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _read(file: Path, setting: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SecurityError(f"{setting}: cannot read {file}: {error.strerror}") from None
