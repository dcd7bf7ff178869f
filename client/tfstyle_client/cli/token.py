"""`tfstyle token`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tfstyle.atomic import new_draft
from tfstyle_client.cli.reports import print_line
from tfstyle_client.errors import ServerUnreachableError, refusal
from tfstyle_client.files import check_writable, reason
from tfstyle_client.option_values import file_path


def token(
    name: Annotated[str, Parameter(help="the caller who gets the token, and to whom the jobs made with it belong")],
    /,
    *,
    tokens: Annotated[
        Path, Parameter(help="the server's file of tokens; created if it does not exist", converter=file_path)
    ],
    out: Annotated[
        Path | None,
        Parameter(
            help="file for the token, which only its owner can read, in place of printing it", converter=file_path
        ),
    ] = None,
) -> None:
    """Make a token for a caller of a server, and print it; the server's file keeps only its hash."""
    try:
        from tfstyle_server.tokens import SecurityError, new_token
    except ImportError as error:
        message = f"server: not installed here ({error.name}); pip install 'tfstyle[server]'"
        raise ServerUnreachableError(message, "UNAVAILABLE") from None
    if out is not None:
        check_writable(out, "out")
        if out.is_symlink() or out.resolve() == tokens.resolve():
            raise refusal("out", f"{out} must be a file of its own, and no link")
    elif sys.__stdout__ is None:
        raise refusal("token", "would be lost, because standard output is closed; redirect it to a file")
    check_writable(tokens, "tokens")
    try:
        made = new_token(name, tokens)
    except SecurityError as error:
        field, _, why = str(error).partition(": ")
        raise refusal(field, why) from None
    except OSError as error:
        raise refusal("tokens", f"cannot write {tokens}: {reason(error)}") from None
    if out is None:
        print_line(made)
        return
    try:
        with new_draft(out.parent, mode=0o600) as draft:
            draft.file.write(made.encode() + b"\n")
            draft.publish(out)  # without the permissions of a file that was there
    except OSError as error:
        raise refusal("out", f"cannot write {out}: {reason(error)}") from None
