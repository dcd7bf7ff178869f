"""Measure the cost of watchers: a job's pace without watchers and with many, alternating on one server.

    python benchmarks/watchers.py [--watchers 500] [--size 450] [--weights VGG19.h5] [--rounds 6] [--evaluations 15]

The watchers run in a separate process, as they would in practice, but on the same cores. They therefore run at the
lowest priority (nice 19), and the processor time of the server's front-end process is reported separately.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import statistics
import time
from importlib.resources import files
from multiprocessing.synchronize import Event

import grpc
import psutil

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc
from tfstyle_client import Client, Progress
from tfstyle_client.private_server import private_server


def watch(target: str, name: str, count: int, stop: Event) -> None:
    """Watch a job with `count` streams over ten connections until `stop` is set."""
    os.nice(19)

    async def run() -> None:
        channels = [grpc.aio.insecure_channel(target, options=[("tfstyle.channel", index)]) for index in range(10)]

        async def one(index: int) -> None:
            stub = style_transfer_pb2_grpc.StyleTransferStub(channels[index % len(channels)])
            async for _ in stub.WatchJob(pb.WatchJobRequest(name=name, after_sequence=1)):
                pass

        tasks = [asyncio.create_task(one(index)) for index in range(count)]
        await asyncio.to_thread(stop.wait)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--watchers", type=int, default=500)
    parser.add_argument("--size", type=int, default=450)
    parser.add_argument("--weights")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--evaluations", type=int, default=15, help="in each half of a round")
    arguments = parser.parse_args()
    folder = files("tfstyle_client").joinpath("demo")
    pictures = [folder.joinpath(name).read_bytes() for name in ("landscape.jpg", "painting.jpg")]
    network = "vgg19" if arguments.weights else "vgg19-lite"
    context = multiprocessing.get_context("spawn")
    with private_server(arguments.weights, network) as target, Client(target) as client:
        job = client.create(*pictures, network=network, size=arguments.size, steps=10_000)
        events = job.watch()
        front = psutil.Process().children()[0]
        pace: dict[int, list[float]] = {0: [], arguments.watchers: []}
        used: dict[int, list[float]] = {0: [], arguments.watchers: []}
        wait(events, 5)
        for _ in range(arguments.rounds):
            for count in pace:
                stop = context.Event()
                watchers = context.Process(target=watch, args=(target, job.name, count, stop))
                watchers.start()
                wait(events, max(5, arguments.evaluations // 3))
                before, cpu = time.perf_counter(), sum(front.cpu_times()[:2])
                first, last = wait(events, arguments.evaluations)
                used[count].append((sum(front.cpu_times()[:2]) - cpu) / (time.perf_counter() - before))
                pace[count].append((last.elapsed - first.elapsed) / (last.evaluation - first.evaluation))
                stop.set()
                watchers.join()
        job.cancel()
    base = statistics.median(pace[0])
    print(
        f"{network}, {arguments.size} px, medians of {arguments.rounds} rounds of {arguments.evaluations} evaluations"
    )
    print(f"{'watchers':>8} {'s per evaluation':>17} {'relative':>8} {'front end, % core':>19}")
    for count, seconds in pace.items():
        median = statistics.median(seconds)
        print(f"{count:8d} {median:17.4f} {median / base:8.3f} {100 * statistics.median(used[count]):19.1f}")


def wait(events: object, evaluations: int) -> tuple[Progress, Progress]:
    """Read events until `evaluations` more have been reported; returns the first and the last."""
    seen: list[Progress] = []
    for event in events:  # type: ignore[attr-defined]
        if isinstance(event, Progress):
            seen.append(event)
            if len(seen) > evaluations:
                break
    return seen[0], seen[-1]


if __name__ == "__main__":
    main()
