"""Which hosts are this machine and no other."""

from __future__ import annotations

import ipaddress
import socket


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address without brackets, stands for this machine's loopback interface.

    Names below "localhost" do so by RFC 6761, and 127.1 is short for 127.0.0.1.
    """
    name = host.lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        pass
    try:
        return ipaddress.ip_address(socket.inet_aton(host)).is_loopback
    except (OSError, UnicodeError, ValueError):
        return False
