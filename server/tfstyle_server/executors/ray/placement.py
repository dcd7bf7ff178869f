"""Actors on nodes: their settings where Ray has placed them, and how many compute one picture together."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import ray

from tfstyle_server.devices import CPU
from tfstyle_server.executors.local.settings import WorkerSettings


@dataclass(frozen=True)
class Together:
    """How many `actors` compute a picture of at least so many `windows`, and what each `needs`, as Ray names it."""

    actors: int
    windows: int
    needs: dict[str, Any]


def settings_here(settings: WorkerSettings, threads: int) -> WorkerSettings:
    """The settings with the GPUs that Ray has assigned, or with a share of the memory as of the cores."""
    if settings.device != CPU:
        return replace(settings, device=os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    node = ray.get_runtime_context().get_node_id()
    cores = next((each["Resources"].get("CPU", 1.0) for each in ray.nodes() if each["NodeID"] == node), 1.0)
    return replace(settings, memory_share=min(1.0, threads / max(1.0, cores)))


def set_threads(threads: int) -> None:
    """Let TensorFlow compute on so many threads, and yet give the same picture as a worker process of the front's.

    Ray sets OMP_NUM_THREADS to the number of cores, and with it TensorFlow rounds differently.
    """
    if os.environ.get("OMP_NUM_THREADS") == str(threads):
        del os.environ["OMP_NUM_THREADS"]
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads))
