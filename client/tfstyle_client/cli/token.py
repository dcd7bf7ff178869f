"""`tfstyle token`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tfstyle_client.cli.reports import print_line
from tfstyle_client.errors import ServerUnreachableError, refusal


def token(
    name: Annotated[str, Parameter(help="the caller who gets the token, and to whom the jobs made with it belong")],
    /,
    *,
    tokens: Annotated[Path, Parameter(help="the server's file of tokens; created if it does not exist")],
) -> None:
    """Make a token for a caller of a server, and print it; the file keeps only its hash."""
    try:
        from tfstyle_server.security import SecurityError, new_token
    except ImportError as error:
        message = f"server: not installed here ({error.name}); pip install 'tfstyle[server]'"
        raise ServerUnreachableError(message, "UNAVAILABLE") from None
    try:
        print_line(new_token(name, tokens))
    except SecurityError as error:
        field, _, why = str(error).partition(": ")
        raise refusal(field, why) from None
