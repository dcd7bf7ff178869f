"""Authentication of callers: TLS, client certificates and bearer tokens.

A token is 32 random bytes. The token file holds only their SHA-256, which cannot be inverted by guessing, so no slow
hash is needed. The file is read again when it changes.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import logging
import os
import re
import secrets
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from tfstyle.atomic import write_atomically
from tfstyle.loopback import is_loopback
from tfstyle_server.listen_address import AddressError, host_of, is_of_this_machine

log = logging.getLogger("tfstyle.front")

_NAME = r"[A-Za-z0-9_.@+-]{1,64}"
_LINE = re.compile(rf"({_NAME})\s+([0-9a-f]{{64}})")
ANONYMOUS = ""
"""The owner of all jobs on a server that does not authenticate callers."""


class SecurityError(Exception):
    """The server's credentials or address cannot be used; `str()` of it is one line that names the setting."""


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


def new_token(name: str, file: Path) -> str:
    """Create a token for the caller `name`, add its hash to `file`, and return it. Raises `SecurityError`, OSError."""
    if not re.fullmatch(_NAME, name):
        raise SecurityError("name: must be 1 to 64 ASCII letters, digits or any of . @ + - _")
    token = secrets.token_urlsafe(32)
    with _locked(file.parent):
        existing = file.read_bytes() if file.exists() else b""
        separator = b"" if not existing or existing.endswith(b"\n") else b"\n"
        with write_atomically(file, mode=0o600) as lines:
            lines.write(existing + separator + f"{name} {_hash(token)}\n".encode())
    return token


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes from adding a token, which two at a time would otherwise lose."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


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
    pair = [(_read(options.key, "tls_key"), _read(options.certificate, "tls_certificate"))]
    authority = None
    if options.client_authority is not None:
        authority = _read(options.client_authority, "tls_client_ca")
        _check_certificates(options.client_authority, "tls_client_ca")
    _check_certificates(options.certificate, "tls_certificate")
    _check_key(options.key, options.certificate)
    return grpc.ssl_server_credentials(pair, authority, authority is not None)


class Gate:
    """Authenticates calls by their token, or else by the client's certificate. Raises `SecurityError` when made."""

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
        """The caller's name, by the call's metadata and the connection's `auth_context` as `certificate`.

        Raises `UnauthenticatedError`.
        """
        if not self._options.authenticates:
            return ANONYMOUS
        given = [value for key, value in metadata if key == "authorization"]
        if self._options.tokens is not None and (given or self._options.client_authority is None):
            return self._by_token(given)
        names = certificate.get("x509_subject_alternative_name") or certificate.get("x509_common_name") or ()
        if not names:
            raise UnauthenticatedError("the client's certificate has no subject name")
        return f"certificate:{names[0].decode('utf-8', 'replace')}"

    def _by_token(self, given: Sequence[str | bytes]) -> str:
        if len(given) != 1 or not isinstance(given[0], str) or not given[0].startswith("Bearer "):
            raise UnauthenticatedError("send a token in the metadata: authorization: Bearer TOKEN")
        if self._options.tokens is not None:
            try:
                self._refresh(self._options.tokens)
            except (OSError, SecurityError) as error:  # the tokens that were read before remain valid
                log.warning("cannot read the token file again: %s", error)
        wanted = _hash(given[0].removeprefix("Bearer "))
        owner = None
        for known, name in self._hashes.items():  # compares with all, so that the time tells nothing
            if hmac.compare_digest(known, wanted):
                owner = name
        if owner is None:
            raise UnauthenticatedError("the token is unknown")
        return owner

    def _refresh(self, file: Path) -> None:
        """Read the token file if it has changed. Raises OSError, and `SecurityError` for characters beyond ASCII."""
        changed = file.stat().st_mtime_ns
        if changed == self._read_at:
            return
        text = file.read_text("utf-8-sig", "replace")  # some editors begin a file with a byte order mark
        self._read_at = changed
        hashes = {}
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            if not line.isascii():
                raise SecurityError(
                    f"tokens: line {number} of {file} has a character that is not ASCII; save it as ASCII"
                )
            match = _LINE.fullmatch(line.strip())
            if match is None:
                log.error("tokens: line %d of %s is skipped: it is no name followed by a SHA-256", number, file)
                continue
            hashes[match[2]] = match[1]
        self._hashes = hashes


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _read(file: Path, setting: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SecurityError(f"{setting}: cannot read {file}: {error.strerror}") from None


def _check_certificates(file: Path, setting: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(file)
    except ssl.SSLError:
        raise SecurityError(f"{setting}: {file} has no certificate in PEM format, or a damaged one") from None


def _check_key(key: Path, certificate: Path) -> None:
    try:
        # The empty password keeps OpenSSL from asking for one at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            why = f"tls_key: {key} is not the key of the certificate in {certificate}"
        elif error.reason in (None, "PEM_LIB"):
            why = f"tls_key: {key} has no private key in PEM format, or one with a password"
        else:
            why = f"tls_certificate: {certificate} cannot be used: {error.reason.replace('_', ' ').lower()}"
        raise SecurityError(why) from None
