"""What the driver process says, as bytes."""

from __future__ import annotations

import pickle

import pytest

from tfstyle.v1.style_transfer_pb2 import Network
from tfstyle_server.executors.local.messages import Draining, Placed, Ready
from tfstyle_server.executors.local.wire import encode
from tfstyle_server.executors.piped_process import UnreadableError
from tfstyle_server.executors.ray.frames import DRAINING, ENDED, LONGEST_TEXT, PLACED, REPORT, Ended, frame, parse


def test_everything_that_is_said_is_understood() -> None:
    ready = Ready(Network(name="vgg19-lite"))
    assert parse(frame(REPORT, 7, encode(ready))) == (7, ready)
    assert parse(frame(PLACED, 2**32 - 1, "on a nöde")) == (2**32 - 1, Placed("on a nöde"))
    assert parse(frame(DRAINING, 1)) == (1, Draining())
    assert parse(frame(ENDED, 1, "x" * 10**6)) == (1, Ended("x" * LONGEST_TEXT))


@pytest.mark.parametrize(
    "data", [b"", b"r", b"r\0\0\0", frame(REPORT, 1, b"\xff\xff"), b"z\0\0\0\0", pickle.dumps(Ended("no"))]
)
def test_anything_else_is_refused_and_not_unpickled(data: bytes) -> None:
    with pytest.raises(UnreadableError):
        parse(data)
