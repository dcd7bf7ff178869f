"""A Ray cluster of several nodes on this machine, which listens on loopback only."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from conftest import Server

# Ray takes the machine's outer address in place of 127.0.0.1, unless it is told so when it is imported.
LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
NODE: dict[str, Any] = {
    "include_dashboard": False,
    "object_store_memory": 100 * 2**20,
    "node_ip_address": "127.0.0.1",
}


class Fleet:
    """A head without processor cores, beside which the front runs, and nodes with some each."""

    def __init__(self, *cpus: int) -> None:
        os.environ.update(LOOPBACK)
        from ray._private import ray_constants
        from ray.cluster_utils import Cluster

        ray_constants.ENABLE_RAY_CLUSTER = False
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self._cluster = Cluster()
        self.raise_head()
        self.nodes = [self.add(each) for each in cpus]

    def raise_head(self) -> None:
        self._cluster.add_node(num_cpus=0, gcs_server_port=self.port, **NODE)

    def add(self, cpus: int, **resources: float) -> Any:
        for again in (True, True, False):
            try:
                return self._cluster.add_node(num_cpus=cpus, resources=resources, **NODE)
            except Exception as error:  # Ray gives a node so many seconds to start, which a busy machine may exceed
                if not (again and "timed out during startup" in str(error)):
                    raise
        raise AssertionError("the last attempt returns or raises")

    def lose(self, node: Any) -> None:
        """End all processes of a node at once, those of actors among them, as if its machine had failed."""
        pids = actors(node)
        self._cluster.remove_node(node, allow_graceful=False)
        for pid in pids:
            kill(pid)
        if node in self.nodes:
            self.nodes.remove(node)

    def lose_head(self) -> None:
        """The head has gone; the nodes may stay."""
        self._cluster.remove_node(self._cluster.head_node, allow_graceful=False)

    def drain(self, node: Any, seconds: float = 300) -> None:
        """Announce that the node will be taken away."""
        command = [str(Path(sys.executable).with_name("ray")), "drain-node", "--address", self.address]
        command += ["--node-id", node.node_id, "--reason", "DRAIN_NODE_REASON_PREEMPTION", "--reason-message", "test"]
        command += ["--deadline-remaining-seconds", str(int(seconds))]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, **LOOPBACK})

    def end(self) -> None:
        self._cluster.shutdown()


def actors(node: Any) -> list[int]:
    """The process IDs of the actors on a node."""
    return descendants(node.all_processes["raylet"][0].process.pid, "StyleActor")


def kill(pid: int) -> None:
    try:
        psutil.Process(pid).kill()
    except psutil.NoSuchProcess:
        return


def wait_for(condition: Callable[[], object], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


def actor_pid(server: Server, occurrence: int = 1) -> int:
    """The process ID of the actor that was ready at that `occurrence`."""
    number = server.wait_for_log(r"worker actor-(\d+) is ready", seconds=120, occurrences=occurrence)[1]
    return int(server.wait_for_log(rf"worker actor-{number} starts on [\d.]+, process (\d+)")[1])


def descendants(pid: int, what: str) -> list[int]:
    """The process IDs of those below `pid` whose command line has `what` in it."""
    return [child.pid for child in psutil.Process(pid).children(recursive=True) if what in " ".join(command_of(child))]


def command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
