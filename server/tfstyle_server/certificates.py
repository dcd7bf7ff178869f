"""The server's certificate, its key and the authority of its clients, which can be renewed while it runs."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

import grpc

from tfstyle_server.file_version import Version, version_of
from tfstyle_server.logs import Sparing
from tfstyle_server.tokens import SecurityError

log = logging.getLogger("tfstyle.front")


def server_credentials(certificate: Path, key: Path, client_authority: Path | None) -> grpc.ServerCredentials:
    """TLS credentials from files (PEM) that are read again before a handshake where they have changed.

    With `client_authority`, clients need a certificate that it has signed. Raises `SecurityError` for files that cannot
    be used now. Files that cannot be used later change nothing but the log.
    """
    files = _Files(certificate, key, client_authority)
    return grpc.dynamic_ssl_server_credentials(files.read(), files.renewed, client_authority is not None)


class _Files:
    """Used by one thread until the server starts, and then by gRPC's threads at each handshake."""

    def __init__(self, certificate: Path, key: Path, client_authority: Path | None) -> None:
        self._certificate, self._key, self._client_authority = certificate, key, client_authority
        self._seen: list[Version | None] = []
        """The versions of the files that are in use."""
        self._complaint = ""
        self._sparing = Sparing()

    def read(self) -> grpc.ServerCertificateConfiguration:
        """The files' present contents. Raises `SecurityError`."""
        versions = self._versions()
        pair = [(_read(self._key, "tls_key"), _read(self._certificate, "tls_certificate"))]
        authority = None
        if self._client_authority is not None:
            authority = _read(self._client_authority, "tls_client_ca")
            _check_certificates(self._client_authority, "tls_client_ca")
        _check_certificates(self._certificate, "tls_certificate")
        _check_key(self._key, self._certificate)
        self._seen, self._complaint = versions, ""
        return grpc.ssl_server_certificate_configuration(pair, authority)

    def renewed(self) -> grpc.ServerCertificateConfiguration | None:
        """The files' contents where they have changed and can be used; else None."""
        if self._versions() == self._seen:
            return None
        try:
            configuration = self.read()
        except (SecurityError, OSError) as error:  # for instance between the renewal of the certificate and of the key
            if str(error) != self._complaint and (note := self._sparing.note("")) is not None:
                log.warning("the former certificates stay in use: %s%s", error, note)
            self._complaint = str(error)
            return None
        if (note := self._sparing.note("renewed")) is not None:
            log.info("the certificates were renewed%s", note)
        return configuration

    def _versions(self) -> list[Version | None]:
        files = [self._certificate, self._key, *([self._client_authority] if self._client_authority else [])]
        return list(map(_version, files))


def _version(file: Path) -> Version | None:
    try:
        return version_of(file)
    except OSError:
        return None


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
