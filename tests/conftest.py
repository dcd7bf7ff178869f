"""Shared fixtures: pictures, weights and real servers."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from store_server import StoreServer, store_server_running
from tfstyle.images import Picture, decode, encode_png
from tfstyle.presets import resolve_options
from tfstyle.provenance import Provenance, Source, StageFacts
from tfstyle.provenance_json import provenance_packet

# Fixtures of real browsers, and of the HTTP API.
pytest_plugins = ["browsing", "http_api"]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Tests must give the same result on a machine that has VGG19's weights.
os.environ.pop("TFSTYLE_WEIGHTS", None)
os.environ.pop("TFSTYLE_SERVER", None)
# Background jobs of a shell ignore Ctrl-C, and child processes inherit that. The programs under test must receive it.
signal.signal(signal.SIGINT, signal.default_int_handler)
REPOSITORY = Path(__file__).parents[1]
SHARED = REPOSITORY.parent / "shared"
# Read before `_empty_homes` changes it.
KERAS_HOME = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()


@pytest.fixture(autouse=True, scope="session")
def _empty_homes(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["KERAS_HOME"] = str(tmp_path_factory.mktemp("keras"))
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def vgg19_weights() -> Path:
    """VGG19's weights: the file in ../shared, else the one in Keras' cache, else Keras' download (80 MB)."""
    cached = KERAS_HOME / "models" / "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
    for file in (SHARED / "weights" / "vgg19_imagenet_notop.h5", cached):
        if file.is_file():
            return file
    download = "import keras; keras.applications.VGG19(include_top=False)"
    environment = {**os.environ, "KERAS_HOME": str(KERAS_HOME), "KERAS_BACKEND": "tensorflow"}
    try:
        ended = subprocess.run([sys.executable, "-c", download], env=environment, capture_output=True, timeout=240)
        reason = ended.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
    except subprocess.TimeoutExpired:
        reason = "the download took more than 240 s"
    if not cached.is_file():
        pytest.skip(f"needs VGG19's weights: none in {SHARED} or {cached.parent}; download failed: {reason}")
    return cached


@pytest.fixture(scope="session")
def reference_pictures() -> tuple[bytes, bytes]:
    """Content and style pictures of the reference experiment, which are not part of the project."""
    names = ("rainier.jpg", "autumn-oak.jpg")
    if not all((SHARED / "images" / name).is_file() for name in names):
        pytest.skip(
            f"needs the reference experiment's pictures in {SHARED / 'images'}, which are not part of the project"
        )
    content, style = ((SHARED / "images" / name).read_bytes() for name in names)
    return content, style


@pytest.fixture(scope="session")
def landscape() -> bytes:
    """The demo's photo, a JPEG of 1024 x 683."""
    return files("tfstyle_client").joinpath("demo/landscape.jpg").read_bytes()


@pytest.fixture(scope="session")
def painting() -> bytes:
    """The demo's painting, a JPEG of 800 x 600."""
    return files("tfstyle_client").joinpath("demo/painting.jpg").read_bytes()


@pytest.fixture(scope="session")
def photo(landscape: bytes) -> Picture:
    """The demo's photo, decoded."""
    return decode(landscape, "content")


@pytest.fixture(scope="session")
def oils(painting: bytes) -> Picture:
    """The demo's painting, decoded."""
    return decode(painting, "style")


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def peak_bytes(pid: int) -> int:
    """The most memory that a process has held, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


@dataclass
class Server:
    """A server process that listens on a TCP port, with its log."""

    process: subprocess.Popen[str]
    log: list[str] = field(default_factory=list)
    address: str = ""

    def wait_for_log(self, pattern: str, seconds: float = 60, occurrences: int = 1) -> re.Match[str]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = [match for line in list(self.log) if (match := re.search(pattern, line))]
            if len(found) >= occurrences:
                return found[occurrences - 1]
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"no {pattern!r} (x {occurrences}) in the server's log:\n" + "\n".join(self.log))

    def worker_pid(self, occurrence: int = 1) -> int:
        return int(self.wait_for_log(r"worker (\d+) is ready", occurrences=occurrence)[1])

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()


LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
os.execv(sys.executable, [sys.executable, *sys.argv[3:]])
"""


def start_server(data: Path, *flags: str, files: tuple[int, int] | None = None, **environment: str) -> Server:
    """Start a server with the data folder `data`, which may open so many `files` (soft and hard limit)."""
    limited = [] if files is None else ["-c", LIMITED, *map(str, files)]
    process = subprocess.Popen(
        [
            *(sys.executable, *limited, "-m", "tfstyle_server"),
            *("--listen", "127.0.0.1:0", "--data", str(data), *flags),
        ],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    server = Server(process)

    def follow() -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                server.log.append(line.rstrip())

    threading.Thread(target=follow, daemon=True).start()
    server.address = server.wait_for_log(r"listening on ([^\s\"]+)")[1]
    return server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server, shared by all tests that do not change its state."""
    flags = ("--network", "vgg19-lite", "--recycle-after", "1000")  # keep the same worker
    server = start_server(tmp_path_factory.mktemp("data"), *flags)
    yield server
    server.stop()


@dataclass
class Dashboard:
    """A dashboard process, and the address of its page."""

    process: subprocess.Popen[str]
    address: str
    said: list[str] = field(default_factory=list)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()


def start_dashboard(server: str, *flags: str, listen: str = "127.0.0.1:0", **environment: str) -> Dashboard:
    """Start a dashboard of the server at that address, and wait until it answers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tfstyle_client", "dashboard", "--server", server, "--listen", listen, *flags],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    match = re.fullmatch(r"tfstyle: dashboard on (\S+)\n", line)
    if match is None:
        process.kill()
        raise AssertionError(line + process.stderr.read())
    dashboard = Dashboard(process, match[1])

    def follow() -> None:
        with process.stderr:
            dashboard.said.extend(line.rstrip() for line in process.stderr)

    threading.Thread(target=follow, daemon=True).start()
    return dashboard


@pytest.fixture(scope="session")
def page(server: Server) -> Iterator[Dashboard]:
    """The dashboard of the shared server."""
    dashboard = start_dashboard(server.address)
    yield dashboard
    assert dashboard.stop() == 0
    assert dashboard.said == [], "nothing has failed in it"


@pytest.fixture
def own_dashboard() -> Iterator[Callable[..., Dashboard]]:
    """Start dashboards for one test only."""
    started: list[Dashboard] = []

    def start(server: str, *flags: str, **named: str) -> Dashboard:
        started.append(start_dashboard(server, *flags, **named))
        return started[-1]

    yield start
    for dashboard in started:
        dashboard.stop()


@pytest.fixture(scope="session")
def saying() -> Callable[..., bytes]:
    """Makes a picture that says it was made with a preset, and options beside it, by vgg19-lite."""

    def made(preset: str, **overrides: object) -> bytes:
        options = resolve_options(preset, overrides)
        stages = (StageFacts("vgg19-lite", options.size, options.size, 9, "neighbours", 1),)
        sources = Source("content", 96, 64, "ab" * 32), Source("style", 80, 60, "cd" * 32, 1.0)
        facts = "1.2.3", "2.21.0", "CPU", preset, asdict(options), "float32", {"vgg19-lite": "ef" * 32}
        packet = provenance_packet(Provenance(*facts, stages, sources))
        return encode_png(Picture(np.full((16, 16, 3), 128, np.uint8)), None, packet)

    return made


@pytest.fixture(scope="session")
def used_data(tmp_path_factory: pytest.TempPathFactory, landscape: bytes, painting: bytes) -> Path:
    """The data folder of a server that has ended, with three jobs that have succeeded. Copy it before changing it."""
    from tfstyle_client import Client

    data = tmp_path_factory.mktemp("data")
    server = start_server(data, "--network", "vgg19-lite")
    with Client(server.address) as client:
        for job in [client.create(landscape, painting, size=48, steps=steps) for steps in (1, 2, 3)]:
            job.result()
    assert server.stop() == 0
    return data


@pytest.fixture
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Start servers for one test only, each with its own data folder unless `data` is given."""
    started: list[Server] = []

    def start(
        *flags: str, data: Path | None = None, files: tuple[int, int] | None = None, **environment: str
    ) -> Server:
        folder = data or tmp_path_factory.mktemp("data")
        own = ("--network", "vgg19-lite", "--checkpoint-seconds", "0.5")
        started.append(start_server(folder, *own, *flags, files=files, **environment))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def store_server() -> Iterator[StoreServer]:
    """An S3-compatible server, shared by all tests that do not stop it."""
    with store_server_running() as server:
        yield server


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The tokens of two callers, and, under "file", where their hashes are."""
    from tfstyle_server.tokens import new_token

    file = tmp_path_factory.mktemp("tokens") / "tokens"
    return {name: new_token(name, file) for name in ("ann", "bob")} | {"file": str(file)}


@pytest.fixture(scope="session")
def guarded(tokens: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that asks for these tokens."""
    server = start_server(tmp_path_factory.mktemp("data"), "--network", "vgg19-lite", "--tokens", tokens["file"])
    yield server
    server.stop()


def openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def make_certificates(folder: Path, authority: str) -> Path:
    """Fill `folder` with an authority, and certificates of it for a server at localhost and for a client."""
    subject = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", 2)
    root = ("-CA", folder / "ca.pem", "-CAkey", folder / "ca.key")
    openssl("req", "-x509", *subject, "-subj", f"/CN={authority}", "-keyout", root[3], "-out", root[1])
    for name, extension in (("server", "subjectAltName=DNS:localhost,IP:127.0.0.1"), ("client", "")):
        extra = ("-addext", extension) if extension else ()
        files = ("-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem")
        openssl("req", "-x509", *subject, "-subj", f"/CN={name}", *extra, *root, *files)
    return folder


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `make_certificates` makes it."""
    return make_certificates(tmp_path_factory.mktemp("certificates"), "authority")
