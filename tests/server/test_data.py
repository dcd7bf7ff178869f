"""The data folder: nothing in it is open to other users, and nothing that was deleted takes room."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import grpc

from conftest import Server
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc


def open_to_others(folder: Path) -> list[str]:
    """The files and folders that other users can read or write, `folder` among them."""
    found = [folder, *folder.rglob("*")]
    return [str(each.relative_to(folder)) for each in found if stat.S_IMODE(each.lstat().st_mode) & 0o077]


def test_a_folder_that_was_open_to_others_is_closed(
    own_server: Callable[..., Server], tmp_path: Path, landscape: bytes, painting: bytes
) -> None:
    data = tmp_path / "data"
    former = os.umask(0)
    try:
        (data / "blobs" / "ab").mkdir(parents=True)
        (data / "blobs" / "ab" / "picture").write_bytes(b"of a caller")
        (tmp_path / "elsewhere").write_bytes(b"not ours")
        (data / "blobs" / "link").symlink_to(tmp_path / "elsewhere")
        server = own_server("--accept-empty-database", data=data)
    finally:
        os.umask(former)
    server.wait_for_log(r"data: 4 files and folders of \S+ were open to other users; they no longer are")
    stub = style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(server.address))
    transfer = pb.StylizeRequest(content=landscape, style=painting, preset="fast", detach=True)
    transfer.options.size, transfer.options.max_evaluations = 48, 3
    events = [event.WhichOneof("event") for event in stub.Stylize(transfer, timeout=120)]
    assert "result" in events
    assert server.stop() == 0
    assert any(path.is_file() for path in (data / "blobs").glob("??/*"))
    assert open_to_others(data) == ["blobs/link"], "a link has no permissions of its own"
    assert stat.S_IMODE((tmp_path / "elsewhere").stat().st_mode) == 0o666
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
