"""Actors as the front sees them, with another program in place of the driver process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tfstyle.v1.style_transfer_pb2 import Network
from tfstyle_server.executors.local.messages import Cancel, Draining, Placed, Ready
from tfstyle_server.executors.local.settings import actor_settings
from tfstyle_server.executors.ray import actors as module
from tfstyle_server.executors.ray.actors import Actors
from tfstyle_server.executors.ray.frames import Connect
from tfstyle_server.executors.ray.options import RayOptions
from tfstyle_server.options import ServerOptions

PROGRAM = """
import os, pickle, sys
from multiprocessing.connection import Connection
from tfstyle.v1.style_transfer_pb2 import Network
from tfstyle_server.executors.local.messages import Ready
from tfstyle_server.executors.local.wire import encode
from tfstyle_server.executors.ray.frames import *
pipe = Connection(int(sys.argv[1]))
assert isinstance(pipe.recv(), Connect)
def say(kind, number, payload=b""): pipe.send_bytes(frame(kind, number, payload))
while True:
    match pipe.recv():
        case Open(number, settings):
            say(PLACED, number, settings.device)
        case Deliver(number, command):
            say(REPORT, number, encode(Ready(Network(name=pickle.loads(command).job))))
        case Kill(number) if number == 3:
            os._exit(5)
        case Kill(number):
            say(DRAINING, number)
            say(ENDED, number, "it was killed")
            say(REPORT, number, encode(Ready(Network(name="a ghost"))))
"""
Story = Callable[[Actors, "Heard"], Awaitable[None]]


class Heard(list[object]):
    """What actors report, each with its name."""

    def __init__(self) -> None:
        self._news = asyncio.Event()

    def report(self, actor: object, said: object) -> None:
        self.append((actor.name, said))
        self._news.set()

    async def reaches(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self) < count:
                self._news.clear()
                await self._news.wait()


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Story], None]:
    """Tell a story with actors of a driver that runs `PROGRAM`."""
    (tmp_path / "stand_in.py").write_text(PROGRAM)
    monkeypatch.setattr(module, "DRIVER", "stand_in")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]))

    async def main(story: Story) -> None:
        await story(Actors(Connect(RayOptions(), "text")), Heard())

    return lambda story: asyncio.run(main(story))


def test_actors_share_a_driver_and_a_lost_one_takes_all_along(told: Callable[[Story], None], tmp_path: Path) -> None:
    (settings,) = actor_settings(ServerOptions(), RayOptions(most=1), "b", "c", tmp_path)

    async def story(actors: Actors, heard: Heard) -> None:
        first, second, third = (actors.start(settings, heard.report, heard.report) for _ in range(3))
        assert first.driver is second.driver is third.driver
        await heard.reaches(3)
        assert heard == [(f"actor-{number}", Placed("cpu")) for number in (1, 2, 3)]
        heard.clear()
        await second.send(Cancel("jobs/b"))
        await heard.reaches(1)
        assert heard == [("actor-2", Ready(Network(name="jobs/b")))]
        heard.clear()
        first.kill()
        await heard.reaches(2)
        assert heard == [("actor-1", Draining()), ("actor-1", "it was killed")]
        heard.clear()
        third.kill()
        await heard.reaches(2)
        lost = "the connection to the Ray cluster ended, exit code 5"
        assert heard == [("actor-2", lost), ("actor-3", lost)], "and nothing of a ghost"
        fourth = actors.start(settings, heard.report, heard.report)
        await heard.reaches(3)
        assert fourth.driver is not first.driver
        fourth.wait()

    told(story)
