"""What a service manager is told, over a real datagram socket."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import Server
from tfstyle_server.service_manager import ServiceManager


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(60)
        yield listening


def told(manager: socket.socket, wanted: str) -> str:
    """The first message that has the line `wanted`."""
    while True:
        message = manager.recv(4096).decode()
        if wanted in message.splitlines():
            return message


def test_a_server_is_ready_when_it_listens_alive_while_it_serves_and_tells_that_it_stops(
    manager: socket.socket, own_server: Callable[..., Server]
) -> None:
    server = own_server(
        "--grace", "7", NOTIFY_SOCKET=manager.getsockname(), WATCHDOG_USEC="400000", TFSTYLE_DEVICES="cpu"
    )
    told(manager, "READY=1")
    told(manager, "STATUS=serving")
    told(manager, "WATCHDOG=1")
    server.process.send_signal(signal.SIGTERM)
    assert "EXTEND_TIMEOUT_USEC=37000000" in told(manager, "STOPPING=1")
    assert server.process.wait(20) == 0


def test_a_front_that_hangs_gives_no_sign_of_life(manager: socket.socket) -> None:
    async def serve() -> float:
        alive = asyncio.get_running_loop().create_task(ServiceManager(manager.getsockname(), 0.02).keep_alive())
        await asyncio.sleep(0.1)
        manager.setblocking(False)
        while True:  # what has been told until now
            try:
                manager.recv(100)
            except BlockingIOError:
                break
        time.sleep(0.1)  # noqa: ASYNC251 - the event loop hangs
        with pytest.raises(BlockingIOError):
            manager.recv(100)
        await asyncio.sleep(0.1)
        alive.cancel()
        return len(manager.recv(100))

    assert asyncio.run(serve()) == len("WATCHDOG=1")


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, ServiceManager()),
        ({"NOTIFY_SOCKET": "/run/n"}, ServiceManager("/run/n")),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "500000"}, ServiceManager("/run/n", 0.5)),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "500000", "WATCHDOG_PID": "1"}, ServiceManager("/run/n")),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "soon"}, ServiceManager("/run/n")),
        ({"WATCHDOG_USEC": "500000"}, ServiceManager()),
    ],
)
def test_the_environment_names_the_manager(environment: dict[str, str], wanted: ServiceManager) -> None:
    assert os.getpid() != 1
    assert ServiceManager.of(environment) == wanted


def test_abstract_names_and_managers_that_are_gone(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        name = f"tfstyle-test-{os.getpid()}"
        listening.bind(f"\0{name}")
        ServiceManager(f"@{name}").tell(READY=1, STATUS="all is well")
        listening.settimeout(10)
        assert listening.recv(100) == b"READY=1\nSTATUS=all is well"
    ServiceManager(str(tmp_path / "nobody")).tell(READY=1)
