"""The tfstyle client: blocking and asyncio classes and the command line. Needs no TensorFlow."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfstyle.inputs import Style
    from tfstyle.options import ProgressOptions
    from tfstyle_client._async.client import AsyncClient
    from tfstyle_client._async.job import AsyncJob
    from tfstyle_client._async.stylize_call import AsyncStylizeCall
    from tfstyle_client._sync.client import Client
    from tfstyle_client._sync.job import Job
    from tfstyle_client._sync.stylize_call import StylizeCall
    from tfstyle_client.credentials import Credentials
    from tfstyle_client.errors import (
        BadRequestError,
        CallCancelledError,
        ClientError,
        DeadlineExceededError,
        FailedPreconditionError,
        JobNotFoundError,
        ServerBusyError,
        ServerUnreachableError,
        UnauthenticatedError,
    )
    from tfstyle_client.events import (
        Accepted,
        Device,
        Event,
        Interrupted,
        JobStatus,
        Losses,
        Progress,
        Result,
        Stage,
        Started,
    )
    from tfstyle_client.server_info import ServerInfo, ServerLimits

_MODULES = {
    "tfstyle.inputs": ("Style",),
    "tfstyle.options": ("ProgressOptions",),
    "tfstyle_client._async.client": ("AsyncClient",),
    "tfstyle_client._async.job": ("AsyncJob",),
    "tfstyle_client._async.stylize_call": ("AsyncStylizeCall",),
    "tfstyle_client._sync.client": ("Client",),
    "tfstyle_client._sync.job": ("Job",),
    "tfstyle_client._sync.stylize_call": ("StylizeCall",),
    "tfstyle_client.credentials": ("Credentials",),
    "tfstyle_client.errors": (
        "BadRequestError",
        "CallCancelledError",
        "ClientError",
        "DeadlineExceededError",
        "FailedPreconditionError",
        "JobNotFoundError",
        "ServerBusyError",
        "ServerUnreachableError",
        "UnauthenticatedError",
    ),
    "tfstyle_client.events": (
        "Accepted",
        "Device",
        "Event",
        "Interrupted",
        "JobStatus",
        "Losses",
        "Progress",
        "Result",
        "Stage",
        "Started",
    ),
    "tfstyle_client.server_info": ("ServerInfo", "ServerLimits"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Accepted",
    "AsyncClient",
    "AsyncJob",
    "AsyncStylizeCall",
    "BadRequestError",
    "CallCancelledError",
    "Client",
    "ClientError",
    "Credentials",
    "DeadlineExceededError",
    "Device",
    "Event",
    "FailedPreconditionError",
    "Interrupted",
    "Job",
    "JobNotFoundError",
    "JobStatus",
    "Losses",
    "Progress",
    "ProgressOptions",
    "Result",
    "ServerBusyError",
    "ServerInfo",
    "ServerLimits",
    "ServerUnreachableError",
    "Stage",
    "Started",
    "Style",
    "StylizeCall",
    "UnauthenticatedError",
]


def __getattr__(name: str) -> Any:
    # Lazy, so that the command line handles Ctrl-C before gRPC is imported.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
