"""Actors that compute areas of a large picture together with the actor that has the job.

They belong to that actor: it starts them for the first stage that is large enough, and ends them with the job; where it
is lost itself, Ray ends them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import ray
import ray.exceptions as why

from tfstyle.errors import PartyLostError
from tfstyle.tiled.answers import answer_of, answered
from tfstyle_server.executors.local.settings import WorkerSettings
from tfstyle_server.executors.local.worker import set_environment, set_rounding
from tfstyle_server.executors.ray.placement import Together, set_threads, settings_here
from tfstyle_server.executors.ray.reasons import reason
from tfstyle_server.logs import configure_logging

if TYPE_CHECKING:
    from tfstyle.tiled.crew import Crew
    from tfstyle.tiled.party import Party
    from tfstyle.tiled.tasks import Task

log = logging.getLogger("tfstyle.worker")

START_SECONDS = 60.0
"""How long a job waits for the others before it begins without those that are not there; they join it later."""
POLL_SECONDS = 0.2
MOST_STARTS = 4
"""How often an actor of a job may be started in one place; those that are lost again and again are not replaced."""
LOST = (
    why.RayActorError,
    why.ObjectLostError,
    why.WorkerCrashedError,
    why.NodeDiedError,
    why.OutOfMemoryError,
)
"""What Ray raises where an actor, or its node, is lost."""


@ray.remote
class TileActor:
    """Computes areas of pictures on one device of a cluster."""

    def __init__(self, settings: WorkerSettings, threads: int) -> None:
        configure_logging(settings.log_format)
        set_environment(settings_here(settings, threads))
        set_threads(threads)
        from tfstyle.tiled.party import LocalParty  # imports TensorFlow, which reads what was set

        set_rounding(settings)
        self._party = LocalParty()

    def ready(self) -> None:
        """The actor has a place, and TensorFlow."""

    def do(self, task: Task) -> tuple[str, Any]:
        """As `answered`."""
        return answered(self._party.do, task)


class RayParty:
    """An actor as a `Party`."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor
        self.closed = False

    def do(self, task: Task) -> Any:
        """As in `Party`. Raises `RuntimeError` where the computation fails."""
        try:
            return answer_of(ray.get(self._actor.do.remote(task)))
        except LOST as error:
            raise PartyLostError(reason(error)) from None

    def close(self) -> None:
        """As in `Party`."""
        self.closed = True
        with suppress(Exception):
            ray.kill(self._actor)


class Recruits:
    """Starts `count` actors when they are first wanted, and others for those that are lost."""

    def __init__(self, count: int, start: Callable[[], Any], check: Callable[[], None]) -> None:
        self._count, self._start, self._check = count, start, check
        self._left = MOST_STARTS * count
        self._coming: dict[Any, Any] = {}
        self._parties: list[RayParty] = []

    def ready(self) -> list[Party]:
        """Those that have become ready since the last call. The first call waits for them, but not for long."""
        first = self._left == MOST_STARTS * self._count
        self._parties = [party for party in self._parties if not party.closed]
        while self._left and len(self._parties) + len(self._coming) < self._count:
            actor = self._start()
            self._coming[actor.ready.remote()] = actor
            self._left -= 1
        until = time.monotonic() + (START_SECONDS if first else 0)
        while self._coming:
            there, coming = ray.wait(list(self._coming), num_returns=len(self._coming), timeout=POLL_SECONDS)
            if not coming or time.monotonic() >= until:
                break
            self._check()
        else:
            return []
        came = [party for each in there if (party := self._arrived(each))]
        self._parties += came
        if first and (missing := self._count - len(self._parties)):
            log.info("%d of %d other actors are not ready; the job begins without them", missing, self._count)
        return list(came)

    def _arrived(self, ready: Any) -> RayParty | None:
        actor = self._coming.pop(ready)
        try:
            ray.get(ready)
        except why.RayError as error:
            log.warning("an actor that was to compute areas of a picture cannot start: %s", reason(error))
            return None
        return RayParty(actor)

    def close(self) -> None:
        """End those that are not ready yet."""
        for actor in self._coming.values():
            with suppress(Exception):
                ray.kill(actor)


@contextmanager
def gather(together: Together, settings: WorkerSettings, check: Callable[[], None]) -> Iterator[Crew | None]:
    """The crew of a job whose actor has `settings`; see `tfstyle_server.executors.local.worker.Gather`."""
    if together.actors < 2:
        yield None
        return
    from tfstyle.tiled.crew import Crew
    from tfstyle.tiled.party import LocalParty

    threads = max(1, int(together.needs["num_cpus"]))
    kind: Any = TileActor
    kind = kind.options(max_restarts=0, **together.needs)
    recruits = Recruits(together.actors - 1, lambda: kind.remote(settings, threads), check)
    crew = Crew([LocalParty()], together.actors, recruits=recruits.ready, check=check, least_windows=together.windows)
    try:
        with crew:
            yield crew
    finally:
        recruits.close()
