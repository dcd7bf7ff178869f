"""Traces of jobs, as a collector receives them from a real server over a real socket."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import grpc
import pytest
from job_calls import LONG, evaluation, raw, wait_for
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from conftest import Server
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client import Client
from tfstyle_server.open_telemetry import OpenTelemetryTraces, _parsed

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PHASES = ["receive", "queue", "prepare", "evaluations", "encode"]
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "100"}


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps the spans that it is sent, in the order in which they began."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spans: list[Span] = []
        self.services: set[str] = set()
        self.headers: set[tuple[str, str]] = set()
        self.address = ""

    def Export(self, request: trace_service_pb2.ExportTraceServiceRequest, context: grpc.ServicerContext) -> object:
        with self._lock:
            self.headers |= set(context.invocation_metadata())
            for resource in request.resource_spans:
                for attribute in resource.resource.attributes:
                    if attribute.key == "service.name":
                        self.services.add(attribute.value.string_value)
                for scope in resource.scope_spans:
                    self._spans.extend(scope.spans)
        return trace_service_pb2.ExportTraceServiceResponse()

    @property
    def spans(self) -> list[Span]:
        with self._lock:
            return sorted(self._spans, key=lambda span: span.start_time_unix_nano)

    def names(self) -> list[str]:
        return [span.name for span in self.spans]


def attributes(span: Span) -> dict[str, object]:
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in span.attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    server = grpc.server(ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(made, server)
    made.address = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield made
    server.stop(None)


def creation(landscape: bytes, painting: bytes, **options: int) -> pb.CreateJobRequest:
    transfer = pb.StylizeRequest(content=landscape, style=painting, preset="fast")
    transfer.options.MergeFrom(pb.TransferOptions(**options))
    return pb.CreateJobRequest(transfer=transfer)


def test_a_job_is_traced_from_its_caller_to_its_result(
    collector: Collector, own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    environment = {**SOON, "OTEL_EXPORTER_OTLP_HEADERS": "x-key=secret"}
    server = own_server("--traces", collector.address, **environment)
    metadata = (("traceparent", f"00-{TRACE}-{PARENT}-01"), ("tracestate", "maker=7"), ("x-bin", b"\xff"))
    request = creation(landscape, painting, size=48, max_evaluations=6)
    job = raw(server).CreateJob(request, metadata=metadata)
    with Client(server.address) as client:
        client.job(job.name).result()
    wait_for(lambda: len(collector.names()) >= 5, 20)
    assert server.stop() == 0
    spans = collector.spans
    assert [span.name for span in spans] == PHASES
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    receive, *phases = spans
    assert receive.parent_span_id.hex() == PARENT
    assert receive.kind == Span.SPAN_KIND_SERVER
    assert attributes(receive)["rpc.method"] == "CreateJob"
    assert {span.parent_span_id for span in phases} == {receive.span_id}
    assert {span.trace_state for span in spans} == {"maker=7"}
    assert {attributes(span)["tfstyle.job"] for span in spans} == {job.name}
    for span, following in pairwise(phases):
        assert span.start_time_unix_nano < span.end_time_unix_nano
        # Each begins where the one before it ends, within the steps of the clock between two of its readings.
        assert 0 <= following.start_time_unix_nano - span.end_time_unix_nano < 50e6
    evaluations = attributes(phases[2])
    assert (evaluations["tfstyle.width"], evaluations["tfstyle.height"]) == (48, 32)
    assert evaluations["tfstyle.network"] == "vgg19-lite"
    assert [event.name for event in phases[2].events] == ["stage"]
    assert not any(span.status.code for span in spans)
    assert collector.services == {"tfstyle-server"}
    assert ("x-key", "secret") in collector.headers


@pytest.mark.slow
def test_a_job_that_a_restart_resumes_stays_in_its_trace(
    collector: Collector, own_server: Callable[..., Server], landscape: bytes, painting: bytes, tmp_path: Path
) -> None:
    flags = "--traces", collector.address
    first = own_server(*flags, data=tmp_path, **SOON)
    metadata = (("traceparent", f"00-{TRACE}-{PARENT}-01"),)
    name = raw(first).CreateJob(creation(landscape, painting, size=48, max_evaluations=LONG), metadata=metadata)
    with Client(first.address) as client:
        job = client.job(name.name)
        wait_for(lambda: evaluation(job) > 2)
    wait_for(lambda: "prepare" in collector.names(), 20)
    first.process.kill()
    first.process.wait()
    assert collector.names() == PHASES[:3], "what was open has gone with the process"
    second = own_server(*flags, data=tmp_path, **SOON)
    with Client(second.address) as client:
        job = client.job(name.name)
        wait_for(lambda: job.status().state == "running")
        job.cancel()
    wait_for(lambda: len(collector.names()) >= 5, 20)
    assert second.stop() == 0
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
    *_, queue, running = collector.spans
    assert queue.name == "queue"
    assert running.status.message == "CANCELLED"
    assert {span.parent_span_id for span in collector.spans[1:]} == {collector.spans[0].span_id}


def test_a_request_that_is_refused_is_a_failed_span(
    collector: Collector, own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server("--traces", collector.address, OTEL_SERVICE_NAME="atelier", **SOON)
    with pytest.raises(grpc.RpcError):
        raw(server).CreateJob(creation(landscape, painting, size=-5), metadata=(("traceparent", "00-nonsense"),))
    with pytest.raises(grpc.RpcError):
        list(raw(server).Stylize(pb.StylizeRequest(content=b"no picture", style=painting)))
    assert server.stop() == 0  # and sends what it has
    first, *_ = spans = collector.spans
    assert [span.name for span in spans] == ["receive", "receive", "queue", "prepare"]
    assert first.parent_span_id == b"", "a parent that cannot be read is none"
    assert (first.status.code, first.status.message) == (2, "InvalidInputError")
    assert spans[-1].status.message == "INVALID_ARGUMENT"
    assert not any("no picture" in str(span) or "-5" in str(span) for span in spans)
    assert collector.services == {"atelier"}


@pytest.mark.slow
def test_a_trace_that_its_caller_does_not_sample_is_not_sent(
    collector: Collector, own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server("--traces", collector.address, **SOON)
    request = creation(landscape, painting, size=48, max_evaluations=1)
    name = raw(server).CreateJob(request, metadata=(("traceparent", f"00-{TRACE}-{PARENT}-00"),)).name
    with Client(server.address) as client:
        client.job(name).result()
    assert server.stop() == 0
    assert collector.names() == []


@pytest.mark.slow
def test_a_job_whose_worker_is_lost_has_a_failed_span_and_waits_once_more(
    collector: Collector, own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server("--traces", collector.address, **SOON)
    with Client(server.address) as client:
        job = client.create(landscape, painting, preset="fast", size=48, steps=LONG, request_id="one")
        wait_for(lambda: evaluation(job) > 0)
        os.kill(server.worker_pid(), signal.SIGKILL)
        wait_for(lambda: collector.names()[:5] == [*PHASES[:4], "queue"], 30)
        assert client.create(landscape, painting, preset="fast", size=48, steps=LONG, request_id="one").name == job.name
        job.cancel()
    assert server.stop() == 0
    lost = collector.spans[3]
    assert lost.status.code == 2
    assert "ended" in lost.status.message
    again = collector.spans[-1]
    assert (again.name, attributes(again)["tfstyle.job"]) == ("receive", job.name), "the same job is found"


@pytest.mark.slow
def test_a_collector_that_does_not_answer_holds_nothing_up(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (1, silent.getsockname()[1]):
            server = own_server("--traces", f"http://127.0.0.1:{port}", **SOON)
            with Client(server.address) as client:
                assert client.create(landscape, painting, preset="fast", size=48, steps=1).result().png
            began = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - began < 15
            assert not any("Traceback" in line for line in server.log)


@pytest.mark.parametrize(
    ("variable", "value"), [("OTEL_PROPAGATORS", "no-such"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")]
)
def test_wrong_settings_of_opentelemetry_are_told_in_one_line(variable: str, value: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tfstyle_server", "--listen", "127.0.0.1:0", "--data", str(tmp_path)]
    ended = subprocess.run(
        [*command, "--traces", "http://127.0.0.1:1"],
        capture_output=True, text=True, timeout=60, env={**os.environ, variable: value},
    )  # fmt: skip
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("tfstyle-server: traces: OpenTelemetry cannot be set up: ")


def test_a_job_without_a_stored_trace_begins_one_of_its_own() -> None:
    kept = InMemorySpanExporter()
    job = OpenTelemetryTraces(SimpleSpanProcessor(kept)).of("jobs/a", "")
    for phase in PHASES[1:]:
        job.enter(phase)
    job.leave()
    first, *others = kept.get_finished_spans()
    assert [span.name for span in (first, *others)] == PHASES[1:]
    assert {span.parent.span_id for span in others} == {first.context.span_id}
    assert {span.context.trace_id for span in others} == {first.context.trace_id}


@pytest.mark.parametrize(
    "endpoint", ["collector:4317", "ftp://collector", "http://", "http://[::1", "http://a:99999", ""]
)
def test_a_wrong_address_is_refused_by_name(endpoint: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tfstyle_server", "--listen", "127.0.0.1:0", "--data", str(tmp_path)]
    ended = subprocess.run([*command, "--traces", endpoint], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("tfstyle-server: traces: must be http://HOST:PORT, or https; got ")


@pytest.mark.parametrize("carrier", ["", "{", "[]", "7", '{"traceparent": 7}', '{"a": "b"' + " " * 5000 + "}"])
def test_a_stored_carrier_that_is_damaged_is_none(carrier: str) -> None:
    assert _parsed(carrier) == {}
