"""Ray's own autoscaler, whose nodes are started and ended on this machine, follows the jobs."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Server
from fleet import LOOPBACK, wait_for
from tfstyle_client import Client

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
PAINTER = {"CPU": 1, "painter": 1, "object_store_memory": 100 * 2**20}
STEPS = "initialization_commands setup_commands head_setup_commands worker_setup_commands head_start_ray_commands"
LISTS = [*STEPS.split(), "worker_start_ray_commands", "cluster_synced_files", "rsync_exclude", "rsync_filter"]


def configuration(address: str) -> dict[str, Any]:
    """Up to two nodes of the type "painter", each ended when it has had nothing to do for some seconds."""
    types = {
        "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
        "painter": {"resources": PAINTER, "node_config": {}, "min_workers": 0, "max_workers": 2},
    }
    return {
        "cluster_name": "test",
        "max_workers": 2,
        "idle_timeout_minutes": 0.1,
        "upscaling_speed": 1.0,
        "provider": {"type": "fake_multinode", "gcs_address": address},
        "available_node_types": types,
        "head_node_type": "ray.head.default",
        **{key: [] for key in LISTS},
        **{key: {} for key in ("auth", "docker", "file_mounts")},
        "file_mounts_sync_continuously": False,
    }


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def head(tmp_path: Path) -> Iterator[str]:
    """The address of a head that starts and ends nodes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"127.0.0.1:{port}"
    file = tmp_path / "autoscaling.json"
    file.write_text(json.dumps(configuration(address)))
    command = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--num-cpus", "0"]
    command += ["--port", str(port), "--node-ip-address", "127.0.0.1", "--include-dashboard", "false"]
    command += ["--object-store-memory", str(100 * 2**20), "--autoscaling-config", str(file)]
    environment = {**os.environ, **LOOPBACK, "AUTOSCALER_UPDATE_INTERVAL_S": "1", "RAY_FAKE_CLUSTER": "1"}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        wait_for(lambda: is_open(port))
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_a_job_brings_a_node_and_its_end_sets_the_node_free(
    own_server: Callable[..., Server], head: str, landscape: bytes, painting: bytes
) -> None:
    """Not tested is that the node goes: on one machine, with one address, Ray mixes up which of its nodes is idle."""
    rays = ("--executor", "ray", "--ray-address", head, "--ray-actors", "0:2", "--ray-cpus", "1")
    server = own_server(*rays, "--ray-resources", "painter=1", "--ray-idle-seconds", "3", **LOOPBACK)
    with Client(server.address) as client:
        assert client.create(landscape, painting, size=64, steps=10).result().png
    server.wait_for_log(r"Adding 1 node\(s\) of type painter", 60)
    server.wait_for_log(r"worker actor-1 is released: it had no job for 3 s", 60)
    server.wait_for_log(r"worker actor-1 ended", 30)
