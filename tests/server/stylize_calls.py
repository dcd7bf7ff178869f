"""Calls to Stylize, raw."""

from __future__ import annotations

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from conftest import Server
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc

LONG = 10_000


def stub_of(server: Server) -> style_transfer_pb2_grpc.StyleTransferStub:
    return style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(server.address))


def request(
    content: bytes,
    style: bytes,
    *,
    preset: str = "",
    size: int = 48,
    steps: int = 4,
    coarsest_scale: int | None = None,
    **progress: int,
) -> pb.StylizeRequest:
    return pb.StylizeRequest(
        content=content,
        style=style,
        preset=preset,
        options=pb.TransferOptions(size=size, max_evaluations=steps, coarsest_scale=coarsest_scale),
        progress=pb.ProgressOptions(**progress),
    )


def refusal(call: object) -> tuple[grpc.RpcError, list[object]]:
    """The error that a call ends with and its unpacked details."""
    with pytest.raises(grpc.RpcError) as caught:
        list(call)  # type: ignore[call-overload]
    status = rpc_status.from_call(caught.value)
    kinds = (error_details_pb2.BadRequest, error_details_pb2.RetryInfo, error_details_pb2.PreconditionFailure)
    found = []
    for detail in status.details if status else ():
        for kind in kinds:
            message = kind()
            if detail.Unpack(message):
                found.append(message)
    return caught.value, found
