"""The server's metrics in Prometheus format, on a port of their own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

log = logging.getLogger("tfstyle.front")

EVALUATION_SECONDS = (0.01, 0.03, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 100)
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

    def serve(self, address: str | None) -> Callable[[], None]:
        """Serve the metrics at `address`, host:port, and return a function that stops it. None serves nothing.

        Raises OSError, ValueError, OverflowError where the address cannot be used.
        """
        if address is None:
            return lambda: None
        host, _, port = address.rpartition(":")
        server, thread = start_http_server(int(port), host.strip("[]"), self.registry)
        log.info("metrics on http://%s:%d/metrics", host, server.server_port)

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return stop
