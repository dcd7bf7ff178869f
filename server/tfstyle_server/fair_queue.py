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


def in_turn(waiting: Iterable[Ticket], running: Mapping[str, int], served: Mapping[str, int]) -> list[Ticket]:
    """The tickets in the order in which workers take them.

    `running` counts each owner's jobs under way, `served` tells when each last had a turn: the larger, the later.
    Everybody's first job comes before anybody's second, jobs under way counted; among these, whose owner's turn is the
    longest ago, or who never had one; then the older. So whoever fills the queue waits for themselves, and with
    one owner it is first come, first served.
    """
    ranks: Counter[str] = Counter(running)
    ranked = []
    for ticket in sorted(waiting, key=lambda ticket: ticket.number):
        ranked.append((ranks[ticket.owner], served.get(ticket.owner, 0), ticket.number, ticket))
        ranks[ticket.owner] += 1
    return [entry[-1] for entry in sorted(ranked, key=lambda entry: entry[:3])]
