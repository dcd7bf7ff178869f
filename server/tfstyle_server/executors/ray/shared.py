"""Whether a node sees the same pictures as the server: the driver writes a blob, and the actor looks for it."""

from __future__ import annotations

import hashlib

from tfstyle_server.executors.local.messages import CannotStart
from tfstyle_server.executors.local.settings import WorkerSettings
from tfstyle_server.locations import LocationError, open_blobs

_PROBE = b"tfstyle: do all nodes see this?"


def announce(settings: WorkerSettings) -> None:
    """Write the blob, which is deleted soon, since nothing refers to it. Raises OSError."""
    open_blobs(settings.blobs).put([_PROBE])


def why_not_shared(settings: WorkerSettings, node: str) -> CannotStart | None:
    """What the actor on `node` is to report where the blob cannot be seen; None: it can."""
    try:
        if open_blobs(settings.blobs).size(hashlib.sha256(_PROBE).hexdigest()) is not None:
            return None
    except LocationError as error:
        return CannotStart(f"blobs: node {node}: {error}", permanent=True)
    except OSError as error:
        why = f"blobs: node {node} cannot look into {settings.blobs}: {error.strerror or error}"
        return CannotStart(why, permanent=False)
    why = f"blobs: node {node} does not see the server's pictures in {settings.blobs}; "
    why += "name a folder that all nodes share, or an object store, with --blobs"
    return CannotStart(why, permanent=True)
