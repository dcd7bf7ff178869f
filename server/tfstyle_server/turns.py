"""Whose turn it is: callers take turns, each caller's own jobs go in the order of creation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Ticket:
    """A job that waits: its `name`, its `owner`, and its `number` in the order of creation."""

    number: int
    name: str
    owner: str


def in_turn(waiting: Iterable[Ticket], running: Mapping[str, int]) -> list[Ticket]:
    """The tickets in the order in which workers take them; `running` counts each owner's jobs under way.

    Everybody's first job comes before anybody's second, jobs under way counted, and of the same rank the older one
    comes first. So whoever fills the queue waits for themselves, and with one owner it is first come, first served.
    """
    ranks: Counter[str] = Counter(running)
    ranked = []
    for ticket in sorted(waiting, key=lambda ticket: ticket.number):
        ranked.append((ranks[ticket.owner], ticket.number, ticket))
        ranks[ticket.owner] += 1
    return [ticket for _, _, ticket in sorted(ranked, key=lambda entry: entry[:2])]
