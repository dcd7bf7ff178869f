"""The server's metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

EVALUATION_SECONDS = (0.01, 0.03, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 100)
CALL_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)
JOB_SECONDS = (1, 3, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400)


class WorkerMemory(Collector):
    """Resident memory of each worker process, measured when the metrics are read."""

    def __init__(self, workers: Callable[[], Sequence[tuple[str, int]]]) -> None:
        self._workers = workers

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One sample for each worker process."""
        family = GaugeMetricFamily(
            "tfstyle_worker_memory_bytes", "resident memory of a worker", labels=["device", "pid"]
        )
        for device, pid in self._workers():
            try:
                family.add_metric([device, str(pid)], psutil.Process(pid).memory_info().rss)
            except psutil.Error:  # the process has just ended
                continue
        yield family


class Metrics:
    """The server's metrics. They are counted whether or not they are served."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.queue = Gauge("tfstyle_queue_depth", "jobs waiting for a worker", registry=self.registry)
        self.running = Gauge("tfstyle_jobs_running", "jobs that a worker has", registry=self.registry)
        self.watchers = Gauge("tfstyle_watchers", "open event streams", registry=self.registry)
        self.rejected = Counter("tfstyle_rejected", "refused requests by reason", ["reason"], registry=self.registry)
        self.interruptions = Counter(
            "tfstyle_interruptions", "jobs interrupted because their worker ended", registry=self.registry
        )
        # Names and labels are those that gRPC gives to metrics of servers (gRFC A66), as Prometheus spells them.
        self._calls_started = Counter(
            "grpc_server_call_started", "calls that have begun", ["grpc_method"], registry=self.registry
        )
        self._call_seconds = Histogram(
            "grpc_server_call_duration_seconds",
            "seconds from the begin of a call to its end by status",
            ["grpc_method", "grpc_status"],
            buckets=CALL_SECONDS,
            registry=self.registry,
        )
        self._evaluations = Counter("tfstyle_evaluations", "evaluations of loss and gradient", registry=self.registry)
        self._evaluation_seconds = Histogram(
            "tfstyle_evaluation_seconds", "seconds per evaluation", buckets=EVALUATION_SECONDS, registry=self.registry
        )
        self._job_seconds = Histogram(
            "tfstyle_job_seconds",
            "seconds from creation to end by outcome",
            ["outcome"],
            buckets=JOB_SECONDS,
            registry=self.registry,
        )

    def call_started(self, method: str) -> None:
        """Count a call of `method`, service/method, that begins."""
        self._calls_started.labels(method).inc()

    def call_ended(self, method: str, code: str, seconds: float) -> None:
        """Count a call that ended with the status `code` after `seconds`."""
        self._call_seconds.labels(method, code).observe(seconds)

    def evaluated(self, count: int, seconds: float) -> None:
        """Count `count` evaluations that took `seconds` together."""
        self._evaluations.inc(count)
        for _ in range(count):
            self._evaluation_seconds.observe(seconds / count)

    def ended(self, outcome: str, seconds: float) -> None:
        """Count a job that ended `seconds` after its creation."""
        self._job_seconds.labels(outcome).observe(seconds)

    def reads_memory_of(self, workers: Callable[[], Sequence[tuple[str, int]]]) -> None:
        """Report the memory of the processes (device, process ID) that `workers` returns."""
        self.registry.register(WorkerMemory(workers))
