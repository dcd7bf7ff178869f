"""The address on which a server listens: host:port or unix:PATH."""

from __future__ import annotations

import errno
import os
import re
import socket
from pathlib import Path

from tfstyle.rules import shown

LONGEST_SOCKET_PATH = 107


class AddressError(Exception):
    """The address cannot be used; `str()` of it is one line that begins with "listen: "."""


def host_of(listen: str) -> str | None:
    """The host in `listen` without brackets; None for a Unix socket. Raises `AddressError` if it is no address."""
    if listen.startswith("unix:"):
        return None
    if match := re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", listen):
        rest = match[2].rstrip("/")
        raise AddressError(
            f"listen: a scheme such as {match[1]}:// is not part of an address; give {rest or 'HOST:PORT'}"
        )
    host, _, port = listen.rpartition(":")
    if not (port.isascii() and port.isdecimal() and int(port) < 2**16):
        raise AddressError(f"listen: must be HOST:PORT with a port of 0 to 65535, or unix:PATH; got {shown(listen)}")
    if not host:
        raise AddressError(
            f"listen: {listen} has no host; give 127.0.0.1:{port} for this machine only, or 0.0.0.0:{port} for all"
            " interfaces"
        )
    return host.strip("[]")


def is_of_this_machine(host: str) -> bool:
    """Whether one of this machine's interfaces has the address `host`. Blocks while a name is looked up."""
    return _bind(host, 0) not in (errno.EADDRNOTAVAIL, None)


def has_listener(listen: str) -> bool:
    """Whether a process listens on a Unix socket of this path. gRPC would take its place without a word."""
    if not listen.startswith("unix:"):
        return False
    path = _socket_path(listen)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(path)
        except OSError as error:  # a full backlog, or another user's socket, has a listener all the same
            return error.errno in (errno.EAGAIN, errno.EACCES) or isinstance(error, TimeoutError)
    return True


def _socket_path(listen: str) -> str:
    path = listen.removeprefix("unix:")
    return path.removeprefix("//") if path.startswith("///") else path


def why_not(listen: str) -> str:
    """Why a server could not listen there. Blocks while a name is looked up."""
    host = host_of(listen)
    if host is None:
        path = _socket_path(listen)
        if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
            return f"the path of a socket has at most {LONGEST_SOCKET_PATH} bytes"
        if not Path(path).parent.is_dir():
            return "the folder does not exist"
        return "the socket cannot be created"
    match _bind(host, int(listen.rpartition(":")[2])):
        case None | errno.EADDRNOTAVAIL:
            return "the host is not an address of this machine"
        case errno.EADDRINUSE:
            return "the port is in use"
        case 0:
            return "the operating system refuses"
        case number:
            return os.strerror(number)


def _bind(host: str, port: int) -> int | None:
    """Bind a socket and close it. Returns the number of the operating system's error, 0 without, None for no host."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # UnicodeError: a label that is empty or too long
        return None
    numbers = []
    for family, kind, protocol, _, address in found:
        try:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except OSError as error:
            numbers.append(error.errno or errno.EINVAL)
        else:
            numbers.append(0)
    # One address of a name may be this machine's where another is not.
    return next((number for number in numbers if number != errno.EADDRNOTAVAIL), errno.EADDRNOTAVAIL)
