"""`tfstyle networks`, and the download of VGG19 from a real HTTP server that behaves in every way one can."""

from __future__ import annotations

import ast
import hashlib
import http.server
import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from conftest import REPOSITORY
from tfstyle.networks import at_hand

CONTENTS = np.random.default_rng(0).bytes(3_000_001)
MD5 = hashlib.md5(CONTENTS).hexdigest()
RUN = """
import sys
from tfstyle.networks import at_hand
at_hand.VGG19_ADDRESS, at_hand.VGG19_MD5 = sys.argv[1:3]
from tfstyle_client import __main__
sys.argv = ["tfstyle", *sys.argv[3:]]
__main__.main()
"""


@dataclass
class Site:
    """A server of `contents`. It sends `pieces` bytes a response, and knows ranges or not; `ranges` are asked for."""

    contents: bytes = CONTENTS
    knows_ranges: bool = True
    piece: int = 10**9
    pause: float = 0.0
    address: str = ""
    ranges: list[str | None] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            site.ranges.append(asked)
            if self.path != "/weights.h5":
                self.send_error(404)
                return
            first = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and site.knows_ranges else 0
            if first >= len(site.contents):
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if first else 200)
            if first:
                self.send_header("Content-Range", f"bytes {first}-{len(site.contents) - 1}/{len(site.contents)}")
            self.send_header("Content-Length", str(len(site.contents) - first))
            self.end_headers()
            for start in range(first, min(first + site.piece, len(site.contents)), 100_000):
                self.wfile.write(site.contents[start : min(start + 100_000, first + site.piece)])
                time.sleep(site.pause)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site.address = f"http://127.0.0.1:{server.server_port}/weights.h5"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield site
        server.shutdown()


def command(address: str, *words: str, home: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "KERAS_HOME": str(home), "no_proxy": "127.0.0.1"}
    return subprocess.Popen(
        [sys.executable, "-c", RUN, address, MD5, "networks", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


def get(address: str, home: Path, *words: str) -> tuple[int, str, str]:
    """(exit code, standard output, standard error) of `tfstyle networks get vgg19`."""
    process = command(address, "get", "vgg19", *words, home=home)
    output, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    return process.returncode, output, errors


def test_the_file_comes_into_keras_own_folder_and_is_found_there(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "models" / at_hand.CACHED_NAME
    host = site.address.split("/")[2]
    assert get(site.address, tmp_path) == (0, f"{file}\n", f"tfstyle: fetching from {host}\n")
    assert file.read_bytes() == CONTENTS
    assert list(file.parent.iterdir()) == [file]
    code, output, errors = get(site.address, tmp_path, "--json")
    assert (code, json.loads(output)) == (0, {"event": "written", "path": str(file)})
    assert errors == f"tfstyle: {at_hand.CACHED_NAME} is already there, and intact\n"
    assert len(site.ranges) == 1
    listed = command(site.address, "--json", home=tmp_path).communicate(timeout=60)[0].splitlines()
    lite, vgg19 = map(json.loads, listed)
    assert (lite["name"], lite["digest"]) == ("vgg19-lite", shipped_digest())
    assert (vgg19["origin"], vgg19["bytes"], vgg19["remark"]) == ("in Keras' cache", len(CONTENTS), "")
    assert vgg19["digest"] == hashlib.sha256(CONTENTS).hexdigest()


def shipped_digest() -> str:
    return hashlib.sha256((REPOSITORY / "tfstyle" / "networks" / "vgg19_lite.npz").read_bytes()).hexdigest()


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_download_that_was_stopped_is_continued(site: Site, tmp_path: Path, knows_ranges: bool) -> None:
    site.pause = 0.05
    process = command(site.address, "get", "vgg19", home=tmp_path)
    file = tmp_path / "models" / at_hand.CACHED_NAME
    partial = file.with_name(file.name + ".part")
    deadline = time.monotonic() + 30
    while not (partial.exists() and partial.stat().st_size > 200_000) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    there = partial.stat().st_size
    assert errors.splitlines()[1:] == [
        f"tfstyle: {there / 1e6:.1f} MB are kept in {partial}; the next run continues",
        "tfstyle: cancelled",
    ]
    assert partial.read_bytes() == CONTENTS[:there]
    site.pause, site.knows_ranges = 0, knows_ranges
    assert get(site.address, tmp_path)[0] == 0
    assert file.read_bytes() == CONTENTS
    assert site.ranges == [None, f"bytes={there}-"]
    assert not partial.exists()


def test_a_connection_that_breaks_off_is_made_again(site: Site, tmp_path: Path) -> None:
    site.piece = 1_600_000
    assert get(site.address, tmp_path)[0] == 0
    assert site.ranges == [None, "bytes=1600000-"]
    assert (tmp_path / "models" / at_hand.CACHED_NAME).read_bytes() == CONTENTS


def test_a_server_that_sends_nothing_more_is_given_up_and_what_came_is_kept(site: Site, tmp_path: Path) -> None:
    partial = tmp_path / "models" / (at_hand.CACHED_NAME + ".part")
    partial.parent.mkdir()
    partial.write_bytes(CONTENTS[:1_200_000])
    site.piece = 0
    code, output, errors = get(site.address, tmp_path)
    assert (code, output) == (3, "")
    assert "the connection was broken off; 1.2 MB are kept in" in errors
    assert partial.read_bytes() == CONTENTS[:1_200_000]


@pytest.mark.parametrize("there", [b"", b"of another file" * 1000, CONTENTS + b"more"])
def test_what_is_kept_of_another_file_is_fetched_anew(site: Site, tmp_path: Path, there: bytes) -> None:
    partial = tmp_path / "models" / (at_hand.CACHED_NAME + ".part")
    partial.parent.mkdir()
    partial.write_bytes(there)
    assert get(site.address, tmp_path)[0] == 0
    assert (tmp_path / "models" / at_hand.CACHED_NAME).read_bytes() == CONTENTS


def test_a_file_that_is_damaged_is_replaced(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "models" / at_hand.CACHED_NAME
    file.parent.mkdir()
    file.write_bytes(CONTENTS[:-1])
    code, _, errors = get(site.address, tmp_path)
    assert code == 0
    assert f"tfstyle: {file} is damaged, or another file; it is replaced" in errors
    assert file.read_bytes() == CONTENTS


def test_wrong_contents_are_refused_and_not_kept(site: Site, tmp_path: Path) -> None:
    site.contents = b"<html>sign in to use this network</html>"
    code, output, errors = get(site.address, tmp_path)
    assert (code, output) == (1, "")
    assert errors.splitlines()[-1].startswith(
        f"tfstyle: network: {site.address} is not the file that was expected (MD5"
    )
    assert list((tmp_path / "models").iterdir()) == []


def test_no_file_no_server_and_no_name_are_one_line(site: Site, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = taken.getsockname()[1]
    for address, why in (
        (site.address + "x", "it answers 404 Not Found"),
        (f"http://127.0.0.1:{closed}/weights.h5", "Connection refused"),
        ("http://nowhere.invalid/weights.h5", ""),
    ):
        code, output, errors = get(address, tmp_path)
        assert (code, output) == (3, "")
        line = errors.splitlines()[-1]
        assert line.startswith(f"tfstyle: network: cannot fetch {at_hand.CACHED_NAME} from {address.split('/')[2]}: ")
        assert why in line
        assert line.endswith(f"or put a copy of the file at {tmp_path / 'models' / at_hand.CACHED_NAME}")
        assert list((tmp_path / "models").iterdir()) == []


def test_the_address_and_the_digest_are_those_of_keras() -> None:
    (keras,) = importlib.util.find_spec("keras").submodule_search_locations
    source = (Path(keras) / "src" / "applications" / "vgg19.py").read_text("utf-8")
    (address,) = re.findall(r"^WEIGHTS_PATH_NO_TOP = \((.*?)^\)", source, re.S | re.M)
    assert ast.literal_eval(f"({address})") == at_hand.VGG19_ADDRESS
    assert f'file_hash="{at_hand.VGG19_MD5}"' in source


def test_networks_are_listed_without_tensorflow_and_say_where_they_were_searched(tmp_path: Path) -> None:
    block = "import sys\nfor name in ('tensorflow', 'keras', 'numpy'): sys.modules[name] = None\n"
    code = f"{block}from tfstyle_client.cli import run\nassert run(['networks']) == 0"
    for variable, says in (
        ({}, f"not found; searched TFSTYLE_WEIGHTS (not set), {tmp_path}/models/{at_hand.CACHED_NAME}"),
        ({"TFSTYLE_WEIGHTS": "/no/file"}, "not found; searched TFSTYLE_WEIGHTS (/no/file)"),
    ):
        environment = {**os.environ, "KERAS_HOME": str(tmp_path), **variable}
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert f"  SHA-256 {shipped_digest()}\n" in ended.stdout
        assert f"  {says}\n" in ended.stdout
