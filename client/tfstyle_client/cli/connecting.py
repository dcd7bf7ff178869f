"""The server that a command works on: the one at `--server`, or a private one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tfstyle_client.cli.parameters import Access
from tfstyle_client.credentials import PLAINTEXT, Credentials
from tfstyle_client.errors import refusal
from tfstyle_client.private_server import private_server
from tfstyle_client.target import parse_target


def check_server(server: str | None, weights: str | None) -> None:
    """Refuse, before any work, an address that cannot be one, and weights for it. Raises `BadRequestError`."""
    if server is not None:
        parse_target(server)
        if weights is not None:
            raise refusal("weights", "are for a private server; the server at --server has its own")


@contextmanager
def reached(
    server: str | None, access: Access, weights: str | None, network: str, recycle_after: int | None = None
) -> Iterator[tuple[str, Credentials]]:
    """(address, credentials) of `server`; where that is None, of a private one as `private_server` starts it.

    Raises `ClientError`.
    """
    if server is not None:
        yield server, access.credentials()
        return
    with private_server(weights, network, recycle_after) as address:
        yield address, PLAINTEXT
