"""Parties that are processes: the same result, what moves between them, and what happens when one is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import psutil
import pytest
from spread_pictures import evaluate, small_network

from tfstyle.errors import PartyLostError
from tfstyle.losses import ContentLoss, GramLoss
from tfstyle.pyramid import Pyramid
from tfstyle.tiled.crew import Crew
from tfstyle.tiled.objective import TiledObjective
from tfstyle.tiled.party import LocalParty
from tfstyle.tiled.processes import ProcessParty
from tfstyle.tiled.spread import SpreadNetwork
from tfstyle.tiled.tasks import Deviate, Key, Learn

pytestmark = pytest.mark.slow
LOSS = ContentLoss(("block2_conv2", "block4_conv2")) + 2 * GramLoss(("block1_conv1", "block3_conv1", "block4_conv1"))
PYRAMID = Pyramid(192, 300, 3, 1.0)


def test_processes_compute_what_this_process_does_and_only_pixels_and_sums_move() -> None:
    network = small_network()

    def objective(crew: Crew) -> TiledObjective:
        return TiledObjective(network, PYRAMID, 4, LOSS.terms, "max", crew=crew)

    with Crew([LocalParty()], 2) as crew:
        expected = evaluate(objective(crew), network, LOSS)
    parties = [ProcessParty(), ProcessParty()]
    pids = [party.pid for party in parties]
    with Crew(parties, 2) as crew:
        made = objective(crew)
        found = evaluate(made, network, LOSS)
        assert found.total == expected.total
        np.testing.assert_array_equal(found.gradient, expected.gradient)
        variables = PYRAMID.variables(np.zeros((1, 192, 300, 3), np.float32))
        targets = made.content_targets(np.zeros((1, 192, 300, 3), np.float32))
        targets = {**targets, **made.style_statistics(np.ones((1, 64, 64, 3), np.float32), None)}
        moved = [(party.sent, party.received) for party in parties]
        made(variables, targets, LOSS)
        assert isinstance(made._tiled, SpreadNetwork)
        floats = 4 * 4 * 3  # a Gram matrix of each of three layers
        for party, before, area in zip(parties, moved, made._tiled.areas, strict=True):
            for now, then in zip((party.sent, party.received), before, strict=True):
                # Pixels in the window, and sums or their derivatives: float32, and little else.
                assert 0 <= now - then - 4 * (3 * area.pixels + floats) < 5000
    assert not any(psutil.pid_exists(pid) for pid in pids if pid)


def test_a_killed_process_changes_nothing() -> None:
    network = small_network()
    with Crew([LocalParty()], 2) as crew:
        objective = TiledObjective(network, PYRAMID, 4, LOSS.terms, "max", crew=crew)
        expected = evaluate(objective, network, LOSS)
    parties = [ProcessParty(), ProcessParty()]
    others = [ProcessParty()]
    killed: list[ProcessParty] = []
    with Crew(parties, 2, recruits=lambda: [others.pop()] if killed and others else []) as crew:
        objective = TiledObjective(network, PYRAMID, 4, LOSS.terms, "max", crew=crew)
        evaluate(objective, network, LOSS)
        for party in parties:  # the first is replaced, the second is not
            assert party.pid
            os.kill(party.pid, signal.SIGKILL)
            killed.append(party)
            found = evaluate(objective, network, LOSS)
            assert found.total == expected.total
            np.testing.assert_array_equal(found.gradient, expected.gradient)
    assert not others


def test_a_process_that_is_closed_while_it_computes_is_lost() -> None:
    party = ProcessParty()
    party.do(Learn(small_network()))
    assert party.pid
    os.kill(party.pid, signal.SIGSTOP)
    threading.Timer(0.5, party.close).start()
    began = time.monotonic()
    with pytest.raises(PartyLostError, match=f"process {party.pid} has ended"):
        party.do(Learn(small_network()))
    assert time.monotonic() - began < 10


def test_what_fails_in_a_process_is_told() -> None:
    party = ProcessParty()
    with pytest.raises(RuntimeError, match="KeyError"):
        party.do(Deviate(Key(1, 0), {}))
    party.close()


def test_processes_end_with_the_one_that_began_them() -> None:
    code = (
        "import os, time\n"
        "from tfstyle.tiled.processes import ProcessParty\n"
        "if __name__ == '__main__':\n"
        "    print(ProcessParty().pid, flush=True)\n"
        "    time.sleep(3)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False)
    pid = int(done.stdout)
    until = time.monotonic() + 60
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until
        time.sleep(0.2)
