"""The fair queue: owners alternate, and one owner's jobs start in the order of creation."""

from __future__ import annotations

import random
from collections import Counter

from tfstyle_server.fair_queue import FairQueue, Ticket


def queue_of(*tickets: Ticket) -> FairQueue:
    queue = FairQueue()
    for ticket in tickets:
        queue.add(ticket)
    return queue


def line(waiting: str, running: dict[str, int] | None = None, served: dict[str, int] | None = None) -> str:
    """The order of starts: an owner is a letter, a digit tells which of the owner's jobs it is."""
    tickets = [Ticket(number, f"jobs/{number}", owner) for number, owner in enumerate(waiting)]
    own = {ticket: waiting[: ticket.number].count(ticket.owner) + 1 for ticket in tickets}
    return " ".join(
        f"{ticket.owner}{own[ticket]}" for ticket in queue_of(*reversed(tickets)).order(running or {}, served or {})
    )


def test_one_owner_is_served_in_the_order_of_creation() -> None:
    assert line("aaaa") == "a1 a2 a3 a4"
    assert line("aaaa", {"a": 3}) == "a1 a2 a3 a4"


def test_who_asks_for_much_waits_for_themselves() -> None:
    assert line("aaaab") == "a1 b1 a2 a3 a4"
    assert line("aaabbc") == "a1 b1 c1 a2 b2 a3"


def test_jobs_under_way_count_as_turns_taken() -> None:
    assert line("ab", {"a": 1}) == "b1 a1"
    assert line("aabb", {"a": 1}) == "b1 a1 b2 a2"
    assert line("ab", {"a": 1, "b": 1}) == "a1 b1"
    assert line("", {"a": 1}) == ""


def test_between_two_whoever_waits_longer_for_a_turn_has_it() -> None:
    assert line("aab", served={"a": 1}) == "b1 a1 a2", "one worker: ann's job has ended, now it is bob's turn"
    assert line("aabb", served={"a": 1, "b": 2}) == "a1 b1 a2 b2"
    assert line("aabb", served={"a": 3, "b": 2}) == "b1 a1 b2 a2"


def test_order_and_positions_are_those_of_a_whole_sort() -> None:
    rng = random.Random(1)
    for _ in range(200):
        owners = "abcde"[: rng.randint(1, 5)]
        tickets = [Ticket(number, f"jobs/{number}", rng.choice(owners)) for number in rng.sample(range(60), 30)]
        running = {owner: rng.randint(0, 4) for owner in owners if rng.random() < 0.6}
        served = {owner: rng.randint(1, 9) for owner in owners if rng.random() < 0.6}
        queue = queue_of(*tickets)
        gone = {ticket.name for ticket in tickets if rng.random() < 0.3}
        assert all(queue.discard(name) for name in gone)
        assert not any(queue.discard(name) for name in gone)
        ranks = Counter(running)
        expected = []
        for ticket in sorted((each for each in tickets if each.name not in gone), key=lambda each: each.number):
            expected.append((ranks[ticket.owner], served.get(ticket.owner, 0), ticket.number, ticket))
            ranks[ticket.owner] += 1
        expected = [entry[-1] for entry in sorted(expected, key=lambda entry: entry[:3])]
        assert list(queue.order(running, served)) == expected
        assert list(queue.order(running, served, 2)) == [each for each in expected if running.get(each.owner, 0) < 2]
        places = {ticket.name: place for place, ticket in enumerate(expected)}
        assert queue.positions(running, served, [ticket.name for ticket in tickets]) == places
        assert len(queue) == len(expected)
        assert queue.counts() == Counter(ticket.owner for ticket in expected)
        new = Ticket(100, "new", rng.choice(owners))
        place = queue.position(new, running, served)
        queue.add(new)
        assert list(queue.order(running, served)).index(new) == place


def test_long_queue_costs_no_more_for_each_job() -> None:
    """Ten thousand waiting jobs of one owner: a sort for each would take half an hour."""
    queue = FairQueue()
    for number in range(10_000):
        ticket = Ticket(number, f"jobs/{number}", "a")
        assert queue.position(ticket, {}, {}) == number
        queue.add(ticket)
        assert next(queue.order({}, {})).number == 0
