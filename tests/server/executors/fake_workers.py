"""A pool of fake workers, and a listener that remembers what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tfstyle.inputs import content_and_style
from tfstyle.options import ProgressOptions, TransferOptions
from tfstyle.v1.style_transfer_pb2 import Network
from tfstyle_server.executors.executor import Run
from tfstyle_server.executors.local.settings import WorkerSettings
from tfstyle_server.executors.pool import Scale, WorkerPool


@dataclass(eq=False)
class Worker:
    """In place of a process."""

    settings: WorkerSettings
    on_report: Callable[..., None]
    on_end: Callable[..., None]
    name: str = "1"
    pid: int = 1
    placed: bool = True
    sent: list[Any] = field(default_factory=list)
    killed: bool = False

    def __post_init__(self) -> None:
        STARTED.append(self)

    async def send(self, command: object) -> None:
        self.sent.append(command)

    def kill(self) -> None:
        self.killed = True

    def wait(self) -> None:
        pass

    def says(self, report: object) -> None:
        self.on_report(self, report)

    def ends(self, code: int = -9) -> None:
        self.on_end(self, f"exit code {code}")


STARTED: list[Worker] = []
START: dict[str, Callable[..., Any]] = {"worker": Worker}


def start(*arguments: Any) -> Any:
    return START["worker"](*arguments)


@dataclass
class Listener:
    """Remembers what is reported to it."""

    heard: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    ends: list[Any] = field(default_factory=list)
    updates: list[Any] = field(default_factory=list)

    def on_ready(self, network: Network) -> None:
        assert network == LITE
        self.heard.append("ready")

    def on_unready(self) -> None:
        self.heard.append("unready")

    def on_idle(self) -> None:
        pass

    def on_update(self, update: object) -> None:
        self.updates.append(update)

    def on_end(self, end: Any) -> None:
        self.heard.append(f"{end.job} {type(end).__name__}")
        self.ends.append(end)

    def on_lost(self, job: str, attempt: int, reason: str) -> None:
        self.heard.append(f"{job} lost")
        self.reasons.append(reason)

    def on_broken(self, reason: str) -> None:
        self.heard.append(f"broken: {reason}")


LITE = Network(name="vgg19-lite")
RUN = Run("jobs/a", 1, content_and_style("c", "s"), TransferOptions(), ProgressOptions())


def settings(device: str) -> WorkerSettings:
    return WorkerSettings(device, "auto", None, 1, 1, None, 1.0, 2, 2.0, "b", "c", Path("t"))


def run(
    devices: str,
    story: Callable[[WorkerPool, Listener], Awaitable[None]],
    start_seconds: float = 60.0,
    silence_seconds: float = 60.0,
    scale: Scale | None = None,
) -> None:
    async def main() -> None:
        STARTED.clear()
        listener = Listener()
        executor = WorkerPool([settings(device) for device in devices], start, start_seconds, silence_seconds, scale)
        executor.start(listener)
        await story(executor, listener)

    asyncio.run(main())


@pytest.fixture(name="pauses", autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made; none lasts."""
    made: list[float] = []
    sleep = asyncio.sleep

    async def short(seconds: float) -> None:
        made.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", short)
    return made


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def after(seconds: float) -> None:
    """Let real time pass: `asyncio.sleep` is replaced here."""
    await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=seconds)
