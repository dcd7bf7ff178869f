"""The tfstyle client: blocking and asyncio classes and the command line. Needs no TensorFlow."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfstyle.options import ProgressOptions
    from tfstyle_client.aio import AsyncClient, AsyncStylizeCall
    from tfstyle_client.client import Client, StylizeCall
    from tfstyle_client.errors import (
        BadRequestError,
        CallCancelledError,
        ClientError,
        NotPreparedError,
        OutOfTimeError,
        ServerBusyError,
        ServerUnreachableError,
    )
    from tfstyle_client.events import Accepted, Event, Losses, Progress, Result, Started

_MODULES = {
    "tfstyle.options": ("ProgressOptions",),
    "tfstyle_client.aio": ("AsyncClient", "AsyncStylizeCall"),
    "tfstyle_client.client": ("Client", "StylizeCall"),
    "tfstyle_client.errors": (
        "BadRequestError",
        "CallCancelledError",
        "ClientError",
        "NotPreparedError",
        "OutOfTimeError",
        "ServerBusyError",
        "ServerUnreachableError",
    ),
    "tfstyle_client.events": ("Accepted", "Event", "Losses", "Progress", "Result", "Started"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Accepted",
    "AsyncClient",
    "AsyncStylizeCall",
    "BadRequestError",
    "CallCancelledError",
    "Client",
    "ClientError",
    "Event",
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
