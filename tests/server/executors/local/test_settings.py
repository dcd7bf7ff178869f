"""Workers on one machine share its memory."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from conftest import Server
from tfstyle import machine_memory
from tfstyle_client import BadRequestError, Client
from tfstyle_server.executors.local.settings import worker_settings
from tfstyle_server.executors.local.worker import memory_budget
from tfstyle_server.options import ServerOptions


def shares(*devices: str) -> list[float]:
    return [each.memory_share for each in worker_settings(ServerOptions(devices=devices), "b", "c", Path("t"))]


def test_cpu_workers_have_equal_shares() -> None:
    assert shares("cpu") == [1.0]
    assert shares("cpu", "cpu") == [0.5, 0.5]
    assert shares("0", "cpu", "cpu", "1") == [1.0, 0.5, 0.5, 1.0]


def test_budget_is_the_share_of_what_is_free_then_unless_it_is_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    settings, _ = worker_settings(ServerOptions(devices=("cpu", "cpu")), "b", "c", Path("t"))
    budget = memory_budget(settings)
    assert callable(budget)
    for free in (1000, 600):
        monkeypatch.setattr(machine_memory, "available_memory", lambda free=free: free)
        assert budget() == free // 2
    assert memory_budget(replace(settings, memory=77)) == 77


@pytest.mark.slow
def test_two_workers_take_half_of_the_free_memory_each(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server("--devices", "cpu,cpu")
    with Client(server.address) as client:
        job = client.create(landscape, painting, preset="fast", size=8192, history_size=100)
        with pytest.raises(BadRequestError, match="GB are free") as caught:
            job.result()
    (free,) = re.findall(r"([\d.]+) GB are free", str(caught.value))
    assert float(free) * 1e9 == pytest.approx(psutil.virtual_memory().available / 2, rel=0.3)
