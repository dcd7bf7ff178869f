"""The tfstyle client: blocking and asyncio classes and the command line. Needs no TensorFlow."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfstyle.options import ProgressOptions
    from tfstyle_client.access import Access
    from tfstyle_client.aio import AsyncClient, AsyncJob, AsyncStylizeCall
    from tfstyle_client.client import Client, Job, StylizeCall
    from tfstyle_client.errors import (
        BadRequestError,
        CallCancelledError,
        ClientError,
        JobNotFoundError,
        NotPreparedError,
        OutOfTimeError,
        ServerBusyError,
        ServerUnreachableError,
    )
    from tfstyle_client.events import Accepted, Event, Interrupted, JobStatus, Losses, Progress, Result, Started

_MODULES = {
    "tfstyle.options": ("ProgressOptions",),
    "tfstyle_client.access": ("Access",),
    "tfstyle_client.aio": ("AsyncClient", "AsyncJob", "AsyncStylizeCall"),
    "tfstyle_client.client": ("Client", "Job", "StylizeCall"),
    "tfstyle_client.errors": (
        "BadRequestError",
        "CallCancelledError",
        "ClientError",
        "JobNotFoundError",
        "NotPreparedError",
        "OutOfTimeError",
        "ServerBusyError",
        "ServerUnreachableError",
    ),
    "tfstyle_client.events": (
        "Accepted",
        "Event",
        "Interrupted",
        "JobStatus",
        "Losses",
        "Progress",
        "Result",
        "Started",
    ),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Accepted",
    "Access",
    "AsyncClient",
    "AsyncJob",
    "AsyncStylizeCall",
    "BadRequestError",
    "CallCancelledError",
    "Client",
    "ClientError",
    "Event",
    "Interrupted",
    "Job",
    "JobNotFoundError",
    "JobStatus",
    "Losses",
    "NotPreparedError",
    "OutOfTimeError",
    "Progress",
    "ProgressOptions",
    "Result",
    "ServerBusyError",
    "ServerUnreachableError",
    "Started",
    "StylizeCall",
]


def __getattr__(name: str) -> Any:
    # Lazy, so that the command line looks after Ctrl-C before gRPC is imported.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
