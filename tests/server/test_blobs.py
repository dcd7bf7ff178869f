"""Blobs are whole or not there, and damage is noticed: one list of cases for each place where they can be."""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from store_server import StoreServer
from tfstyle_server.blobs import (
    UNREFERENCED_SECONDS,
    BlobDamagedError,
    BlobFolder,
    BlobMissingError,
    Blobs,
    BlobsTakenError,
)
from tfstyle_server.locations import open_blobs
from tfstyle_server.object_store import ObjectStore
from tfstyle_server.remote_blobs import FETCHED_BYTES

PLACES = ("folder", "file", "memory", "s3")


@pytest.fixture(params=PLACES)
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    match request.param:
        case "folder":
            return str(tmp_path / "blobs")
        case "file":
            return f"file://{tmp_path}/blo%62s"
        case "memory":
            return f"memory://{secrets.token_hex(8)}/blobs"
    store: StoreServer = request.getfixturevalue("store_server")
    return store.new_location()


@pytest.fixture
def blobs(location: str) -> Blobs:
    return open_blobs(location)


def stored(location: str) -> dict[str, bytes]:
    """All files or objects at a location."""
    if location.startswith(("memory", "s3")):
        store = ObjectStore(location)
        return {name: store.read(name, 0, entry.size) for name, entry in store.listed().items()}
    folder = Path(location.removeprefix("file://").replace("%62", "b"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def replace(location: str, digest: str, data: bytes | None) -> None:
    """Put other bytes in a blob's place, or delete it."""
    (name,) = (name for name in stored(location) if digest in name)
    if location.startswith(("memory", "s3")):
        store = ObjectStore(location)
        store.delete([name]) if data is None else store.write(name, data)
        return
    path = Path(location.removeprefix("file://").replace("%62", "b")) / name
    path.unlink() if data is None else path.write_bytes(data)


def test_blob_is_named_by_its_bytes(blobs: Blobs, location: str) -> None:
    digest = blobs.put([b"ab", b"c"])
    assert digest == hashlib.sha256(b"abc").hexdigest()
    assert open_blobs(location).read(digest) == b"abc"
    assert blobs.put([b"abc"], digest) == digest
    assert list(blobs.names()) == [digest]
    assert blobs.size(digest) == 3
    assert set(stored(location).values()) == {b"abc"}
    empty = blobs.put([])
    assert (blobs.read(empty), list(blobs.pieces(empty, 0, 3)), blobs.size(empty)) == (b"", [], 0)


def test_what_is_not_there_is_missing(blobs: Blobs) -> None:
    for digest in ("0" * 64, "../owner", ""):
        with pytest.raises(BlobDamagedError):
            blobs.read(digest)
        assert blobs.size(digest) is None
    with pytest.raises(BlobMissingError):
        blobs.read("0" * 64)
    assert list(blobs.names()) == []


@pytest.mark.parametrize(
    ("offset", "expected"), [(0, [b"abc", b"def", b"g"]), (4, [b"efg"]), (2, [b"cde", b"fg"]), (7, [])]
)
def test_pieces_begin_anywhere_and_keep_no_file_open(blobs: Blobs, offset: int, expected: list[bytes]) -> None:
    digest = blobs.put([b"abcdefg"])
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    found = []
    for piece in blobs.pieces(digest, offset, 3):
        found.append(piece)
        if isinstance(blobs, BlobFolder):
            assert len(list(Path("/proc/self/fd").iterdir())) == open_before
    assert found == expected


def test_pieces_of_a_large_blob(blobs: Blobs) -> None:
    data = secrets.token_bytes(2 * FETCHED_BYTES + 12345)
    digest = blobs.put([data])
    pieces = list(blobs.pieces(digest, FETCHED_BYTES - 5, 1_000_000))
    assert b"".join(pieces) == data[FETCHED_BYTES - 5 :]
    assert {len(piece) for piece in pieces[:-1]} == {1_000_000}


@pytest.mark.parametrize("offset", [0, 5, 7])
def test_pieces_end_with_an_error_where_any_byte_is_damaged(blobs: Blobs, location: str, offset: int) -> None:
    for damage in (b"Xbcdefg", b"abcdefX", b"abc", b"", b"abcdefgh", None):
        digest = blobs.put([b"abcdefg"])
        replace(location, digest, damage)
        with pytest.raises(BlobDamagedError):
            list(blobs.pieces(digest, offset, 3))
        with pytest.raises(BlobDamagedError):
            blobs.read(digest)
        if damage is not None:
            replace(location, digest, None)


def test_writing_again_mends(blobs: Blobs, location: str) -> None:
    digest = blobs.put([b"abc"])
    replace(location, digest, b"abd")
    if location.startswith("s3"):
        time.sleep(1.1)  # which of two is later, S3 tells by the second
    blobs.put([b"abc"])
    assert blobs.read(digest) == b"abc"


def test_nothing_is_left_of_a_blob_that_breaks_off(blobs: Blobs, location: str) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"a"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        blobs.put(pieces())
    assert stored(location) == {}


@pytest.mark.parametrize("location", ["folder", "s3"], indirect=True)
def test_nothing_is_left_of_a_writer_that_is_killed(location: str) -> None:
    """Killed while it writes 64 MB, after 1 to 60 ms."""
    program = (
        "import sys; from tfstyle_server.locations import open_blobs; blobs = open_blobs(sys.argv[1])\n"
        "list(blobs.names()); print(flush=True); blobs.put([bytes(2**26)]); print(flush=True)"
    )
    interrupted = 0
    for milliseconds in (1, 10, 30, 60):
        writer = subprocess.Popen([sys.executable, "-c", program, location], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        with writer.stdout:
            writer.stdout.readline()
            time.sleep(milliseconds / 1000)
            writer.send_signal(signal.SIGKILL)
            interrupted += writer.stdout.read() == b""
        writer.wait()
    blobs = open_blobs(location)
    for digest in list(blobs.names()):
        assert blobs.read(digest) == bytes(2**26)
    assert interrupted, "none was killed before its end"
    blobs.sweep(frozenset(), 0.0)
    blobs.sweep(frozenset(), UNREFERENCED_SECONDS + 1)
    assert stored(location) == {}


def test_sweep_spares_what_is_wanted_or_was_lately(blobs: Blobs, location: str) -> None:
    wanted, old = (blobs.put([data]) for data in (b"wanted", b"old"))
    assert blobs.sweep(frozenset({wanted}), 1000.0) == 0
    young = blobs.put([b"young"])
    assert blobs.sweep(frozenset({wanted}), 1000.0 + UNREFERENCED_SECONDS) == 0
    assert blobs.sweep(frozenset({wanted}), 1001.0 + UNREFERENCED_SECONDS) == len(b"old")
    assert blobs.size(wanted) is not None
    assert blobs.size(young) is not None
    assert blobs.size(old) is None
    assert blobs.held == len(b"wanted") + len(b"young")
    later = 1001.0 + 2 * UNREFERENCED_SECONDS
    open_blobs(location).put([b"young"])
    blobs.sweep(frozenset(), later)
    assert blobs.size(young) is not None, "a blob that another process writes again is young again"
    assert blobs.sweep(frozenset({young}), later + UNREFERENCED_SECONDS) == 0, "not before its time, wanted or not"
    blobs.sweep(frozenset(), later + 2 * UNREFERENCED_SECONDS)
    assert blobs.size(wanted) is None
    assert blobs.read(young) == b"young", "that it was wanted meanwhile counts"
    assert blobs.held == len(b"young")


def test_blob_that_is_written_often_is_kept_once(blobs: Blobs, location: str) -> None:
    for _ in range(3):
        digest = blobs.put([b"abc"])
    wanted = frozenset({digest})
    for now in (0.0, UNREFERENCED_SECONDS + 1):
        blobs.sweep(wanted, now)
    assert blobs.read(digest) == b"abc"
    assert list(stored(location).values()) == [b"abc"]


def test_reader_whose_copy_is_swept_meanwhile_reads_on(blobs: Blobs, location: str) -> None:
    data = secrets.token_bytes(2 * FETCHED_BYTES)
    digest = blobs.put([data])
    pieces = blobs.pieces(digest, 0, 1000)
    read = next(pieces)
    if location.startswith("s3"):
        time.sleep(1.1)
    blobs.put([data])
    for now in (0.0, UNREFERENCED_SECONDS + 1):
        blobs.sweep(frozenset({digest}), now)
    assert read + b"".join(pieces) == data


def test_blobs_belong_to_one_owner(blobs: Blobs, location: str) -> None:
    blobs.claim("ann's")
    open_blobs(location).claim("ann's")
    with pytest.raises(BlobsTakenError):
        open_blobs(location).claim("bob's")
    assert list(blobs.names()) == [], "what tells it is no blob"
    for now in (0.0, UNREFERENCED_SECONDS + 1):
        blobs.sweep(frozenset(), now)
    assert list(stored(location).values()) == [b"ann's"]


def test_nothing_goes_because_a_file_is_old(tmp_path: Path) -> None:
    blobs = BlobFolder(tmp_path)
    digest = blobs.put([b"abc"])
    os.utime(tmp_path / digest[:2] / digest, (0, 0))
    assert BlobFolder(tmp_path).sweep(frozenset(), 1e9) == 0
    assert blobs.size(digest) is not None


def test_abandoned_drafts_go(tmp_path: Path) -> None:
    blobs = BlobFolder(tmp_path)
    (tmp_path / "left.draft").write_bytes(b"12")
    assert blobs.sweep(frozenset(), 0.0) == 0
    assert blobs.sweep(frozenset(), UNREFERENCED_SECONDS + 1) == 2


def test_what_is_no_blob_does_not_end_a_sweep(tmp_path: Path) -> None:
    blobs = BlobFolder(tmp_path)
    digests = [blobs.put([bytes([number])]) for number in range(20)]
    assert blobs.held == 20
    for folder in {digest[:2] for digest in digests}:
        (tmp_path / folder / "folder").mkdir()
        os.mkfifo(tmp_path / folder / "pipe")
    blobs.sweep(frozenset(digests[:5]), 0.0)
    blobs.sweep(frozenset(digests[:5]), UNREFERENCED_SECONDS + 1)
    assert [digest for digest in digests if blobs.size(digest) is not None] == digests[:5]
    assert 5 <= blobs.held < 5 + 5000 * 20, "folders have a size as well"
