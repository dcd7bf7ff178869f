"""Devices that TensorFlow cannot use: what the pool does with their places; with fake worker processes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from fake_workers import LITE, RUN, STARTED, Listener, Worker, no_pauses, settle, start  # noqa: F401 - a fixture

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server.executors.executor import Update
from tfstyle_server.executors.local.messages import CannotStart, NoDevice, Ready
from tfstyle_server.executors.local.settings import fallback_settings, worker_settings
from tfstyle_server.executors.pool import WorkerPool
from tfstyle_server.options import ServerOptions


def run(devices: tuple[str, ...], *, asked: bool, story: Callable[[WorkerPool, Listener], Awaitable[None]]) -> None:
    async def main() -> None:
        STARTED.clear()
        workers = worker_settings(ServerOptions(devices=devices), "b", "c", Path("t"))
        fallback = None if asked else fallback_settings(ServerOptions(), workers)
        executor = WorkerPool(workers, start, 60.0, 60.0, fallback=fallback)
        listener = Listener()
        executor.start(listener)
        await story(executor, listener)

    asyncio.run(main())


def end_without(worker: Worker, device: str, why: str) -> None:
    worker.says(NoDevice(f"devices: GPU {device} cannot be used: {why}"))
    worker.ends(0)


def test_gpus_that_were_found_are_given_up_one_by_one_and_then_the_processor_takes_over() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        assert executor.capacity == 2
        end_without(STARTED[0], "0", "no driver")
        assert executor.capacity == 1
        assert len(STARTED) == 2, "it is not tried again"
        end_without(STARTED[1], "1", "no driver")
        assert executor.capacity == 1
        cpu = STARTED[2]
        assert (cpu.settings.device, cpu.settings.memory_share) == ("cpu", 1.0)
        cpu.says(Ready(LITE))
        executor.run(RUN)
        cpu.says(Update("jobs/a", 1, pb.JobEvent(started=pb.Started()), 0))
        why = "computing on the processor: GPU 1 cannot be used: no driver"
        assert [each.event.started.device.note for each in listener.updates] == [why], "the user of the job is told"
        assert [each for each in listener.heard if each != "unready"] == ["ready"]

    run(("0", "1"), asked=False, story=story)


def test_one_gpu_that_works_is_enough() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        end_without(STARTED[0], "0", "no driver")
        STARTED[1].says(Ready(LITE))
        assert listener.heard[-1] == "ready"
        assert (executor.capacity, executor.idle, len(STARTED)) == (1, 1, 2)

    run(("0", "1"), asked=False, story=story)


def test_a_gpu_that_was_asked_for_ends_the_server_whatever_the_others_do() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        STARTED[0].says(Ready(LITE))
        end_without(STARTED[1], "7", "no such GPU")
        assert listener.heard == ["ready", "broken: devices: GPU 7 cannot be used: no such GPU"]
        assert len(STARTED) == 2

    run(("0", "7"), asked=True, story=story)


def test_a_gpu_that_has_worked_may_come_back() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        STARTED[0].says(Ready(LITE))
        STARTED[0].ends(-6)
        end_without(STARTED[1], "0", "it fell off the bus")
        assert listener.heard == ["ready", "unready"]
        assert executor.capacity == 1

    run(("0",), asked=True, story=story)


def test_a_gpu_that_fails_is_tried_three_times_before_the_processor_takes_over() -> None:
    async def story(executor: WorkerPool, listener: Listener) -> None:
        for _ in range(3):
            worker = STARTED[-1]
            worker.says(CannotStart("devices: GPU 0 cannot be used: out of memory", permanent=False))
            worker.ends(0)
            await settle()
        assert [worker.settings.device for worker in STARTED] == ["0", "0", "0", "cpu"]

    run(("0",), asked=False, story=story)
