"""Measure what one front holds: jobs created, read and watched over real sockets, while its executor computes nothing.

    python benchmarks/front.py [--jobs 10000] [--waiting 10000] [--watches 2000] [--seconds 8] [--blobs LOCATION]

The front is a process of its own, unchanged but for its executor. The client that asks runs on the same machine, so
the processor time that the front takes for a call is printed beside the rate. Database and pictures go to the folder
for temporary files.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import grpc
import psutil

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc
from tfstyle_server import front
from tfstyle_server.admission import CallerLimits
from tfstyle_server.data import Data
from tfstyle_server.executors.executor import Done, Listener, Run, Stopped, Update
from tfstyle_server.logs import configure_logging
from tfstyle_server.options import ServerOptions
from tfstyle_server.retention import Retention

RESULT, PICTURE = bytes(range(250)) * 4000, b"\xff\xd8\xff" + bytes(range(250)) * 400
"""No pictures, but nobody looks at them."""
CONNECTIONS = 30
MANY = 10**6
SETTLING = 8
"""Seconds after a start in which expired data is looked for."""
RUNNING = 100
"""Jobs that run while they are watched."""
LOSSES = pb.Losses(
    total=1.0,
    parts=[
        pb.LossPart(name=name, value=0.5, weighted=0.5, by_layer={f"block{block}_conv1": 0.1 for block in range(1, 6)})
        for name in ("content", "style")
    ],
)


class Idler:
    """An executor: jobs of one evaluation end at once, those of more report one every second."""

    def __init__(self, data: Data) -> None:
        self.capacity = RUNNING
        self.processes: list[tuple[str, int]] = []
        self._digest = data.blobs.put([RESULT])
        self._running: dict[str, asyncio.Handle] = {}
        self._listener: Listener | None = None

    @property
    def idle(self) -> int:
        return self.capacity - len(self._running) if self._listener is not None else 0

    def start(self, listener: Listener) -> None:
        self._listener = listener
        listener.on_ready(pb.Network(name="none"))
        listener.on_idle()

    def demand(self, waiting: int) -> None:
        """It has all its workers already."""

    def stop(self) -> None:
        for handle in self._running.values():
            handle.cancel()

    def run(self, run: Run) -> None:
        self._step(run, 0)

    def cancel(self, job: str) -> None:
        if (handle := self._running.pop(job, None)) is not None and self._listener is not None:
            handle.cancel()
            self._listener.on_end(Stopped(job, 1))
            self._listener.on_idle()

    def _step(self, run: Run, evaluation: int) -> None:
        assert self._listener is not None
        loop, most = asyncio.get_running_loop(), run.options.max_evaluations
        event = pb.JobEvent(started=pb.Started(width=9, height=9, max_evaluations=most))
        if evaluation:
            event = pb.JobEvent(progress=pb.Progress(evaluation=evaluation, max_evaluations=most, losses=LOSSES))
        self._listener.on_update(Update(run.job, run.attempt, event, evaluation))
        if evaluation < most:
            self._running[run.job] = loop.call_later(float(most > 1), self._step, run, evaluation + 1)
            return
        del self._running[run.job]
        result = pb.Result(digest=self._digest, size=len(RESULT), width=9, height=9, evaluations=most)
        self._listener.on_end(Done(run.job, run.attempt, pb.JobEvent(result=result)))
        self._listener.on_idle()


def serve(data: str, blobs: str | None) -> None:
    """The front's process."""
    front._executor = lambda options, data: Idler(data)  # type: ignore[assignment,attr-defined,return-value]
    configure_logging()
    limits = CallerLimits(jobs=MANY, queue=MANY, watches=MANY, work=1e12, receiving=32)
    kept = Retention(jobs=MANY, bytes=10**13)
    options = ServerOptions(
        listen="127.0.0.1:0", data=Path(data), blobs=blobs, queue=MANY, limits=limits, retention=kept
    )
    asyncio.run(front.serve(options, on_listening=lambda address: print(address, flush=True)))


class Front:
    """The front's process, and connections to it."""

    def __init__(self, folder: str, blobs: str | None) -> None:
        start = time.perf_counter()
        command = [sys.executable, __file__, "--serve", folder, *(["--blobs", blobs] if blobs else [])]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        target = self.process.stdout.readline().strip()
        self.began = time.perf_counter() - start
        """Seconds from the start of the process until it listens."""
        self._measured = psutil.Process(self.process.pid)
        self._channels = [grpc.aio.insecure_channel(target, options=[("own", index)]) for index in range(CONNECTIONS)]
        self._stubs = itertools.cycle([style_transfer_pb2_grpc.StyleTransferStub(each) for each in self._channels])

    @property
    def stub(self) -> Any:
        """A stub on the next of the connections."""
        return next(self._stubs)

    @property
    def seconds(self) -> float:
        """Processor time so far."""
        return sum(self._measured.cpu_times()[:2])

    @property
    def megabytes(self) -> float:
        """Memory that it has now."""
        return float(self._measured.memory_info().rss) / 1e6

    async def close(self) -> None:
        for channel in self._channels:
            await channel.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    async def rate(self, what: str, call: Callable[[], Awaitable[Any]], seconds: float, together: int = 32) -> None:
        """Make calls for so many seconds, and print how fast they were answered."""
        taken: list[float] = []
        began, before = time.perf_counter(), self.seconds

        async def caller() -> None:
            while time.perf_counter() - began < seconds:
                start = time.perf_counter()
                await call()
                taken.append(time.perf_counter() - start)

        await asyncio.gather(*[caller() for _ in range(together)])
        elapsed, cpu = time.perf_counter() - began, self.seconds - before
        self.print(what, len(taken) / elapsed, cpu / len(taken), taken)

    def print(self, what: str, rate: float, cpu: float, taken: list[float]) -> None:
        cuts = statistics.quantiles(taken, n=20)
        print(
            f"{what:42} {rate:8.0f} {1e3 * cpu:10.2f} {1e3 * cuts[9]:9.1f} {1e3 * cuts[18]:9.1f} {self.megabytes:8.0f}",
            flush=True,
        )

    async def create(self, images: pb.Inputs, evaluations: int = 1) -> str:
        options = pb.TransferOptions(size=64, max_evaluations=evaluations)
        transfer = pb.StylizeRequest(inputs=images, preset="fast", options=options)
        job = await self.stub.CreateJob(pb.CreateJobRequest(transfer=transfer))
        return str(job.name)

    @asynccontextmanager
    async def watching(
        self, jobs: list[str], count: int, delays: list[float]
    ) -> AsyncIterator[list[asyncio.Task[None]]]:
        """So many watches, spread over the jobs; `delays` grows by what each event took from its record to here."""

        async def watch(name: str) -> None:
            async for event in self.stub.WatchJob(pb.WatchJobRequest(name=name)):
                if event.HasField("progress"):
                    delays.append(time.time() - event.time.ToNanoseconds() / 1e9)

        tasks: list[asyncio.Task[None]] = []
        try:
            for index in range(count):
                tasks.append(asyncio.create_task(watch(jobs[index % len(jobs)])))
                await asyncio.sleep(0.005)  # of one caller's calls at most 256 may wait
            yield tasks
        finally:
            for task in tasks:
                task.cancel()


def pictures(content: pb.Picture, style: pb.Picture) -> pb.Inputs:
    return pb.Inputs(content=content, styles=[pb.Style(picture=style)])


def multiply(folder: str, name: str, count: int) -> None:
    """Write copies of a job into the database of a front that has ended, since creating them would take minutes."""
    with closing(sqlite3.connect(Path(folder) / "jobs.sqlite3")) as db, db:
        job = db.execute("SELECT * FROM jobs WHERE name = ?", (name,))
        columns = [column[0] for column in job.description]
        row = dict(zip(columns, job.fetchone(), strict=True))
        number, places = row.pop("number"), ", ".join("?" * (len(columns) - 1))
        for copy in range(count):
            message = pb.Job.FromString(row["job"])
            message.name = f"{name[:-6]}{copy:06d}"
            values = (row | {"name": message.name, "job": message.SerializeToString()}).values()
            inserted = db.execute(f"INSERT INTO jobs ({', '.join(row)}) VALUES ({places})", [*values]).lastrowid  # noqa: S608
            db.execute("INSERT INTO events SELECT ?, sequence, event FROM events WHERE job = ?", (inserted, number))
            db.execute("INSERT INTO job_pictures SELECT ?, digest FROM job_pictures WHERE job = ?", (inserted, number))


async def upload(started: Front) -> str:
    async def one() -> AsyncIterator[pb.UploadImageRequest]:
        yield pb.UploadImageRequest(data=PICTURE)

    return str((await started.stub.UploadImage(one())).name)


async def reads(started: Front, images: pb.Inputs, name: str, when: str, seconds: float) -> None:
    async def result() -> None:
        async for _ in started.stub.ReadResult(pb.ReadResultRequest(name=name)):
            pass

    stub = started.stub
    await started.rate(f"create, begin and end a job, {when}", lambda: started.create(images), seconds)
    await started.rate(f"get a job, {when}", lambda: stub.GetJob(pb.GetJobRequest(name=name)), seconds)
    await started.rate(f"list 20 jobs, {when}", lambda: stub.ListJobs(pb.ListJobsRequest(page_size=20)), seconds)
    await started.rate(f"read a result of 1 MB, {when}", result, seconds, together=8)


async def watches(started: Front, jobs: list[str], count: int, seconds: float) -> None:
    delays: list[float] = []
    async with started.watching(jobs, count, delays) as tasks:
        await asyncio.sleep(4)
        delays.clear()
        began, before = time.perf_counter(), started.seconds
        await asyncio.sleep(max(5, seconds))
        elapsed, cpu = time.perf_counter() - began, started.seconds - before
        what = f"events sent to {sum(not task.done() for task in tasks)} watches of {len(jobs)} jobs"
        started.print(what, len(delays) / elapsed, cpu / len(delays), delays)
    await asyncio.gather(*tasks, return_exceptions=True)


async def measure(arguments: argparse.Namespace, folder: str) -> None:
    seconds, blobs = arguments.seconds, arguments.blobs
    started = Front(folder, blobs)
    print(f"{'':42} {'a second':>8} {'front, ms':>10} {'median ms':>9} {'95 % ms':>9} {'MB':>8}")
    image = await upload(started)
    named = pictures(pb.Picture(image=image), pb.Picture(image=image))
    sent = pictures(pb.Picture(data=PICTURE), pb.Picture(data=PICTURE + b"2"))
    name = await started.create(named)
    await started.rate("upload 100 kB", lambda: upload(started), seconds)
    await started.rate("create, begin and end a job, 200 kB sent", lambda: started.create(sent), seconds)
    await reads(started, named, name, "few jobs", seconds)
    await started.close()
    multiply(folder, name, arguments.jobs)
    started = Front(folder, blobs)
    print(f"listens {started.began:.1f} s after its start with {arguments.jobs} ended jobs")
    await asyncio.sleep(SETTLING)
    await reads(started, named, name, f"{arguments.jobs} ended", seconds)
    running = [await started.create(named, 10_000) for _ in range(RUNNING)]
    await watches(started, running, arguments.watches, seconds)
    await watches(started, running[:1], arguments.watches, seconds)
    waiting = await started.create(named)
    await started.close()
    multiply(folder, waiting, arguments.waiting)
    started = Front(folder, blobs)
    print(f"listens {started.began:.1f} s after its start with {arguments.waiting} waiting jobs")
    await asyncio.sleep(SETTLING)
    await reads(started, named, name, f"{arguments.waiting} waiting", seconds)
    await started.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--waiting", type=int, default=10_000)
    parser.add_argument("--watches", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--blobs", help="as of tfstyle-server")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.blobs)
        return
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(arguments, folder))


if __name__ == "__main__":
    main()
