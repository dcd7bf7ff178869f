"""What of the server's environment the driver process gets to see."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from tfstyle_server.executors.local.environment import worker_environment
from tfstyle_server.locations import credentials_of

QUIET = {
    "RAY_DEDUP_LOGS": "0",
    "RAY_COLOR_PREFIX": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""Every line of an actor's log is kept, as it is; nothing is reported to Ray's makers."""


def driver_environment(environment: Mapping[str, str], blobs: str) -> dict[str, str]:
    """The variables of a worker with pictures at `blobs`, and those of Ray, its token for the cluster among them."""
    rays = {name: value for name, value in environment.items() if name.startswith("RAY_")}
    known = worker_environment(environment, Path(tempfile.gettempdir()), credentials_of(blobs))
    return known | QUIET | rays
