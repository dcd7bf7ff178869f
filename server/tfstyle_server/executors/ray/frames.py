"""What the front and the driver process say to each other about actors, which they number.

The front sends pickled objects. The driver sends bytes only, so that nothing that comes from the cluster is unpickled
in the front.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

from tfstyle_server.executors.local.messages import Draining, Notice, Placed, Report
from tfstyle_server.executors.local.settings import WorkerSettings
from tfstyle_server.executors.local.wire import MOST_BYTES, decode
from tfstyle_server.executors.piped_process import UnreadableError
from tfstyle_server.executors.ray.options import RayOptions
from tfstyle_server.logs import LogFormat

_HEAD = struct.Struct("<cI")
MOST_FRAME = MOST_BYTES + _HEAD.size
LONGEST_TEXT = 2000

Kind = Literal[b"r", b"p", b"d", b"e"]
REPORT: Kind = b"r"
"""A report of the actor's, as bytes of `wire`."""
PLACED: Kind = b"p"
"""The actor has been placed; the text says where."""
DRAINING: Kind = b"d"
"""The actor's node is drained."""
ENDED: Kind = b"e"
"""The actor has ended; the text says how."""


@dataclass(frozen=True)
class Connect:
    """To a driver, first of all: which cluster to use, and how to write log lines."""

    options: RayOptions
    log_format: LogFormat


@dataclass(frozen=True)
class Open:
    """To a driver: start an actor."""

    number: int
    settings: WorkerSettings


@dataclass(frozen=True)
class Deliver:
    """To a driver: pass a pickled command on to an actor."""

    number: int
    command: bytes


@dataclass(frozen=True)
class Kill:
    """To a driver: end an actor at once."""

    number: int


@dataclass(frozen=True)
class Ended:
    """From a driver: an actor has ended, and its number is not used again."""

    how: str


def frame(kind: Kind, number: int, payload: bytes | str = b"") -> bytes:
    """The bytes of a message of the driver's about an actor."""
    data = payload[:LONGEST_TEXT].encode() if isinstance(payload, str) else payload
    return _HEAD.pack(kind, number) + data


def parse(data: bytes) -> tuple[int, Report | Notice | Ended]:
    """The actor's number, and what is said of it. Raises `UnreadableError`."""
    if len(data) < _HEAD.size:
        raise UnreadableError("it is too short")
    kind, number = _HEAD.unpack_from(data)
    payload = data[_HEAD.size :]
    match kind:
        case b"r":
            return number, decode(payload)
        case b"p":
            return number, Placed(payload.decode("utf-8", "replace"))
        case b"d":
            return number, Draining()
        case b"e":
            return number, Ended(payload.decode("utf-8", "replace"))
        case _:
            raise UnreadableError(f"it has the unknown kind {kind!r}")
