"""GPUs that TensorFlow cannot use: the executor with fake processes, and real servers on a machine without a GPU."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from conftest import Server
from tfstyle.inputs import content_and_style
from tfstyle.options import ProgressOptions, TransferOptions
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client import Client, Started
from tfstyle_server.executors.executor import Run, Update
from tfstyle_server.executors.local.messages import CannotStart, NoDevice, Ready
from tfstyle_server.executors.local.settings import WorkerSettings, fallback_settings, worker_settings
from tfstyle_server.executors.pool import WorkerPool
from tfstyle_server.options import ServerOptions

LITE = pb.Network(name="vgg19-lite")
RUN = Run("jobs/a", 1, content_and_style("c", "s"), TransferOptions(), ProgressOptions())


@dataclass(eq=False)
class Worker:
    """In place of a process."""

    settings: WorkerSettings
    on_report: Callable[..., None]
    on_end: Callable[..., None]
    name: str = "1"
    pid: int | None = 1
    placed: bool = True

    def __post_init__(self) -> None:
        STARTED.append(self)

    async def send(self, command: object) -> None:
        pass

    def kill(self) -> None:
        pass

    def wait(self) -> None:
        pass

    def ends_without(self, device: str, why: str) -> None:
        self.on_report(self, NoDevice(f"devices: GPU {device} cannot be used: {why}"))
        self.on_end(self, "exit code 0")


STARTED: list[Worker] = []


@dataclass
class Listener:
    heard: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def on_ready(self, network: pb.Network) -> None:
        self.heard.append("ready")

    def on_unready(self) -> None:
        self.heard.append("unready")

    def on_idle(self) -> None:
        pass

    def on_update(self, update: Update) -> None:
        self.notes.append(update.event.started.device.note)

    def on_broken(self, reason: str) -> None:
        self.heard.append(f"broken: {reason}")


def settings(*devices: str) -> list[WorkerSettings]:
    return worker_settings(ServerOptions(devices=devices), "b", "c", Path("t"))


def run(devices: tuple[str, ...], *, asked: bool, story: Callable[[WorkerPool, Listener], Awaitable[None]]) -> None:
    async def main() -> None:
        STARTED.clear()
        workers = settings(*devices)
        fallback = None if asked else fallback_settings(ServerOptions(), workers)
        executor = WorkerPool(workers, Worker, 60.0, 60.0, fallback=fallback)
        listener: Any = Listener()
        executor.start(listener)
        await story(executor, listener)

    asyncio.run(main())


def test_gpus_that_were_found_are_given_up_one_by_one_and_then_the_processor_takes_over() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        assert executor.capacity == 2
        STARTED[0].ends_without("0", "no driver")
        assert executor.capacity == 1
        assert len(STARTED) == 2, "it is not tried again"
        STARTED[1].ends_without("1", "no driver")
        assert executor.capacity == 1
        cpu = STARTED[2]
        assert (cpu.settings.device, cpu.settings.memory_share) == ("cpu", 1.0)
        cpu.on_report(cpu, Ready(LITE))
        executor.run(RUN)
        cpu.on_report(cpu, Update("jobs/a", 1, pb.JobEvent(started=pb.Started()), 0))
        why = "computing on the processor: GPU 1 cannot be used: no driver"
        assert listener.notes == [why], "the user of the job is told"
        assert [each for each in listener.heard if each != "unready"] == ["ready"]

    run(("0", "1"), asked=False, story=story)


def test_one_gpu_that_works_is_enough() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        STARTED[0].ends_without("0", "no driver")
        STARTED[1].on_report(STARTED[1], Ready(LITE))
        assert listener.heard[-1] == "ready"
        assert (executor.capacity, executor.idle, len(STARTED)) == (1, 1, 2)

    run(("0", "1"), asked=False, story=story)


def test_a_gpu_that_was_asked_for_ends_the_server_whatever_the_others_do() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        STARTED[0].on_report(STARTED[0], Ready(LITE))
        STARTED[1].ends_without("7", "no such GPU")
        assert listener.heard == ["ready", "broken: devices: GPU 7 cannot be used: no such GPU"]
        assert len(STARTED) == 2

    run(("0", "7"), asked=True, story=story)


def test_a_gpu_that_has_worked_may_come_back() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        STARTED[0].on_report(STARTED[0], Ready(LITE))
        STARTED[0].on_end(STARTED[0], "exit code -6")
        STARTED[1].ends_without("0", "it fell off the bus")
        assert listener.heard == ["ready", "unready"]
        assert executor.capacity == 1

    run(("0",), asked=True, story=story)


def test_a_gpu_that_fails_is_tried_three_times_before_the_processor_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    sleep = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda seconds: sleep(0))

    async def story(executor: WorkerPool, listener: Listener) -> None:
        for _ in range(3):
            worker = STARTED[-1]
            worker.on_report(worker, CannotStart("devices: GPU 0 cannot be used: out of memory", permanent=False))
            worker.on_end(worker, "exit code 0")
            for _ in range(5):
                await sleep(0)
        assert [worker.settings.device for worker in STARTED] == ["0", "0", "0", "cpu"]

    run(("0",), asked=False, story=story)


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
