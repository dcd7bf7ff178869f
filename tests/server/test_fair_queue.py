"""The fair queue: owners alternate, and one owner's jobs start in the order of creation."""

from __future__ import annotations

from tfstyle_server.fair_queue import Ticket, fair_order


def line(waiting: str, running: dict[str, int] | None = None, served: dict[str, int] | None = None) -> str:
    """The order of starts: an owner is a letter, a digit tells which of the owner's jobs it is."""
    tickets = [Ticket(number, f"jobs/{number}", owner) for number, owner in enumerate(waiting)]
    own = {ticket: waiting[: ticket.number].count(ticket.owner) + 1 for ticket in tickets}
    return " ".join(
        f"{ticket.owner}{own[ticket]}" for ticket in fair_order(reversed(tickets), running or {}, served or {})
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
