"""The actors of a cluster as the front sees them, through one driver process.

The driver is the process that Ray knows. It is not the front itself, because calls to Ray may block, because Ray ends
its process where the cluster is lost, and because what comes from a cluster is unpickled.
"""

from __future__ import annotations

import itertools
import logging
import os
import pickle
from collections.abc import Callable

from tfstyle_server.executors.local.messages import Command, Notice, Report
from tfstyle_server.executors.local.settings import WorkerSettings
from tfstyle_server.executors.piped_process import PipedProcess
from tfstyle_server.executors.ray.environment import driver_environment
from tfstyle_server.executors.ray.frames import MOST_FRAME, Connect, Deliver, Ended, Kill, Open, parse

log = logging.getLogger("tfstyle.front")

DRIVER = "tfstyle_server.executors.ray.driver"


class Actor:
    """A worker in a cluster. Implements `tfstyle_server.executors.worker.Worker`."""

    placed = False
    pid = None

    def __init__(
        self,
        number: int,
        driver: PipedProcess[tuple[int, Report | Notice | Ended]],
        on_report: Callable[[Actor, Report | Notice], None],
        on_end: Callable[[Actor, str], None],
    ) -> None:
        self.number = number
        self.driver = driver
        self._on_report = on_report
        self._on_end = on_end

    @property
    def name(self) -> str:
        """As in `Worker`."""
        return f"actor-{self.number}"

    async def send(self, command: Command) -> None:
        """As in `Worker`."""
        await self.driver.send(Deliver(self.number, pickle.dumps(command)))

    def kill(self) -> None:
        """As in `Worker`. The driver does it, and tells when it is done."""
        self.driver.post(Kill(self.number))

    def wait(self) -> None:
        """As in `Worker`: Ray ends the actors of a driver that has ended."""
        self.driver.kill()
        self.driver.wait()

    def hear(self, said: Report | Notice | Ended) -> None:
        """Pass on what the driver says of this actor."""
        if isinstance(said, Ended):
            self._on_end(self, said.how)
        else:
            self._on_report(self, said)


class Actors:
    """Starts actors, and the driver process when there is none. `Actors.start` is a `StartWorker`."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._numbers = itertools.count(1)
        self._driver: PipedProcess[tuple[int, Report | Notice | Ended]] | None = None
        self._actors: dict[int, Actor] = {}

    def start(
        self,
        settings: WorkerSettings,
        on_report: Callable[[Actor, Report | Notice], None],
        on_end: Callable[[Actor, str], None],
    ) -> Actor:
        """As `StartWorker`."""
        driver = self._driver or self._start_driver(settings)
        actor = Actor(next(self._numbers), driver, on_report, on_end)
        self._actors[actor.number] = actor
        driver.post(Open(actor.number, settings))
        return actor

    def _start_driver(self, settings: WorkerSettings) -> PipedProcess[tuple[int, Report | Notice | Ended]]:
        driver = PipedProcess(
            DRIVER,
            "Ray driver",
            driver_environment(os.environ, settings.blobs),
            self._connect,
            MOST_FRAME,
            parse,
            self._on_message,
            self._on_driver_end,
            relays=self._connect.log_format == "json",
        )
        log.info("Ray driver %s connects to %s", driver.pid, self._connect.options.address)
        self._driver = driver
        return driver

    def _on_message(self, message: tuple[int, Report | Notice | Ended]) -> None:
        number, said = message
        actor = self._actors.pop(number, None) if isinstance(said, Ended) else self._actors.get(number)
        if actor is not None:
            actor.hear(said)

    def _on_driver_end(self, exit_code: int | None) -> None:
        self._driver = None
        lost, self._actors = self._actors, {}
        for actor in lost.values():
            actor.hear(Ended(f"the connection to the Ray cluster ended, exit code {exit_code}"))
