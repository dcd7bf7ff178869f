"""The server that a command works on: the one at `--server`, or a private one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tfstyle_client._sync.client import Client
from tfstyle_client.cli.parameters import PATIENCE, Access
from tfstyle_client.credentials import PLAINTEXT, Credentials
from tfstyle_client.errors import refusal
from tfstyle_client.private_server import private_server
from tfstyle_client.target import parse_target


def check_server(server: str | None, weights: str | None, timeout: float | None = None) -> None:
    """Refuse, before any work, an impossible server or deadline. Raises `BadRequestError`."""
    if timeout is not None and not (math.isfinite(timeout) and timeout > 0):
        raise refusal("timeout", f"must be a number of seconds above 0; got {timeout}")
    if server is not None:
        parse_target(server)
        if weights is not None:
            raise refusal("weights", "are for a private server; the server at --server has its own")


@contextmanager
def reached(server: str | None, access: Access, weights: str | None, network: str) -> Iterator[tuple[str, Credentials]]:
    """(address, credentials) of `server`; where that is None, of a private one as `private_server` starts it.

    Raises `ClientError`.
    """
    if server is not None:
        yield server, access.credentials()
        return
    with private_server(weights, network) as address:
        yield address, PLAINTEXT


def client_of(server: str | None, address: str, credentials: Credentials, say: Callable[[str], None]) -> Client:
    """A client of `reached(server, ...)`, which says what it waits for where that is no private server.

    A private one is about to start its worker, which takes its time and needs no word.
    """
    if server is None:
        return Client(address, credentials=credentials)
    return Client(address, PATIENCE, credentials, say)
