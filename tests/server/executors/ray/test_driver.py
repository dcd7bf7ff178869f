"""The driver's side of an actor that ends while the front still speaks to it; no cluster is needed."""

from __future__ import annotations

import threading
from multiprocessing import Pipe
from pathlib import Path

import pytest

from tfstyle_server.executors.local.settings import actor_settings
from tfstyle_server.executors.ray import driver
from tfstyle_server.executors.ray.frames import Connect, Deliver, Ended, Kill, Open, parse
from tfstyle_server.executors.ray.options import RayOptions
from tfstyle_server.options import ServerOptions


def test_what_is_said_to_actors_that_have_ended_ends_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings,) = actor_settings(ServerOptions(), RayOptions(most=1), "b", "c", tmp_path)
    monkeypatch.setattr(driver, "_connect", lambda options: None)
    monkeypatch.setattr(driver, "_watch_nodes", lambda actors: None)
    monkeypatch.setattr(driver.ActorHandle, "_follow", lambda self: None)
    ours, theirs = Pipe()
    ended: list[type[BaseException]] = []

    def serve() -> None:
        try:
            driver._serve(theirs, Connect(RayOptions(), "text"))
        except BaseException as error:
            ended.append(type(error))

    thread = threading.Thread(target=serve)
    thread.start()
    for number in (1, 2):
        ours.send(Open(number, settings))
        assert ours.poll(30)
        assert parse(ours.recv_bytes()) == (number, Ended("it is done"))
        for _ in range(200):  # before and after the driver has put it away
            ours.send(Deliver(1, b"a command"))
            ours.send(Kill(number))
    ours.close()
    thread.join(30)
    assert ended == [EOFError], "it serves until the front closes the pipe"
