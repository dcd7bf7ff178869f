"""The fair queue: the order in which waiting jobs get workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Ticket:
    """A waiting job: its `number` in the order of creation, its `name` and its `owner`."""

    number: int
    name: str
    owner: str


def fair_order(waiting: Iterable[Ticket], running: Mapping[str, int], served: Mapping[str, int]) -> list[Ticket]:
    """The tickets in the order in which their jobs are to be started.

    `running` is {owner: number of running jobs}. `served` is {owner: number of the owner's latest start}, where starts
    are counted over all owners. Every owner's first job comes before any owner's second, running jobs included. Among
    jobs of equal rank, the owner who has waited longest since a start comes first, then the older job. So an owner who
    queues many jobs delays only their own, and with one owner jobs are started in the order of creation.
    """
    ranks: Counter[str] = Counter(running)
    ranked = []
    for ticket in sorted(waiting, key=lambda ticket: ticket.number):
        ranked.append((ranks[ticket.owner], served.get(ticket.owner, 0), ticket.number, ticket))
        ranks[ticket.owner] += 1
    return [entry[-1] for entry in sorted(ranked, key=lambda entry: entry[:3])]
