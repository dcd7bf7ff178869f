"""What open pages cost a running job, and whether the gateway's memory stays the same over an hour's events.

    python benchmarks/dashboard.py [--pages 10] [--runs 7] [--size 512] [--steps 100] [--events 14400]

Pages are connections that read the stream of the whole page, as a browser does, and fetch each new preview. What the
browser does with them is not counted, which is usually another machine's work. Runs with and without pages alternate,
and the ratio is that of the medians.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import psutil

from tfstyle.presets import resolve_options
from tfstyle_client import Client
from tfstyle_client.requests import watchable


@contextlib.contextmanager
def process(*arguments: str, says: str) -> Iterator[tuple[psutil.Process, str]]:
    """A process of ours, and what follows `says` in its first line that has it."""
    started = subprocess.Popen([sys.executable, "-m", *arguments], stderr=subprocess.PIPE, text=True)
    try:
        assert started.stderr is not None
        for line in started.stderr:
            if match := re.search(rf"{says} (\S+)", line):
                threading.Thread(target=started.stderr.read, daemon=True).start()
                yield psutil.Process(started.pid), match[1]
                return
        raise RuntimeError(f"{arguments[0]} does not start")
    finally:
        started.terminate()
        started.wait(20)


def processor() -> str:
    """The processor's name, as Linux has it."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown")


class Pages:
    """Open pages, each of which shows the list and one job."""

    def __init__(self, address: str, job: str, count: int) -> None:
        self._address = address
        self._job = job
        self.events = 0
        self._threads = [threading.Thread(target=self._watch, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _watch(self) -> None:
        with urllib.request.urlopen(f"{self._address}api/v1/stream?jobs&job={self._job}", timeout=60) as stream:
            for line in stream:
                if not line.startswith(b'data: {"job"'):
                    continue
                for event in json.loads(line.removeprefix(b"data: "))["events"]:
                    self.events += 1
                    if event.get("preview"):
                        urllib.request.urlopen(f"{self._address}api/v1/images/{event['preview']}").read()
                    if event["kind"] == "result":
                        return

    def wait(self) -> None:
        """Wait until each has seen the end of the job."""
        for thread in self._threads:
            thread.join(120)


def job_seconds(
    client: Client, address: str, pictures: tuple[bytes, bytes], options: dict[str, object], pages: int
) -> float:
    """Seconds of the evaluations of one job, with so many pages open."""
    progress = watchable(resolve_options("default", options))
    job = client.create(*pictures, preset="default", progress=progress, **options)
    open_pages = Pages(address, job.name.removeprefix("jobs/"), pages)
    result = job.result()
    open_pages.wait()
    job.delete()
    return result.elapsed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, default in (("pages", 10), ("runs", 7), ("size", 512), ("steps", 100), ("events", 14_400)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    folder = files("tfstyle_client").joinpath("demo")
    pictures = tuple(folder.joinpath(name).read_bytes() for name in ("landscape.jpg", "painting.jpg"))
    with contextlib.ExitStack() as stack:
        data = stack.enter_context(tempfile.TemporaryDirectory())
        flags = ("--listen", "127.0.0.1:0", "--data", data, "--network", "vgg19-lite", "--recycle-after", "1000")
        _, server = stack.enter_context(process("tfstyle_server", *flags, says="listening on"))
        own = ("dashboard", "--server", server, "--listen", "127.0.0.1:0")
        gateway, address = stack.enter_context(process("tfstyle_client", *own, says="dashboard on"))
        client = stack.enter_context(Client(server))
        print(f"processor: {processor()}")

        options: dict[str, object] = {"size": arguments.size, "steps": arguments.steps}
        job_seconds(client, address, pictures, options, 0)  # traces
        times: dict[int, list[float]] = {0: [], arguments.pages: []}
        for _ in range(arguments.runs):
            for pages, measured in times.items():
                measured.append(job_seconds(client, address, pictures, options, pages))
        without, with_pages = (statistics.median(measured) for measured in times.values())
        print(f"{arguments.size} px, {arguments.steps} evaluations, median of {arguments.runs}:")
        print(
            f"  no page {without:.3f} s, {arguments.pages} pages {with_pages:.3f} s, ratio {with_pages / without:.4f}"
        )

        small: dict[str, object] = {"size": 48, "steps": 300, "style_loss": "gram"}
        seen, began = 0, time.monotonic()
        print(f"memory of the gateway in MB, with {arguments.pages} pages:")
        while seen < arguments.events:
            job = client.create(*pictures, preset="fast", progress=watchable(resolve_options("fast", small)), **small)
            open_pages = Pages(address, job.name.removeprefix("jobs/"), arguments.pages)
            job.result()
            open_pages.wait()
            job.delete()
            before, seen = seen, seen + open_pages.events // arguments.pages
            if before * 8 // arguments.events != seen * 8 // arguments.events:
                print(
                    f"  {seen:6} events, {time.monotonic() - began:5.0f} s: {gateway.memory_info().rss / 1e6:.1f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
