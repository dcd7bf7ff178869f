"""What an actor asks of a node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import ray

from tfstyle_server.executors.local.settings import ANY_GPU, CPU, actor_settings
from tfstyle_server.executors.ray.demand import demand, smallest_node, threads_of
from tfstyle_server.executors.ray.options import RayOptions
from tfstyle_server.options import ServerOptions

NODES = [
    {"Alive": True, "Resources": {"memory": 1e9}},
    {"Alive": True, "Resources": {"CPU": 8.0}},
    {"Alive": True, "Resources": {"CPU": 4.0}},
    {"Alive": False, "Resources": {"CPU": 2.0}},
]


def asked(ray_options: RayOptions, **options: Any) -> dict[str, Any]:
    settings = actor_settings(ServerOptions(**options), ray_options, "b", "c", Path("t"))
    assert len(settings) == ray_options.most
    assert settings[0].device == (ANY_GPU if ray_options.gpus else CPU)
    return demand(ray_options, settings[0])


def test_an_actor_on_processors_takes_the_smallest_node_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "nodes", lambda: NODES)
    needs = asked(RayOptions())
    assert needs == {"num_cpus": 4.0, "num_gpus": 0.0, "resources": {}}
    assert threads_of(needs) == 4
    monkeypatch.setattr(ray, "nodes", lambda: NODES[:1])
    assert smallest_node() == 1.0


def test_what_is_asked_for_is_passed_on() -> None:
    options = RayOptions(gpus=0.5, resources={"painter": 1.0}, most=3)
    needs = asked(options, memory=3 * 2**30)
    assert needs == {"num_cpus": 1.0, "num_gpus": 0.5, "resources": {"painter": 1.0}, "memory": 4 * 2**30}
    assert threads_of(asked(RayOptions(cpus=0.5))) == 1
