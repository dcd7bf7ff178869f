"""Every call has a line in the log and its place in the metrics, failed ones and strangers' ones too."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

from conftest import Server
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.style_transfer_pb2_grpc import StyleTransferStub
from tfstyle_server.tokens import new_token


@pytest.mark.parametrize("log_format", ["json", pytest.param("text", marks=pytest.mark.slow)])
def test_calls_are_recorded(own_server: Callable[..., Server], tmp_path: Path, log_format: str) -> None:
    file = tmp_path / "tokens"
    token = new_token("ann", file)
    server = own_server("--tokens", str(file), "--metrics", "127.0.0.1:0", "--log-format", log_format)
    server.worker_pid()
    stub = StyleTransferStub(grpc.insecure_channel(server.address))
    ann = ("authorization", f"Bearer {token}")

    def call(method: str, request: object, *metadata: tuple[str, str]) -> tuple[str, str]:
        """(code, request ID in the trailing metadata) of a unary call."""
        try:
            _, done = getattr(stub, method).with_call(request, metadata=metadata)
        except grpc.RpcError as error:
            done = error
        return done.code().name, dict(done.trailing_metadata())["x-request-id"]

    assert call("ListJobs", pb.ListJobsRequest(), ann, ("x-request-id", "from-the-page:1")) == ("OK", "from-the-page:1")
    code, made = call("GetJob", pb.GetJobRequest(name="jobs/none"), ann, ("x-request-id", "two words"))
    assert code == "NOT_FOUND"
    assert re.fullmatch("[0-9a-f]{16}", made), "what a log line cannot hold is replaced"
    refused = [call("ListJobs", pb.ListJobsRequest(), ("authorization", "Bearer wrong")) for _ in range(40)]
    assert {code for code, _ in refused} == {"UNAUTHENTICATED"}
    watch = stub.WatchJob(pb.WatchJobRequest(name="jobs/none"), metadata=[ann])
    with pytest.raises(grpc.RpcError):
        list(watch)
    server.wait_for_log("WatchJob NOT_FOUND in")
    if log_format == "json":
        lines = [json.loads(line) for line in server.log]
        calls = [line for line in lines if line["logger"] == "tfstyle.calls"]
        assert {line["logger"] for line in lines} == {"tfstyle.front", "tfstyle.calls"}
        listed = calls[0]
        assert (listed["method"], listed["code"], listed["owner"]) == ("ListJobs", "OK", "ann")
        assert (listed["request_id"], listed["peer"].partition(":")[0]) == ("from-the-page:1", "ipv4")
        assert 0 < listed["seconds"] < 10
        strangers = [line for line in calls if line["owner"] is None]
        assert [line["request_id"] for line in strangers] == [made for _, made in refused[:10]]
    else:
        (listed,) = (line for line in server.log if "ListJobs OK in" in line)
        assert re.search(
            r"INFO +tfstyle.calls +ListJobs OK in \d+\.\d{3} s for ann from ipv4:\S+, request from", listed
        )
        assert sum("ListJobs UNAUTHENTICATED in" in line for line in server.log) == 10
    assert token not in "\n".join(server.log)
    page = urllib.request.urlopen(server.wait_for_log(r"metrics on (http[^\s\"]+)")[1], timeout=10).read().decode()
    for method, status, count in (
        ("ListJobs", "OK", 1),
        ("ListJobs", "UNAUTHENTICATED", 40),
        ("GetJob", "NOT_FOUND", 1),
    ):
        labels = f'grpc_method="tfstyle.v1.StyleTransfer/{method}",grpc_status="{status}"'
        assert f"grpc_server_call_duration_seconds_count{{{labels}}} {count:.1f}" in page
    assert 'grpc_server_call_started_total{grpc_method="tfstyle.v1.StyleTransfer/ListJobs"} 41.0' in page
