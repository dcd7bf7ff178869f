"""GPUs that TensorFlow cannot use: what takes their place, and real servers on a machine without a GPU."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import Server
from tfstyle_client import Client, Started
from tfstyle_server.executors.local.settings import WorkerSettings, fallback_settings, worker_settings
from tfstyle_server.options import ServerOptions


def settings(*devices: str) -> list[WorkerSettings]:
    return worker_settings(ServerOptions(devices=devices), "b", "c", Path("t"))


def test_the_processor_takes_over_only_where_gpus_were_found() -> None:
    options = ServerOptions()
    gpus = settings("0", "0")
    assert [each.memory_share for each in gpus] == [0.5, 0.5], "two workers on one GPU share its memory"
    fallback = fallback_settings(options, gpus)
    assert fallback == replace(gpus[0], device="cpu", memory_share=1.0)
    assert fallback_settings(replace(options, devices=("0",)), gpus) is None
    assert fallback_settings(options, settings("cpu")) is None


@pytest.mark.slow
def test_a_server_that_is_asked_for_a_gpu_ends_with_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tfstyle_server", "--listen", "127.0.0.1:0", "--devices", "0"]
    command += ["--network", "vgg19-lite", "--data"]
    ended = _ended([*command, str(tmp_path)])
    assert ended.returncode == 2
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("tfstyle-server: ")]
    assert line.startswith("tfstyle-server: devices: GPU 0 cannot be used: ")
    assert "Traceback" not in ended.stderr


def _ended(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    surroundings = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=surroundings, check=False)


BELIEVES_IN_GPUS = """
import sys
from tfstyle_server import devices
devices.is_for_processors_only = lambda: False
from tfstyle_server.__main__ import main
main()
"""


@pytest.mark.slow
def test_real_workers_without_their_gpus_are_replaced_by_one_for_the_processor(
    tmp_path: Path, landscape: bytes, painting: bytes
) -> None:
    """A server that names two GPUs, as where TensorFlow is built for them, on a machine where it lists none."""
    address, log = f"unix:{tmp_path}/socket", tmp_path / "log"
    command = [sys.executable, "-c", BELIEVES_IN_GPUS, "--listen", address, "--data", str(tmp_path / "data")]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "0,1"}
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*command, "--network", "vgg19-lite"], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        while not (tmp_path / "socket").exists():
            assert server.poll() is None, log.read_text()
            time.sleep(0.1)
        with Client(address) as client:
            job = client.create(landscape, painting, preset="fast", size=48, steps=2)
            assert job.result().png.startswith(b"\x89PNG"), "the job has waited for the processor"
            started = next(event for event in job.watch() if isinstance(event, Started))
            assert started.device is not None
            assert started.device.note.startswith("computing on the processor: GPU ")
            assert client.server_info().workers == 1
    finally:
        server.terminate()
        assert server.wait(60) == 0
    lines = log.read_text().splitlines()
    assert sum("is given up: devices: GPU" in line for line in lines) == 2
    assert not any("Traceback" in line for line in lines)


@pytest.mark.slow
def test_users_are_told_why_a_machine_with_a_gpu_does_not_use_it(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    """CUDA_VISIBLE_DEVICES names a GPU, as where there is one; TensorFlow has none."""
    server = own_server(CUDA_VISIBLE_DEVICES="0")
    with Client(server.address) as client:
        job = client.create(landscape, painting, preset="fast", size=48, steps=2)
        started = next(event for event in job.watch() if isinstance(event, Started))
        estimated = client.estimate((64, 48), [(64, 48)], preset="fast", size=48)
    for device in (started.device, estimated.device):
        assert device is not None
        assert (device.gpu, device.tf32, device.repeatable) == (False, False, True)
        assert device.name.startswith("CPU")
        # Where TensorFlow can use GPUs, it is asked for this one first.
        assert device.note.startswith(("this machine has a GPU, and tensorflow-cpu", "computing on the processor: GPU"))
