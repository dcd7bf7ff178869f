"""The format of log lines: date and time with the zone, level, logger, message."""

from __future__ import annotations

import logging
import sys


def configure_logging() -> None:
    """Send this process's log to standard error."""
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)-7s %(name)-14s %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S%z",
        stream=sys.stderr,
        force=True,
    )
