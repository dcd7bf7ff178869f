"""The tfstyle client: blocking and asyncio classes and the command line. Needs no TensorFlow."""

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
