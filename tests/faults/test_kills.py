"""The real server under kill -9 and worse at random moments: no job is lost, none is made twice, and every picture
is bit for bit that of a run which nobody disturbs.

The seed is printed and can be given as TFSTYLE_FAULT_SEED; TFSTYLE_FAULT_KILLS says how many kills.
"""

from __future__ import annotations

import hashlib
import os
import random
import secrets
import signal
import socket
import statistics
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest

from conftest import Server
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc
from tfstyle_client import Client, ClientError, Job, ProgressOptions, ServerBusyError

ONE_SCALE: dict[str, Any] = {"preset": "reference", "size": 160, "network": "vgg19-lite"}
KINDS: tuple[dict[str, Any], ...] = (
    {"preset": "fast", "size": 224, "steps": 60},
    {**ONE_SCALE, "steps": 110, "optimizer": "lbfgs", "pyramid_levels": 7, "gamut_weight": 1000.0, "style_weight": 1e6},
    {**ONE_SCALE, "steps": 90},
    {"preset": "detail", "size": 160, "steps": 70, "split_evaluations": 30, "network": "vgg19-lite"},
)
"""Two scales; one at which the line search refuses steps; the published algorithm; stages that remember their start."""
AT_ONCE = 4
KILLS = ("worker", "front", "both", "newest checkpoint damaged, then both")
OTHERS = ("SIGTERM", "client cut", "reader stalled", "clock moved", "disk filled")
MOST_MOVED = 400 * 86400.0
"""Seconds that the clock is moved at most, forth or back."""


@dataclass
class Harness:
    """A server that is started again on the same port and folder whenever it has been brought down. `disk` holds its
    data and can be filled.
    """

    start: Callable[..., Server]
    disk: Path
    clock: Path
    random: random.Random
    server: Server = field(init=False)
    data: Path = field(init=False)
    address: str = field(init=False)
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.data = self.disk / "data"
        self.clock.write_text("0")
        self.bring_up()

    def bring_up(self) -> None:
        path = [str(Path(__file__).with_name("moved_clock")), *filter(None, [os.environ.get("PYTHONPATH")])]
        clock = {"PYTHONPATH": os.pathsep.join(path), "PYTHON_MOVED_CLOCK": str(self.clock)}
        self.server = self.start("--listen", self.address, data=self.data, **clock)

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.server.process.pid}/task/{self.server.process.pid}/children")
        pids = [int(pid) for pid in children.read_text().split()]
        return [pid for pid in pids if b"executors.local.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def harm(self, how: str) -> None:
        self.done[how] += 1
        match how:
            case "worker":
                for pid in self.workers():
                    kill(pid)
            case "front":
                self.end_front(signal.SIGKILL)
            case "both":
                self.end_both()
            case "newest checkpoint damaged, then both":
                self.end_both()
                files = sorted(self.data.glob("checkpoints/*/[0-9]*.npz"), key=lambda path: path.stat().st_mtime)
                if files:
                    data = bytearray(files[-1].read_bytes())
                    data[self.random.randrange(len(data) - 300)] ^= 0xFF
                    files[-1].write_bytes(data)
                    self.done["checkpoints damaged"] += 1
            case "SIGTERM":
                self.end_front(signal.SIGTERM)
            case "client cut":
                watch = self.watch()
                with suppress(grpc.RpcError, StopIteration):
                    next(watch)
                watch.cancel()
            case "reader stalled":
                self.watch()  # never read; it ends with the server
            case "clock moved":
                draft = self.clock.with_suffix(".draft")
                draft.write_text(str(self.random.uniform(-MOST_MOVED, MOST_MOVED)))
                draft.replace(self.clock)
            case "disk filled":
                with filled(self.disk):
                    time.sleep(self.random.uniform(0.5, 3))
        if self.server.process.poll() is not None:
            self.bring_up()

    def watch(self) -> Any:
        stub = style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(self.address))
        (job, *_) = stub.ListJobs(pb.ListJobsRequest(page_size=1), wait_for_ready=True).jobs
        return stub.WatchJob(pb.WatchJobRequest(name=job.name))

    def end_front(self, number: int) -> None:
        self.server.process.send_signal(number)
        self.server.process.wait(30)

    def end_both(self) -> None:
        workers = self.workers()
        self.server.process.kill()
        for pid in workers:
            kill(pid)
        self.server.process.wait()


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Meanwhile every byte that becomes free on `disk` is taken, as what a failed checkpoint leaves."""
    ballast, enough = disk / "ballast", threading.Event()

    def fill() -> None:
        with ballast.open("wb", buffering=0) as file:
            while not enough.is_set():
                try:
                    file.write(bytes(65536))
                except OSError:
                    with suppress(OSError):
                        file.write(bytes(512))
                    time.sleep(0.01)

    filler = threading.Thread(target=fill)
    filler.start()
    try:
        yield
    finally:
        enough.set()
        filler.join()
        ballast.unlink()


def survive(
    harness: Any,
    kills: int,
    pictures: tuple[bytes, bytes],
    wanted: list[str],
    pauses: tuple[float, float],
    harms: tuple[str, ...],
    counted: tuple[str, ...] = KILLS,
) -> list[Job]:
    """Keep the server at work while it is harmed, until it has survived `kills`; gives the jobs that were made.

    The `harness` has an `address`, `data`, `random`, what is `done`, and `harm`.
    """
    made: list[tuple[Job, int]] = []
    problems: list[str] = []
    over = threading.Event()

    def employ() -> None:
        """Keep some jobs under way, as a client that never hears of any trouble."""
        with Client(harness.address) as client:
            waiting: list[tuple[Job, int]] = []
            while not over.is_set() or waiting:
                while len(waiting) < AT_ONCE and not over.is_set():
                    kind = len(made) % len(KINDS)
                    progress = ProgressOptions(preview_every=10, preview_size=64)
                    try:
                        job = client.create(*pictures, progress=progress, **KINDS[kind])
                    except ServerBusyError as error:  # the disk is full
                        harness.done[f"told that {error}"] += 1
                        time.sleep(0.5)
                        continue
                    made.append((job, kind))
                    waiting.append((job, kind))
                job, kind = waiting.pop(0)
                try:
                    if hashlib.sha256(job.result().png).hexdigest() != wanted[kind]:
                        problems.append(
                            f"{job.name}, kind {kind}: another picture, after {job.status().attempts} attempts"
                        )
                except ClientError as error:
                    problems.append(f"{job.name}: {error}")

    employer = threading.Thread(target=employ)
    employer.start()
    try:
        while sum(harness.done[how] for how in counted) < kills and employer.is_alive():
            time.sleep(harness.random.uniform(*pauses))
            harness.harm(harness.random.choice(harms))
    finally:
        over.set()
        employer.join(900)
    assert not employer.is_alive(), "a job does not end"
    assert problems == []
    return [job for job, _ in made]


def check(harness: Any, jobs: list[Job]) -> None:
    """Each job has ended once, and its events are numbered without a gap."""
    stub = style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(harness.address))
    interruptions = 0
    for job in jobs:
        events = list(stub.WatchJob(pb.WatchJobRequest(name=job.name), wait_for_ready=True))[1:]
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        kinds = Counter(event.WhichOneof("event") for event in events)
        assert kinds["result"] == 1
        assert events[-1].HasField("result")
        assert kinds["begun"] == kinds["interrupted"] + 1
        interruptions += kinds["interrupted"]
    kept = [path for path in harness.data.glob("checkpoints/*/*") if path.is_file()]
    print(f"{len(jobs)} jobs, {interruptions} interruptions, {dict(harness.done)}, checkpoints left: {len(kept)}")


def references(server: Server, pictures: tuple[bytes, bytes]) -> list[str]:
    with Client(server.address) as client:
        return [client.stylize(*pictures, **kind).result().digest for kind in KINDS]


def run(
    own_server: Callable[..., Server],
    server: Server,
    pictures: tuple[bytes, bytes],
    disk: Path,
    clock: Path,
    kills: int,
    pauses: tuple[float, float],
    harms: tuple[str, ...],
) -> None:
    seed = int(os.environ.get("TFSTYLE_FAULT_SEED") or secrets.randbits(32))
    print(f"TFSTYLE_FAULT_SEED={seed}")
    wanted = references(server, pictures)
    harness = Harness(own_server, disk, clock, random.Random(seed))
    check(harness, survive(harness, kills, pictures, wanted, pauses, harms))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own, of 96 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("needs the right to mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_two_hundred_kills(
    own_server: Callable[..., Server],
    server: Server,
    landscape: bytes,
    painting: bytes,
    tmp_path: Path,
    small_disk: Path,
) -> None:
    kills = int(os.environ.get("TFSTYLE_FAULT_KILLS", "200"))
    harms = KILLS * 2 + OTHERS
    run(own_server, server, (landscape, painting), small_disk, tmp_path / "clock", kills, (0.5, 6), harms)


def keep_creating(client: Client, content: bytes, style: bytes) -> None:
    for _ in range(50):
        client.create(content, style, **KINDS[0]).cancel()


@pytest.mark.slow
def test_full_disk_is_told_and_outlived(
    own_server: Callable[..., Server], server: Server, landscape: bytes, painting: bytes, small_disk: Path
) -> None:
    (wanted, *_) = references(server, (landscape, painting))
    data = small_disk / "data"
    own = own_server(data=data)
    with Client(own.address) as client:
        job = client.create(landscape, painting, **KINDS[0])
        while job.status().progress is None:
            time.sleep(0.05)
        with filled(small_disk):
            with pytest.raises(ServerBusyError, match="disk is full"):
                keep_creating(client, landscape + bytes(10**6), painting)
            own.wait_for_log("(recorded|written), trying again|no checkpoint was written")
            time.sleep(3)
        assert job.result().digest == wanted
        assert client.create(landscape, painting, **KINDS[0]).result().digest == wanted
    assert own.process.poll() is None
    assert "Traceback" not in "\n".join(own.log)


@pytest.mark.slow
@pytest.mark.parametrize("left", [0, 4, 8, 12, 64])
def test_start_on_a_full_disk_ends_or_serves_and_hangs_in_no_case(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes, small_disk: Path, left: int
) -> None:
    """`left` KiB are free as the server starts again, with a job that was running and little that was ever written.

    With 4 to 12 the database opens, and cannot note that the job was interrupted.
    """
    own = own_server(data=small_disk / "data")
    with Client(own.address) as client:
        job = client.create(landscape, painting, size=64, steps=400, progress=ProgressOptions(every=400))
        while job.status().progress is None:
            time.sleep(0.05)
    own.process.kill()
    own.process.wait()
    time.sleep(1)  # the worker ends by itself
    ballast, spare = small_disk / "ballast", small_disk / "spare"
    spare.write_bytes(bytes(left * 1024))
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    spare.unlink()
    said = ""
    try:
        again = own_server(data=small_disk / "data")
    except AssertionError as error:  # it has ended
        said = str(error)
    else:
        assert again.stop() == 0
    assert not said or "tfstyle-server: data: cannot" in said
    assert "Traceback" not in said
    ballast.unlink()
    last = own_server(data=small_disk / "data")
    with Client(last.address) as client:
        assert client.job(job.name).result().png


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_minutes_of_work_leave_memory_as_it_was(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    """Jobs of a dozen sizes, watchers that come and go, calls that are cut; the front must not grow, nor workers."""
    chance = random.Random(7)
    server = own_server("--keep-jobs", "20")
    front = psutil.Process(server.process.pid)
    stub = style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(server.address))
    held: list[tuple[float, float]] = []
    began = time.monotonic()
    made = 0
    with Client(server.address) as client:
        while time.monotonic() - began < 600:
            size = chance.choice(range(64, 208, 12))
            progress = ProgressOptions(preview_every=3)
            job = client.create(landscape, painting, preset="fast", size=size, steps=12, progress=progress)
            watches = [stub.WatchJob(pb.WatchJobRequest(name=job.name)) for _ in range(5)]
            for watch in watches[:3]:
                next(watch)
            watches[0].cancel()
            call = stub.Stylize(
                pb.StylizeRequest(
                    content=landscape, style=painting, options=pb.TransferOptions(size=64, max_evaluations=50)
                )
            )
            next(call)
            call.cancel()
            assert job.result().png
            list(watches[1])
            made += 1
            workers = [process.memory_info().rss for process in front.children() if process.memory_info().rss > 2e8]
            held.append((front.memory_info().rss / 1e6, max(workers, default=0) / 1e6))
    fifth = len(held) // 5
    early, late = held[fifth : 2 * fifth], held[-fifth:]
    fronts = [statistics.median(front for front, _ in part) for part in (early, late)]
    most = [max(worker for _, worker in part) for part in (early, late)]
    print(f"{made} jobs; front {fronts[0]:.0f} -> {fronts[1]:.0f} MB, largest worker {most[0]:.0f} -> {most[1]:.0f} MB")
    assert fronts[1] < fronts[0] + 10
    assert most[1] < most[0] + 150
