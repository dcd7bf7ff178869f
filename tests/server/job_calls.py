"""Calls about jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import grpc
import pytest
from grpc_status import rpc_status

from conftest import Server
from tfstyle.v1 import style_transfer_pb2_grpc
from tfstyle_client import (
    Client,
    Job,
)

LONG = 10_000


@pytest.fixture(name="client")
def connected(server: Server) -> Iterator[Client]:
    with Client(server.address) as made:
        yield made


def raw(server: Server) -> style_transfer_pb2_grpc.StyleTransferStub:
    return style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(server.address))


def refused(call: Callable[[], object], kind: type) -> tuple[grpc.StatusCode, object]:
    """The code that a call ends with, and its detail of `kind`."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    detail = kind()
    for packed in rpc_status.from_call(caught.value).details:
        if packed.Unpack(detail):
            return caught.value.code(), detail
    raise AssertionError(f"no {kind.__name__} in {caught.value}")


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.02)


def evaluation(job: Job) -> int:
    progress = job.status().progress
    return 0 if progress is None else progress.evaluation
