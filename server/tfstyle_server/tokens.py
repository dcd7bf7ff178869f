"""The file of tokens that callers authenticate with.

A token is 32 random bytes. The file holds only their SHA-256, which cannot be inverted by guessing, so no slow
hash is needed. The file is read again when it changes.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from tfstyle.atomic import write_atomically
from tfstyle.file_lock import locked
from tfstyle_server.file_version import Version, version_of

log = logging.getLogger("tfstyle.front")

_NAME = r"[A-Za-z0-9_.@+-]{1,64}"
_LINE = re.compile(rf"({_NAME})\s+([0-9a-f]{{64}})")


class SecurityError(Exception):
    """The server's credentials or address cannot be used; `str()` of it is one line that names the setting."""


def new_token(name: str, file: Path) -> str:
    """Create a token for the caller `name`, add its hash to `file`, and return it. Raises `SecurityError`, OSError."""
    if not re.fullmatch(_NAME, name):
        raise SecurityError("name: must be 1 to 64 ASCII letters, digits or any of . @ + - _")
    token = secrets.token_urlsafe(32)
    with locked(file.parent):  # two processes that add a token at a time would lose one
        existing = file.read_bytes() if file.exists() else b""
        separator = b"" if not existing or existing.endswith(b"\n") else b"\n"
        with write_atomically(file, mode=0o600) as lines:
            lines.write(existing + separator + f"{name} {hash_of(token)}\n".encode())
    return token


class TokenFile:
    """The tokens in `file`, as they are now. Raises `SecurityError` when made from a file that cannot be read.

    A file that is deleted later denies every token. One that cannot be read later, or not as tokens, changes nothing.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._version: Version | None = None
        self._owners: Mapping[str, str] = {}
        self._complaint = ""
        try:
            self._read(version_of(file))
        except OSError as error:
            raise SecurityError(f"tokens: cannot read {file}: {error.strerror}") from None

    def owner(self, wanted: str) -> str | None:
        """The caller whose token has the SHA-256 `wanted`; None where there is none."""
        self._refresh()
        owner = None
        for known, name in self._owners.items():  # compares with all, so that the time tells nothing
            if hmac.compare_digest(known, wanted):
                owner = name
        return owner

    def _refresh(self) -> None:
        try:
            version = version_of(self._file)
            if version != self._version:
                self._read(version)
        except FileNotFoundError:
            self._version, self._owners = None, {}
            self._complain(f"tokens: {self._file} is gone; no token is valid")
        except (OSError, SecurityError) as error:
            self._complain(f"the token file cannot be read again, and what was read before remains valid: {error}")
        else:
            self._complaint = ""

    def _complain(self, complaint: str) -> None:
        """Log a complaint once, and not at each call."""
        if complaint != self._complaint:
            log.error(complaint)
        self._complaint = complaint

    def _read(self, version: Version) -> None:
        """Raises OSError, and `SecurityError` for characters beyond ASCII."""
        text = self._file.read_text("utf-8-sig", "replace")  # some editors begin a file with a byte order mark
        owners = {}
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            if not line.isascii():
                raise SecurityError(
                    f"tokens: line {number} of {self._file} has a character that is not ASCII; save it as ASCII"
                )
            match = _LINE.fullmatch(line.strip())
            if match is None:
                log.error("tokens: line %d of %s is skipped: it is no name followed by a SHA-256", number, self._file)
                continue
            owners[match[2]] = match[1]
        self._version, self._owners = version, owners


def hash_of(token: str) -> str:
    """The SHA-256 of a token in hexadecimal."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
