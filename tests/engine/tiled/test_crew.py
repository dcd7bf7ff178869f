"""A crew: every task is done once, in whatever order parties are lost, and the answers are the same to the bit."""

from __future__ import annotations

import logging
import threading
import time
from itertools import product
from typing import Any

import numpy as np
import pytest
from spread_pictures import evaluate, small_network

from tfstyle.errors import PartyLostError
from tfstyle.losses import ContentLoss, GramLoss
from tfstyle.objective import Evaluation
from tfstyle.pyramid import Pyramid
from tfstyle.tiled.crew import Crew
from tfstyle.tiled.objective import TiledObjective
from tfstyle.tiled.party import LocalParty, Party
from tfstyle.tiled.tasks import Backward, Forward, Learn, Open, Task

LOSS = ContentLoss(("block2_conv2",)) + 2 * GramLoss(("block1_conv1", "block3_conv1"))
slow = pytest.mark.slow
PYRAMID = Pyramid(96, 300, 3, 1.0)


class Watched:
    """A party in this process that is lost at the `mortal` task of a kind, counted from 1."""

    def __init__(self, kind: type[Task] | None = None, mortal: int = 0) -> None:
        self.party = LocalParty()
        self.kind, self.left = kind, mortal
        self.done: list[str] = []
        self.closed = False

    def do(self, task: Task) -> Any:
        if self.kind is not None and isinstance(task, self.kind):
            self.left -= 1
            if self.left == 0:
                self.closed = True
        if self.closed:
            raise PartyLostError("it was switched off")
        self.done.append(type(task).__name__)
        return self.party.do(task)

    def close(self) -> None:
        self.closed = True


def evaluations(crew: Crew, times: int = 2) -> list[Evaluation]:
    network = small_network()
    objective = TiledObjective(network, PYRAMID, 3, LOSS.terms, "max", crew=crew)
    return [evaluate(objective, network, LOSS) for _ in range(times)]


def same(one: Evaluation, other: Evaluation) -> bool:
    return one.total == other.total and one.parts == other.parts and np.array_equal(one.gradient, other.gradient)


@pytest.fixture(scope="module")
def expected() -> Evaluation:
    """That of three areas, computed by one party."""
    with Crew([LocalParty()], 3) as crew:
        first, second = evaluations(crew)
    assert same(first, second)
    return first


def test_the_result_depends_on_the_number_of_areas_alone(expected: Evaluation) -> None:
    parties = [Watched() for _ in range(3)]
    with Crew(parties, 3) as crew:
        assert all(same(each, expected) for each in evaluations(crew))
    each = ["Learn", "Measure", "Open", "Deviate", "Forward", "Backward"]
    again = ["Open", "Deviate", "Measure", "Forward", "Backward"]
    for party in parties:
        assert sorted(party.done) == sorted([*each, *again]), "nothing is asked twice"
        assert party.closed


@pytest.mark.parametrize(
    ("kind", "mortal", "replaced"),
    [
        pytest.param(kind, mortal, replaced, marks=[] if each in ((Forward, 2, True), (Backward, 1, False)) else slow)
        for each in product((Learn, Open, Forward, Backward), (1, 2), (True, False))
        for kind, mortal, replaced in [each]
        if (kind, mortal) != (Learn, 2)
    ],
)
def test_a_lost_party_changes_nothing(
    expected: Evaluation, kind: type[Task], mortal: int, replaced: bool, caplog: pytest.LogCaptureFixture
) -> None:
    others: list[Party] = [Watched()] if replaced else []
    lost = Watched(kind, mortal)

    def recruits() -> list[Party]:
        return [others.pop()] if lost.closed and others else []

    with caplog.at_level(logging.WARNING), Crew([Watched(), lost, Watched()], 3, recruits=recruits) as crew:
        assert all(same(each, expected) for each in evaluations(crew, 3))
    assert lost.closed
    assert not others
    (line,) = [record.getMessage() for record in caplog.records if record.name == "tfstyle.tiled.crew"]
    assert line == "a party that computes areas of a picture is lost: it was switched off; 2 are left"


def test_parties_that_become_ready_later_get_their_share(expected: Evaluation) -> None:
    first, *later = [Watched() for _ in range(3)]
    network = small_network()
    with Crew([first], 3, recruits=lambda: [later.pop()] if later else []) as crew:
        objective = TiledObjective(network, PYRAMID, 3, LOSS.terms, "max", crew=crew)
        assert all(same(evaluate(objective, network, LOSS), expected) for _ in range(2))
        assert len({place.party for place in crew._places}) == 3
        assert [len(place.done) for place in crew._places] == [1, 1, 1]
        assert "Forget" in first.done
        assert len(first.party._opened) == 1, "what others compute now takes no memory here"


def test_the_last_party_is_replaced_if_there_is_another(expected: Evaluation) -> None:
    lost, others = Watched(Backward, 1), [Watched()]
    with Crew([lost], 3, recruits=lambda: [others.pop()] if lost.closed and others else []) as crew:
        assert all(same(each, expected) for each in evaluations(crew))


def test_parties_that_are_all_lost_end_the_work() -> None:
    with Crew([Watched(Forward, 1), Watched(Backward, 1)], 2) as crew, pytest.raises(PartyLostError, match="switched"):
        evaluations(crew)


def test_what_fails_in_a_party_reaches_whoever_asked() -> None:
    class Failing(Watched):
        def do(self, task: Task) -> Any:
            if isinstance(task, Forward):
                raise ValueError("out of order")
            return super().do(task)

    with Crew([Watched(), Failing()], 2) as crew, pytest.raises(ValueError, match="out of order"):
        evaluations(crew)


class StoppedError(Exception):
    pass


def test_a_pass_ends_soon_after_it_is_stopped() -> None:
    class Slow(Watched):
        """Computes until it is closed."""

        def __init__(self) -> None:
            super().__init__()
            self.began = 0.0
            self.working, self.end = threading.Event(), threading.Event()

        def do(self, task: Task) -> Any:
            if isinstance(task, Backward):
                self.began = time.monotonic()
                self.working.set()
                assert self.end.wait(60)
                raise PartyLostError("closed")
            return super().do(task)

        def close(self) -> None:
            self.end.set()

    slow = Slow()

    def check() -> None:
        if slow.working.is_set():
            raise StoppedError

    with pytest.raises(StoppedError), Crew([Watched(), slow], 2, check=check) as crew:
        evaluations(crew)
    assert time.monotonic() - slow.began < 10


def test_areas_that_have_not_begun_when_a_pass_is_stopped_are_not_computed() -> None:
    class Counting(Watched):
        """Has a first area that lasts until the pass has been stopped."""

        def __init__(self) -> None:
            super().__init__()
            self.working, self.stopped = threading.Event(), threading.Event()

        def do(self, task: Task) -> Any:
            answer = super().do(task)
            if isinstance(task, Forward):
                self.working.set()
                assert self.stopped.wait(60)
            return answer

        def close(self) -> None:  # as of a party in this process, which goes on
            self.stopped.set()

    alone = Counting()

    def check() -> None:
        if alone.working.is_set():
            raise StoppedError

    with pytest.raises(StoppedError), Crew([alone], 3, check=check) as crew:
        evaluations(crew)
    assert alone.done.count("Open") == 3
    assert alone.done.count("Forward") == 1
