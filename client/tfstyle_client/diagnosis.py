"""Find out why a server cannot be reached, by connecting to it without gRPC.

gRPC reports a refused connection, an unknown host and a failed TLS handshake alike as UNAVAILABLE.
"""

from __future__ import annotations

import os
import socket
import ssl
from dataclasses import dataclass
from typing import Any

from tfstyle.rules import shown
from tfstyle_client.credentials import Credentials, ascii_text
from tfstyle_client.target import Target

TIMEOUT = 2.0
"""Seconds for each connection, so that the reason is known well before a person gives up."""
_HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
_SETTINGS_TYPE = 4
_PROXY_VARIABLES = ("grpc_proxy", "https_proxy", "http_proxy")
_EXCEPTION_VARIABLES = ("no_grpc_proxy", "no_proxy")
_WRONG_NAME = (62, 64)
"""OpenSSL's verification errors for a host name and an IP address that the certificate does not have."""


@dataclass(frozen=True)
class Diagnosis:
    """Why there is no connection, and whether that can change without a change of settings."""

    reason: str
    may_pass: bool = False


def diagnose(target: Target, credentials: Credentials) -> Diagnosis | None:
    """Why no gRPC connection to `target` with `credentials` is possible; None where nothing is found.

    Takes some seconds at most, apart from the resolver's time for an unknown host.
    """
    if proxy := _proxy_variable(target):
        advice = f"unset it, or add {target.host} to no_proxy, to connect directly"
        return Diagnosis(f"the proxy in the environment variable {proxy} does not connect; {advice}", may_pass=True)
    try:
        return _tls_fault(target, credentials) if credentials.tls else _plaintext_fault(target)
    except socket.gaierror as error:
        return Diagnosis(f"the host {target.host} is unknown ({_sentence(error)}); check the name")
    except UnicodeError:  # from the codec for international names
        return Diagnosis(f"the host {shown(target.host)} is not a valid name; check the address")
    except ConnectionRefusedError:
        what = "the socket" if target.path else f"port {target.port}"
        return Diagnosis(f"connection refused; check that the server is running and listens on {what}", may_pass=True)
    except FileNotFoundError:
        return Diagnosis(f"there is no socket {target.path}; check that the server is running", may_pass=True)
    except PermissionError:
        return Diagnosis(f"no permission to connect to {target}")
    except TimeoutError:
        advice = "check the address, and that no firewall is in the way"
        return Diagnosis(f"no response within {TIMEOUT:.0f} s; {advice}", may_pass=True)
    except OSError as error:
        return Diagnosis(_sentence(error), may_pass=True)


def _proxy_variable(target: Target) -> str | None:
    """The variable that names the proxy through which gRPC connects to `target`."""
    if target.is_local:
        return None
    exceptions = next((value for name in _EXCEPTION_VARIABLES if (value := os.environ.get(name))), "")
    if any(name and target.host.endswith(name) for name in exceptions.replace(" ", "").split(",")):
        return None
    return next((name for name in _PROXY_VARIABLES if os.environ.get(name)), None)


def _connect(target: Target) -> socket.socket:
    if not target.path:
        return socket.create_connection((target.host, target.port), TIMEOUT)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(TIMEOUT)
        connection.connect(target.path)
    except OSError:
        connection.close()
        raise
    return connection


def _plaintext_fault(target: Target) -> Diagnosis | None:
    if _speaks_http2(target):
        return None
    try:
        _handshake(target, _unverified())
    except _DroppedError:
        pass
    except OSError:
        return Diagnosis("what listens there is not a gRPC server; check the address", may_pass=True)
    return Diagnosis("the server uses TLS; add --tls")


def _tls_fault(target: Target, credentials: Credentials) -> Diagnosis | None:
    roots = credentials.root_certificates
    trust = ssl.create_default_context(cadata=None if roots is None else ascii_text(roots))
    trust.set_alpn_protocols(["h2"])
    try:
        _handshake(target, trust)
    except ssl.SSLCertVerificationError as error:
        return _untrusted(target, error, trust)
    except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
        return _no_tls(target)
    except _DroppedError:
        if credentials.certificate is None:
            return Diagnosis("the server requires a client certificate; give --tls-certificate and --tls-key")
        # The handshake here is made without the client's certificate, whose key is in memory only.
        return Diagnosis("the server does not accept the client's certificate, given with --tls-certificate")
    return None


def _untrusted(target: Target, error: ssl.SSLCertVerificationError, trust: ssl.SSLContext) -> Diagnosis:
    if error.verify_code not in _WRONG_NAME:
        advice = "give the certificate of its authority with --tls-ca"
        return Diagnosis(f"the server's certificate is not trusted ({error.verify_message}); {advice}")
    trust.check_hostname = False
    try:
        names = _handshake(target, trust)
    except _DroppedError as dropped:
        names = dropped.names
    valid = f"; it is valid for {', '.join(names)}" if names else ""
    advice = "connect to a name that it is valid for"
    return Diagnosis(f"the server's certificate is not valid for {target.host}{valid}; {advice}")


def _no_tls(target: Target) -> Diagnosis:
    if _speaks_http2(target):
        return Diagnosis("the server does not use TLS; leave out --tls and the certificates")
    return Diagnosis("what listens there does not use TLS, and is not a gRPC server; check the address", may_pass=True)


class _DroppedError(Exception):
    """The server closed the connection after the TLS handshake.

    It does so, for example, because it requires a client certificate.
    """

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self.names = names


def _handshake(target: Target, context: ssl.SSLContext) -> list[str]:
    """Make a TLS connection; the names in the server's certificate, where `context` verifies it.

    Raises `_DroppedError` where the server then closes the connection.
    """
    name = target.host or "localhost"
    with (
        _connect(target) as plain,
        context.wrap_socket(plain, server_hostname=name, suppress_ragged_eofs=False) as secure,
    ):
        certificate: Any = secure.getpeercert() or {}
        names = [str(name) for _, name in certificate.get("subjectAltName", ())]
        try:
            secure.sendall(_HTTP2_PREFACE)
            if not secure.recv(1):
                raise _DroppedError(names)
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
            raise _DroppedError(names) from None
        return names


def _unverified() -> ssl.SSLContext:
    """A context for a connection whose only purpose is to see whether the server uses TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context


def _speaks_http2(target: Target) -> bool:
    """Whether the server answers a plaintext HTTP/2 preface with a SETTINGS frame."""
    with _connect(target) as connection:
        try:
            connection.sendall(_HTTP2_PREFACE)
            header = b""
            while len(header) < 4 and (piece := connection.recv(4 - len(header))):
                header += piece
        except ConnectionError:
            return False
    return len(header) == 4 and header[3] == _SETTINGS_TYPE


def _sentence(error: OSError) -> str:
    return (error.strerror or str(error)).rstrip(".")
