"""Blobs are whole or not there, and damage is noticed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tfstyle_server.blobs import UNREFERENCED_SECONDS, BlobDamagedError, BlobFolder


def test_blob_is_named_by_its_bytes(tmp_path: Path) -> None:
    blobs = BlobFolder(tmp_path)
    digest = blobs.put([b"ab", b"c"])
    assert digest == hashlib.sha256(b"abc").hexdigest()
    assert blobs.read(digest) == b"abc"
    assert blobs.put([b"abc"]) == digest
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_damage_is_noticed(tmp_path: Path) -> None:
    blobs = BlobFolder(tmp_path)
    digest = blobs.put([b"abc"])
    (tmp_path / digest[:2] / digest).write_bytes(b"abd")
    with pytest.raises(BlobDamagedError):
        blobs.read(digest)


@pytest.mark.parametrize(
    ("offset", "expected"), [(0, [b"abc", b"def", b"g"]), (4, [b"efg"]), (2, [b"cde", b"fg"]), (7, [])]
)
def test_pieces_begin_anywhere_and_keep_no_file_open(tmp_path: Path, offset: int, expected: list[bytes]) -> None:
    blobs = BlobFolder(tmp_path)
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    found = []
    for piece in blobs.pieces(blobs.put([b"abcdefg"]), offset, 3):
        found.append(piece)
        assert len(list(Path("/proc/self/fd").iterdir())) == open_before
    assert found == expected


@pytest.mark.parametrize("damage", [b"Xbcdefg", b"abcdefX", b"abc", b"", b"abcdefgh", None])
@pytest.mark.parametrize("offset", [0, 5, 7])
def test_pieces_end_with_an_error_where_any_byte_is_damaged(tmp_path: Path, damage: bytes | None, offset: int) -> None:
    blobs = BlobFolder(tmp_path)
    digest = blobs.put([b"abcdefg"])
    path = tmp_path / digest[:2] / digest
    path.unlink() if damage is None else path.write_bytes(damage)
    with pytest.raises(BlobDamagedError):
        list(blobs.pieces(digest, offset, 3))


def test_nothing_is_left_of_a_blob_that_breaks_off(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"a"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        BlobFolder(tmp_path).put(pieces())
    assert list(tmp_path.iterdir()) == []


def test_sweep_spares_what_is_wanted_or_was_lately(tmp_path: Path) -> None:
    blobs = BlobFolder(tmp_path)
    wanted, old = (blobs.put([data]) for data in (b"wanted", b"old"))
    (tmp_path / "left.draft").write_bytes(b"12")
    assert blobs.sweep(frozenset({wanted}), 1000.0) == 0
    young = blobs.put([b"young"])
    assert blobs.sweep(frozenset({wanted}), 1000.0 + UNREFERENCED_SECONDS) == 0
    assert blobs.sweep(frozenset({wanted}), 1001.0 + UNREFERENCED_SECONDS) == len(b"old") + 2
    assert blobs.size(wanted) is not None
    assert blobs.size(young) is not None
    assert blobs.size(old) is None
    blobs.put([b"young"])
    later = 1001.0 + 2 * UNREFERENCED_SECONDS
    assert blobs.sweep(frozenset(), later) == 0, "a blob that is written again is young again"
    assert blobs.sweep(frozenset({young}), later + UNREFERENCED_SECONDS) == 0, "not before its time, wanted or not"
    assert blobs.sweep(frozenset(), later + 2 * UNREFERENCED_SECONDS) == len(b"wanted")
    assert blobs.size(young) is not None, "that it was wanted meanwhile counts"


def test_nothing_goes_because_a_file_is_old(tmp_path: Path) -> None:
    blobs = BlobFolder(tmp_path)
    digest = blobs.put([b"abc"])
    os.utime(tmp_path / digest[:2] / digest, (0, 0))
    assert BlobFolder(tmp_path).sweep(frozenset(), 1e9) == 0
    assert blobs.size(digest) is not None


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
