"""The format of log lines: text for people, or one JSON object a line for programs."""

from __future__ import annotations

import json
import logging
import math
import sys
import time
from collections import OrderedDict
from typing import Literal

LogFormat = Literal["text", "json"]
FIELDS = "fields"
"""The attribute of a record with what JSON lines have besides the message: {name: value}."""
TIME = "%Y-%m-%dT%H:%M:%S%z"


class JsonFormatter(logging.Formatter):
    """A record as a JSON object: time, level, logger, message, further fields, and the exception if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """As in `logging.Formatter`."""
        line = {
            "time": self.formatTime(record, TIME),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure_logging(log_format: LogFormat = "text") -> None:
    """Send this process's log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    if log_format == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)-14s %(message)s", TIME))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for library in TALKATIVE:
        logging.getLogger(library).setLevel(logging.WARNING)


TALKATIVE = "aiobotocore", "botocore"
"""Loggers that tell at level INFO what is no news."""


class Sparing:
    """Lets each of many sources write `lines` a minute, and all together `most`, so that strangers cannot fill a disk.

    Only the `sources` that wrote last are told apart.
    """

    def __init__(self, lines: int = 10, most: int = 200, seconds: float = 60.0, sources: int = 1000) -> None:
        self._lines, self._most, self._seconds, self._sources = lines, most, seconds, sources
        self._asked: OrderedDict[str, int] = OrderedDict()
        """{source: how many lines it has asked for in this minute}."""
        self._began = -math.inf
        self._written = 0
        self._skipped = 0

    def note(self, source: str) -> str | None:
        """What to add to a line of `source`, mostly nothing; None where the line is not to be written."""
        note, now = "", time.monotonic()
        if now - self._began >= self._seconds:
            if self._skipped:
                note = f" ({self._skipped} more lines like this were not written)"
            self._asked.clear()
            self._began, self._written, self._skipped = now, 0, 0
        self._asked[source] = self._asked.pop(source, 0) + 1
        if len(self._asked) > self._sources:
            self._asked.popitem(last=False)
        if self._asked[source] > self._lines or self._written >= self._most:
            self._skipped += 1
            return None
        self._written += 1
        return note


STRANGERS = Sparing()
"""For lines about strangers of all kinds, each address a source."""
