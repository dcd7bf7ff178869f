"""What an actor needs of a node."""

from __future__ import annotations

from typing import Any

import ray

from tfstyle_server.executors.local.settings import WorkerSettings
from tfstyle_server.executors.ray.options import RayOptions

BASE_BYTES = 2**30
"""What an actor holds besides its transfer: TensorFlow, Ray and the networks."""


def demand(options: RayOptions, settings: WorkerSettings) -> dict[str, Any]:
    """The options of a new actor: {name: amount}, as Ray names them.

    The memory is what one transfer may take, `--memory`, by which larger ones are tiled or refused.
    """
    cpus = options.cpus
    if cpus is None:
        cpus = 1.0 if options.gpus else smallest_node()
    needs: dict[str, Any] = {"num_cpus": cpus, "num_gpus": options.gpus, "resources": dict(options.resources)}
    if settings.memory is not None:
        needs["memory"] = settings.memory + BASE_BYTES
    return needs


def smallest_node() -> float:
    """The processor cores of the smallest node that has any, so that an actor fits on each; at least 1."""
    cores = [node["Resources"].get("CPU", 0.0) for node in ray.nodes() if node["Alive"]]
    return float(min((each for each in cores if each >= 1), default=1.0))


def threads_of(needs: dict[str, Any]) -> int:
    """The threads that an actor computes with."""
    return max(1, int(needs["num_cpus"]))
