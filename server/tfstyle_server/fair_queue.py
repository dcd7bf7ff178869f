"""The fair queue: the order in which waiting jobs get workers."""

from __future__ import annotations

import heapq
import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter

_NUMBER = attrgetter("number")


@dataclass(frozen=True)
class Ticket:
    """A waiting job: its `number` in the order of creation, its `name` and its `owner`."""

    number: int
    name: str
    owner: str


class FairQueue:
    """The tickets of waiting jobs.

    Every owner's first job comes before any owner's second, running jobs included. Among jobs of equal rank, the owner
    who has waited longest since a start comes first, then the older job. So an owner who queues many jobs delays only
    their own, and with one owner jobs are started in the order of creation.

    In all methods `running` is {owner: number of running jobs}, and `served` is {owner: number of the owner's latest
    start}, where starts are counted over all owners. What they cost grows with the number of owners who wait, and not
    with that of their jobs.
    """

    def __init__(self) -> None:
        self._tickets: dict[str, Ticket] = {}
        self._lines: dict[str, list[Ticket]] = {}
        """{owner: their tickets by number}."""

    def __len__(self) -> int:
        return len(self._tickets)

    def __contains__(self, name: str) -> bool:
        return name in self._tickets

    def counts(self) -> dict[str, int]:
        """{owner: number of waiting jobs}, of those who have any."""
        return {owner: len(line) for owner, line in self._lines.items()}

    def add(self, ticket: Ticket) -> None:
        """Let a job wait."""
        self._tickets[ticket.name] = ticket
        line = self._lines.setdefault(ticket.owner, [])
        line.insert(_place(line, ticket), ticket)

    def discard(self, name: str) -> bool:
        """Remove a job. Returns whether it waited."""
        ticket = self._tickets.pop(name, None)
        if ticket is None:
            return False
        line = self._lines[ticket.owner]
        del line[_place(line, ticket)]
        if not line:
            del self._lines[ticket.owner]
        return True

    def order(
        self, running: Mapping[str, int], served: Mapping[str, int], most_running: float = math.inf
    ) -> Iterator[Ticket]:
        """The tickets in the order in which their jobs are to be started.

        Those of owners who have `most_running` jobs running are left out. The queue must not change meanwhile.
        """
        heads = [
            (running.get(owner, 0), served.get(owner, 0), line[0].number, 0, owner)
            for owner, line in self._lines.items()
            if running.get(owner, 0) < most_running
        ]
        heapq.heapify(heads)
        while heads:
            rank, turn, _, place, owner = heads[0]
            line = self._lines[owner]
            yield line[place]
            if place + 1 < len(line):
                heapq.heapreplace(heads, (rank + 1, turn, line[place + 1].number, place + 1, owner))
            else:
                heapq.heappop(heads)

    def position(self, ticket: Ticket, running: Mapping[str, int], served: Mapping[str, int]) -> int:
        """How many jobs come before that of `ticket`, which is in the queue or is about to be."""
        before = _place(self._lines.get(ticket.owner, []), ticket)
        rank = running.get(ticket.owner, 0) + before
        own = served.get(ticket.owner, 0), ticket.number
        for owner, line in self._lines.items():
            if owner == ticket.owner:
                continue
            lower = rank - running.get(owner, 0)  # so many of the owner's jobs have a lower rank, if there are as many
            if lower >= len(line):
                before += len(line)
            elif lower >= 0:
                before += lower + ((served.get(owner, 0), line[lower].number) < own)
        return before

    def positions(self, running: Mapping[str, int], served: Mapping[str, int], names: list[str]) -> dict[str, int]:
        """{name: position} of those jobs among `names` that wait."""
        waiting = [self._tickets[name] for name in names if name in self._tickets]
        return {ticket.name: self.position(ticket, running, served) for ticket in waiting}


def _place(line: list[Ticket], ticket: Ticket) -> int:
    return bisect_left(line, ticket.number, key=_NUMBER)
