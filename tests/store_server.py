"""A real S3-compatible server (moto's) on 127.0.0.1, as a process of its own that can be stopped and started again."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import fsspec

BUCKET = "pictures"
ACCESS = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "hidden", "AWS_DEFAULT_REGION": "us-east-1"}
_PROGRAM = """
import http.server, sys
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
WSGIRequestHandler.log_request = lambda *_: None
WSGIRequestHandler.protocol_version = "HTTP/1.1"
make_server("127.0.0.1", int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), True).serve_forever()
"""


class StoreServer:
    """The server's process, its address, and the environment in which it is found."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.environment = {**ACCESS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._port}"}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server, which has nothing stored yet but a bucket."""
        self._process = subprocess.Popen([sys.executable, "-c", _PROGRAM, str(self._port)], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "the store does not start"
                time.sleep(0.05)
        address = self.environment["AWS_ENDPOINT_URL"]
        fsspec.filesystem("s3", endpoint_url=address, skip_instance_cache=True).mkdir(BUCKET)

    def freeze(self) -> None:
        """Let it answer nothing, as a store whose network is broken."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it answer again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Kill it."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    @staticmethod
    def new_location() -> str:
        """The URL of an empty place in it."""
        return f"s3://{BUCKET}/{secrets.token_hex(8)}/blobs"


@contextmanager
def store_server_running() -> Iterator[StoreServer]:
    """A server that runs, with this process' environment set so that it is found."""
    server = StoreServer()
    before = {name: os.environ.get(name) for name in server.environment}
    os.environ.update(server.environment)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
