"""Settings in environment variables."""

from __future__ import annotations

import os


def drop_empty_settings() -> None:
    """Delete each TFSTYLE_ variable that is empty, so that it counts as one that is not set."""
    for name in [name for name, value in os.environ.items() if name.startswith("TFSTYLE_") and not value]:
        del os.environ[name]
