"""A token that is taken away ends the open calls of its caller, and nobody else's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import grpc

from conftest import Server
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.style_transfer_pb2_grpc import StyleTransferStub
from tfstyle_client import Client, Credentials
from tfstyle_server.tokens import new_token


def test_streams_of_a_revoked_caller_end(
    own_server: Callable[..., Server], tmp_path: Path, landscape: bytes, painting: bytes
) -> None:
    file = tmp_path / "tokens"
    tokens = {name: new_token(name, file) for name in ("ann", "bob")}
    server = own_server("--tokens", str(file))
    names, codes = {}, {}
    for name, token in tokens.items():
        with Client(server.address, credentials=Credentials(token=token)) as client:
            names[name] = client.create(landscape, painting, size=256, steps=10_000).name

    def call(name: str, kind: str) -> grpc.Call:
        stub = StyleTransferStub(grpc.insecure_channel(server.address))
        metadata = [("authorization", f"Bearer {tokens[name]}")]
        if kind == "watch":
            return stub.WatchJob(pb.WatchJobRequest(name=names[name]), metadata=metadata)
        options = pb.TransferOptions(size=256, max_evaluations=10_000)
        return stub.Stylize(pb.StylizeRequest(content=landscape, style=painting, options=options), metadata=metadata)

    def follow(name: str, kind: str, stream: grpc.Call, begun: threading.Event) -> None:
        try:
            for _ in stream:
                begun.set()
        except grpc.RpcError as error:
            codes[name, kind] = (error.code(), error.details(), time.monotonic())

    streams, threads = {}, []
    for name, kind in (("ann", "watch"), ("ann", "stylize"), ("bob", "watch")):
        streams[name, kind] = call(name, kind)
        begun = threading.Event()
        threads.append(threading.Thread(target=follow, args=(name, kind, streams[name, kind], begun)))
        threads[-1].start()
        assert begun.wait(60)
    revoked = time.monotonic()
    file.write_text("".join(line for line in file.read_text().splitlines(keepends=True) if line.startswith("bob")))
    for thread in threads[:2]:
        thread.join(30)
    for kind in ("watch", "stylize"):
        code, details, ended = codes["ann", kind]
        assert (code, details) == (grpc.StatusCode.UNAUTHENTICATED, "the token was revoked")
        assert ended - revoked < 10
    assert threads[2].is_alive(), "bob's token is still valid"
    streams["bob", "watch"].cancel()
    threads[2].join()
