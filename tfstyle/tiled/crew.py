"""Several parties that compute the areas of a picture at the same time, and go on where some of them are lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from tfstyle.errors import PartyLostError
from tfstyle.networks.network import Network
from tfstyle.tiled.party import Party
from tfstyle.tiled.tasks import Forget, Key, Learn, Task

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1
"""How often `Crew` looks whether the work is to stop."""


@dataclass(frozen=True)
class Errand:
    """One area's share of a pass: a `task`, the tasks whose effects it needs, and those whose effects are left.

    `key` is that of the area; the tasks `before` are done again where the party that has the area does not have their
    effects. None: the task needs nothing and leaves nothing.
    """

    key: Key | None
    task: Task
    before: tuple[Task, ...] = ()
    after: tuple[Task, ...] = ()


@dataclass
class _Place:
    """A party with a thread of its own, what it has learnt, and the tasks {key: tasks} of which it has the effects."""

    party: Party
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "party"))
    networks: set[str] = field(default_factory=set)
    done: dict[Key, tuple[Task, ...]] = field(default_factory=dict)

    def close(self) -> None:
        self.thread.shutdown(wait=False, cancel_futures=True)  # areas that have not begun are not computed
        self.party.close()
        self.thread.shutdown()


class Crew:
    """`parties` that compute areas of pictures; to be used in a `with` statement, which ends them.

    `size` is the number of areas into which a picture is divided. The result depends on it alone, to the bit, and not
    on how many parties there are or which of them are lost. `recruits` returns further parties that have become ready
    since its last call; parties that are lost may be replaced so. `check` is called again and again while parties
    compute, and what it raises ends the pass. Pictures with fewer than `least_windows` windows are not divided.
    """

    def __init__(
        self,
        parties: Sequence[Party],
        size: int,
        *,
        recruits: Callable[[], Sequence[Party]] = tuple,
        check: Callable[[], None] = lambda: None,
        least_windows: int = 2,
    ) -> None:
        self.size = size
        self.least_windows = least_windows
        self._places = [_Place(party) for party in parties]
        self._recruits = recruits
        self._check = check

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for place in self._places:
            place.close()

    def gather(self) -> None:
        """Between two evaluations: take in parties that have become ready, and divide the areas among all."""
        came = [_Place(party) for party in self._recruits()]
        if not came:
            return
        self._places += came
        log.info("%d parties compute areas of a picture", len(self._places))
        for place in self._places:
            for key in [key for key in place.done if self._home(key.area) is not place]:
                del place.done[key]
                place.thread.submit(place.party.do, Forget(key))

    def _home(self, area: int) -> _Place:
        return self._places[area % len(self._places)]

    def ask(self, network: Network, errands: Sequence[Errand]) -> list[Any]:
        """The answers to `errands`, in their order, from parties that have `network`.

        Raises `PartyLostError` where no party is left, what `check` raises, and what a task raises.
        """
        answers: dict[int, Any] = {}
        while len(answers) < len(errands):
            running = {
                index: self._start(index, network, errand)
                for index, errand in enumerate(errands)
                if index not in answers
            }
            self._await([future for _, future in running.values()])
            for index, (place, future) in running.items():
                try:
                    answers[index] = future.result()
                except PartyLostError as error:
                    self._lost(place, error)
        return [answers[index] for index in range(len(errands))]

    def _start(self, index: int, network: Network, errand: Errand) -> tuple[_Place, Future[Any]]:
        place = next((place for place in self._places if errand.key in place.done), None)
        place = place or self._home(index)
        return place, place.thread.submit(_run, place, network, errand)

    def _await(self, futures: Sequence[Future[Any]]) -> None:
        left = set(futures)
        while left:
            self._check()
            _, left = wait(left, POLL_SECONDS)

    def _lost(self, place: _Place, error: PartyLostError) -> None:
        """Go on without a party that is lost. Raises `error` if there is no other."""
        if place not in self._places:
            return  # it has lost another of its areas before
        self._places.remove(place)
        place.close()
        log.warning("a party that computes areas of a picture is lost: %s; %d are left", error, len(self._places))
        if not self._places:
            self.gather()
        if not self._places:
            raise error


def _run(place: _Place, network: Network, errand: Errand) -> Any:
    """Do a task at a place, after those that it needs and whose effects are not there."""
    if network.digest not in place.networks:
        place.party.do(Learn(network))
        place.networks.add(network.digest)
    key = errand.key
    if key is None:
        return place.party.do(errand.task)
    place.done = {other: tasks for other, tasks in place.done.items() if other.stage == key.stage}
    done = place.done.get(key, ())
    for task in errand.before:
        if not any(task is each for each in done):
            place.party.do(task)
    answer = place.party.do(errand.task)
    place.done[key] = errand.after
    return answer
