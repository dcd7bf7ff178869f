"""Log lines of actors, which Ray prints in the driver, as lines of the operator's log."""

from __future__ import annotations

import json
import re
from typing import TextIO

from tfstyle_server.logs import LogFormat

_PREFIX = re.compile(r"\((?:StyleActor )?(pid=[^)]*)\) ?")
_RAYLET = re.compile(r"\((?:raylet|autoscaler)[^)]*\) ?")
_LIBRARIES = re.compile(r"(?:I\d{4} \d\d:|WARNING: All log messages before absl)")
"""What the libraries below TensorFlow write although they are told not to."""
_COLOUR = re.compile(r"\x1b\[\d*m")
LONGEST = 300
"""The longest line of Ray's own in characters."""


class ActorLines:
    """In place of standard error: passes on whole lines, without colours.

    In JSON format, an actor's line that is a JSON object gets the field `actor`, and stays one.
    """

    def __init__(self, file: TextIO, log_format: LogFormat) -> None:
        self._file = file
        self._json = log_format == "json"
        self._rest = ""
        self._in_dump = False
        """Whether the last line was Ray's own, so that what follows may be its internal state."""

    def write(self, text: str) -> int:
        """As in `TextIO`."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            if (converted := self._converted(_COLOUR.sub("", line))) is not None:
                self._file.write(converted + "\n")
        return len(text)

    def flush(self) -> None:
        """As in `TextIO`."""
        self._file.flush()

    def isatty(self) -> bool:
        """As in `TextIO`."""
        return False

    def fileno(self) -> int:
        """As in `TextIO`."""
        return self._file.fileno()

    def _converted(self, line: str) -> str | None:
        """The line of the operator's log, or None where there is to be none."""
        if match := _PREFIX.match(line):
            self._in_dump = False
            text = line[match.end() :]
            return None if _LIBRARIES.match(text) else self._of_actor(match[1], text, line)
        if _RAYLET.match(line):
            self._in_dump = True
            return line[:LONGEST]
        if self._in_dump and (not line.strip() or line[0].isspace()):
            return None  # Ray appends what it knows of itself
        self._in_dump = False
        return line

    def _of_actor(self, actor: str, text: str, line: str) -> str:
        if not self._json:
            return line
        try:
            record = json.loads(text)
        except ValueError:
            record = None
        return json.dumps({**record, "actor": actor} if isinstance(record, dict) else {"message": text, "actor": actor})
