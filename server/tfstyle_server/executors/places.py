"""The places that workers can take: which ones are free, pause after a failed start, or are given up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tfstyle_server.executors.local.settings import WorkerSettings

MOST_FAILED_STARTS = 3
"""A place is given up after this number of failed starts in a row, if no worker has ever started on one like it."""
LONGEST_PAUSE = 60.0
"""The longest time between two starts of a worker in seconds. It begins with 1 and doubles after each failed start."""


@dataclass(eq=False)
class Place:
    """A device, or as much of a cluster as a worker needs."""

    settings: WorkerSettings
    taken: bool = False
    """Whether a worker has it, or is to have it after a pause."""
    has_worked: bool = False
    failed_starts: int = 0
    given_up: bool = False


class Places:
    """A place for each of `settings`."""

    def __init__(self, settings: list[WorkerSettings]) -> None:
        self._places = [Place(each) for each in settings]

    def __len__(self) -> int:
        return len(self._places)

    @property
    def has_worked(self) -> bool:
        """Whether any worker has ever started."""
        return any(place.has_worked for place in self._places)

    @property
    def given_up(self) -> bool:
        """Whether no place that was tried is left."""
        return not any(place.taken for place in self._places)

    @property
    def left(self) -> int:
        """The number of places that are not given up."""
        return sum(not place.given_up for place in self._places)

    def give_up(self, place: Place) -> None:
        """There shall be no more workers in this place."""
        place.given_up, place.taken = True, False

    def instead(self, place: Place, settings: WorkerSettings) -> Place:
        """Another place instead of one that is given up. It counts as taken."""
        self._places[self._places.index(place)] = other = Place(settings, taken=True)
        return other

    def take(self, wanted: int) -> Iterator[Place]:
        """Places for new workers, so that `wanted` are taken, as far as there are any. They count as taken."""
        used = sum(place.taken or place.given_up for place in self._places)
        for place in self._places:
            if used >= wanted:
                return
            if not place.taken and not place.given_up:
                place.taken = True
                used += 1
                yield place

    def started(self, place: Place) -> None:
        """A worker has started."""
        place.has_worked, place.failed_starts = True, 0

    def failed(self, place: Place) -> float | None:
        """A worker could not start: the pause in seconds before the next one shall, or None if there shall be none."""
        place.failed_starts += 1
        alike = (each for each in self._places if each.settings == place.settings)
        if place.failed_starts >= MOST_FAILED_STARTS and not any(each.has_worked for each in alike):
            self.give_up(place)
            return None
        return min(2.0 ** (place.failed_starts - 1), LONGEST_PAUSE)
