"""The actor: a worker in a cluster, one job at a time. The same code as in a worker process of the front's machine.

What it reports is a stream that Ray transports; commands come through a concurrency group of their own, and so arrive
while the stream runs.
"""

from __future__ import annotations

import logging
import os
import pickle
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import ray

from tfstyle_server.executors.local.messages import Report
from tfstyle_server.executors.local.settings import WorkerSettings
from tfstyle_server.executors.local.wire import encode
from tfstyle_server.executors.local.worker import serve, set_environment
from tfstyle_server.executors.ray.placement import Together, set_threads, settings_here
from tfstyle_server.executors.ray.shared import why_not_shared
from tfstyle_server.executors.run_job import PortClosedError
from tfstyle_server.logs import configure_logging

log = logging.getLogger("tfstyle.worker")

MOST_WAITING = 64
"""Reports that wait to be fetched; with more, the job has to wait."""


@dataclass(frozen=True)
class Position:
    """Where an actor is: its node, that node's address, and its process ID."""

    node: str
    address: str
    pid: int


class Mailbox:
    """The actor's `tfstyle_server.executors.local.worker.Channel`: commands that come, and reports that go."""

    def __init__(self) -> None:
        self._commands: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._reports: queue.Queue[bytes | None] = queue.Queue(MOST_WAITING)

    def put(self, command: object) -> None:
        """A command has come."""
        self._commands.put(command)

    def send(self, report: Report) -> None:
        """As in `Channel`."""
        self._reports.put(encode(report))

    def receive(self) -> Any:
        """As in `Channel`."""
        return self._commands.get()

    def has_command(self) -> bool:
        """As in `Channel`."""
        return not self._commands.empty()

    def close(self) -> None:
        """There is no further report."""
        self._reports.put(None)

    def reports(self) -> Iterator[bytes]:
        """All reports until `close`."""
        while (report := self._reports.get()) is not None:
            yield report


@ray.remote(concurrency_groups={"commands": 1})
class StyleActor:
    """One device of a cluster."""

    def __init__(self) -> None:
        self._mailbox = Mailbox()

    def position(self) -> Position:
        """Where this actor is."""
        return Position(ray.get_runtime_context().get_node_id(), ray.util.get_node_ip_address(), os.getpid())

    def serve(self, settings: WorkerSettings, threads: int, together: Together) -> Iterator[bytes]:
        """Work as a worker with `settings` on so many threads, and yield its reports, until it is to be replaced."""
        configure_logging(settings.log_format)
        work = threading.Thread(
            target=self._serve, args=(settings, threads, together), name="tfstyle-worker", daemon=True
        )
        work.start()
        yield from self._mailbox.reports()

    def _serve(self, settings: WorkerSettings, threads: int, together: Together) -> None:
        try:
            asked, settings = settings, settings_here(settings, threads)
            set_environment(settings)
            set_threads(threads)
            if report := why_not_shared(settings, ray.util.get_node_ip_address()):
                self._mailbox.send(report)
                return
            from tfstyle_server.executors.ray.tiles import gather

            serve(self._mailbox, settings, partial(gather, together, asked))
        except PortClosedError:
            log.info("the server has gone; ending")
        except Exception:
            log.exception("the actor ends")
        finally:
            self._mailbox.close()

    @ray.method(concurrency_group="commands")  # type: ignore[untyped-decorator]
    def command(self, command: bytes) -> None:
        """A command from the front, pickled."""
        self._mailbox.put(pickle.loads(command))  # noqa: S301 - from the front, which may run anything here
