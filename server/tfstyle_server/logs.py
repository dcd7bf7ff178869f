"""The format of log lines: time, level, logger, message."""

from __future__ import annotations

import logging
import sys


def configure_logging() -> None:
    """Send this process's log to standard error."""
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)-7s %(name)-14s %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stderr,
        force=True,
    )
