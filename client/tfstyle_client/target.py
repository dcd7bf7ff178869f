"""The address of a server: HOST:PORT or unix:PATH."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from dataclasses import dataclass

from tfstyle.loopback import is_loopback
from tfstyle.rules import shown
from tfstyle_client.errors import refusal

LONGEST_SOCKET_PATH = 107
_RESOLVERS = ("dns:///", "dns:", "ipv4:", "ipv6:")
"""Prefixes of gRPC's address syntax that name a plain HOST:PORT."""
_LOOPBACK_NAMES = {"ip6-localhost", "ip6-loopback"}
"""Names of this machine in the hosts file of some systems, besides localhost."""


@dataclass(frozen=True)
class Target:
    """A parsed address: `host` and `port`, or the `path` of a Unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def is_local(self) -> bool:
        """Whether the server runs on this machine, so that no traffic leaves it."""
        if self.path:
            return True
        if is_loopback(self.host) or self.host.lower().removesuffix(".") in _LOOPBACK_NAMES:
            return True
        address = _ip_address(self.host)
        # To connect to the unspecified address, 0.0.0.0 or ::, is to connect to this machine.
        return address is not None and (address.is_loopback or address.is_unspecified)

    def __str__(self) -> str:
        """The address as gRPC takes it."""
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_target(address: str) -> Target:
    """The parts of `address`. Raises `BadRequestError`, naming the field `server`, where it is not an address."""
    if not address.strip():
        raise refusal("server", "is empty; give HOST:PORT or unix:PATH")
    if not address.isascii() or any(character.isspace() for character in address):
        raise refusal("server", f"must be HOST:PORT or unix:PATH, in ASCII and without spaces; got {shown(address)}")
    if address.startswith("unix:"):
        return Target(path=_socket_path(address))
    if match := re.match(r"(https?|grpcs?|tcp|tls)://(.*)", address, re.IGNORECASE):
        rest = match[2].rstrip("/")
        tls = " and --tls" if match[1].lower() in ("https", "grpcs", "tls") else ""
        raise refusal("server", f"must not begin with {match[1]}://; write {shown(rest) if rest else 'HOST:PORT'}{tls}")
    for prefix in _RESOLVERS:
        if address.startswith(prefix):
            address = address.removeprefix(prefix)
            break
    return _host_and_port(address)


def _ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that `host` writes out, short forms such as 127.1 included; None for a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host))
        except OSError:
            return None
    return getattr(address, "ipv4_mapped", None) or address


def _socket_path(address: str) -> str:
    path = address.removeprefix("unix:")
    if path.startswith("//"):
        path = path.removeprefix("//")
        if not path.startswith("/"):
            raise refusal("server", f"must be unix:PATH or unix:///PATH; got {shown(address)}")
    if not path:
        raise refusal("server", "has no path after unix:; give unix:PATH")
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise refusal("server", f"has a socket path of more than {LONGEST_SOCKET_PATH} bytes; use a shorter one")
    return path


def _host_and_port(address: str) -> Target:
    match = re.fullmatch(r"(?:\[([^\]]*)\]|([^:]*))(?::([^:]*))?", address)
    if match is None:
        raise refusal(
            "server", f"must be HOST:PORT, with an IPv6 address in brackets as in [::1]:50051; got {shown(address)}"
        )
    host, port = match[1] or match[2], match[3]
    if not host:
        raise refusal("server", f"has no host; give HOST:PORT, such as localhost:50051; got {shown(address)}")
    if "/" in host:
        raise refusal("server", f"must be HOST:PORT or unix:PATH; got {shown(address)}")
    if not port:
        raise refusal("server", f"has no port; give HOST:PORT, such as {address.rstrip(':')}:50051")
    if not (port.isdecimal() and 0 < int(port) < 2**16):
        raise refusal("server", f"must have a port of 1 to 65535; got {shown(port)}")
    written_out = _ip_address(host)
    # gRPC takes short forms such as 127.1 for names.
    return Target(host if written_out is None or ":" in host else str(written_out), int(port))
