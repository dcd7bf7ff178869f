"""Log lines of actors, which Ray prints in the driver, as lines of the operator's log."""

from __future__ import annotations

import json
import re
from typing import TextIO

from tfstyle_server.logs import LogFormat

_PREFIX = re.compile(r"\((?:StyleActor )?(pid=[^)]*)\) ?")
_COLOUR = re.compile(r"\x1b\[\d*m")


class ActorLines:
    """In place of standard error: passes on whole lines, without colours.

    In JSON format, an actor's line that is a JSON object gets the field `actor`, and stays one.
    """

    def __init__(self, file: TextIO, log_format: LogFormat) -> None:
        self._file = file
        self._json = log_format == "json"
        self._rest = ""

    def write(self, text: str) -> int:
        """As in `TextIO`."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._file.write(self._converted(line) + "\n")
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

    def _converted(self, line: str) -> str:
        plain = _COLOUR.sub("", line)
        match = _PREFIX.match(plain)
        if match is None or not self._json:
            return plain
        text = plain[match.end() :]
        try:
            record = json.loads(text)
        except ValueError:
            record = {"message": text}
        return json.dumps({**record, "actor": match[1]} if isinstance(record, dict) else {"message": text})
