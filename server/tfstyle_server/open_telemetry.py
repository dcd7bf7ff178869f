"""Traces of jobs as OpenTelemetry's spans, sent to a collector over OTLP. Needs the extra `traces`.

OpenTelemetry's own variables apply: OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS and so on.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, get_current_span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tfstyle import __version__
from tfstyle_server.servicer import SERVICE
from tfstyle_server.traces import JobTrace, Metadata, Receipt

log = logging.getLogger("tfstyle.front")

CLOSING_SECONDS = 5.0
"""How long the end of the server waits for a collector that does not answer."""
LONGEST_CARRIER = 4096
_STORED = TraceContextTextMapPropagator()


class OpenTelemetryTraces:
    """The `Traces` of a server whose spans go through `processor`."""

    def __init__(self, processor: SpanProcessor) -> None:
        self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("tfstyle_server", __version__)

    @contextmanager
    def receive(self, method: str, metadata: Metadata) -> Iterator[Receipt]:
        """As in `Traces`."""
        given = {key: value for key, value in metadata if isinstance(value, str)}
        span = self._tracer.start_span(
            "receive",
            propagate.extract(given),
            SpanKind.SERVER,
            {"rpc.system": "grpc", "rpc.service": SERVICE, "rpc.method": method},
        )
        try:
            yield _Receipt(span)
        except BaseException as error:
            # Only its kind: what it says is for the caller, and has the caller's values in it.
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            span.end()

    def of(self, job: str, carrier: str) -> JobTrace:
        """As in `Traces`. A carrier that cannot be read begins a trace of its own."""
        return _JobTrace(self, job, _STORED.extract(_parsed(carrier), Context()))

    def start(self, phase: str, job: str, parent: Context, attributes: Mapping[str, str | int]) -> Span:
        """A span of a job, which has begun."""
        named = {f"tfstyle.{name}": value for name, value in attributes.items()}
        return self._tracer.start_span(phase, parent, attributes={"tfstyle.job": job, **named})

    def close(self) -> None:
        """As in `Traces`."""
        # In a thread that ends with the process, since an exporter may wait for its collector longer than that.
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSING_SECONDS)
        if closing.is_alive():
            log.warning("the latest spans are lost: their collector does not answer")


class _Receipt:
    def __init__(self, span: Span) -> None:
        self._span = span

    @property
    def carrier(self) -> str:
        headers: dict[str, str] = {}
        _STORED.inject(headers, set_span_in_context(self._span, Context()))
        return json.dumps(headers)

    def accepted(self, job: str) -> None:
        self._span.set_attribute("tfstyle.job", job)


class _JobTrace:
    def __init__(self, traces: OpenTelemetryTraces, job: str, parent: Context) -> None:
        self._traces = traces
        self._job = job
        self._parent = parent
        self._open: Span | None = None

    def enter(self, phase: str, **attributes: str | int) -> None:
        self.leave()
        self._open = self._traces.start(phase, self._job, self._parent, attributes)
        if not get_current_span(self._parent).get_span_context().is_valid:  # the first span begins the trace
            self._parent = set_span_in_context(self._open, Context())

    def note(self, what: str, **attributes: str | int) -> None:
        if self._open is not None:
            self._open.add_event(what, {f"tfstyle.{name}": value for name, value in attributes.items()})

    def leave(self, error: str = "") -> None:
        if self._open is None:
            return
        if error:
            self._open.set_status(Status(StatusCode.ERROR, error))
        self._open.end()
        self._open = None


def open_telemetry(endpoint: str) -> OpenTelemetryTraces:
    """The traces that go to the collector at `endpoint`: http://HOST:PORT, or https, for OTLP over gRPC."""
    secure = urlsplit(endpoint).scheme == "https"
    return OpenTelemetryTraces(BatchSpanProcessor(OTLPSpanExporter(endpoint, insecure=not secure)))


def _resource() -> Resource:
    found = Resource.create({SERVICE_VERSION: __version__})
    if str(found.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        return found.merge(Resource({SERVICE_NAME: "tfstyle-server"}))
    return found


def _parsed(carrier: str) -> dict[str, str]:
    try:
        headers = json.loads(carrier[:LONGEST_CARRIER])
    except ValueError:
        return {}
    return headers if isinstance(headers, dict) and all(isinstance(each, str) for each in headers.values()) else {}
