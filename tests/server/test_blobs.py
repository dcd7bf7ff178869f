"""Blobs are whole or not there, and damage is noticed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tfstyle_server.blobs import SPARED_SECONDS, BlobDamagedError, BlobStore


def test_blob_is_named_by_its_bytes(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    digest = blobs.put([b"ab", b"c"])
    assert digest == hashlib.sha256(b"abc").hexdigest()
    assert blobs.read(digest) == b"abc"
    assert blobs.put([b"abc"]) == digest
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_damage_is_noticed(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    digest = blobs.put([b"abc"])
    blobs.path(digest).write_bytes(b"abd")
    with pytest.raises(BlobDamagedError):
        blobs.read(digest)


def test_nothing_is_left_of_a_blob_that_breaks_off(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"a"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        BlobStore(tmp_path).put(pieces())
    assert list(tmp_path.iterdir()) == []


def test_sweep_spares_what_is_wanted_or_was_lately(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    wanted, old = (blobs.put([data]) for data in (b"wanted", b"old"))
    (tmp_path / "left.draft").write_bytes(b"12")
    assert blobs.sweep(frozenset({wanted}), 1000.0) == 0
    young = blobs.put([b"young"])
    assert blobs.sweep(frozenset({wanted}), 1000.0 + SPARED_SECONDS) == 0
    assert blobs.sweep(frozenset({wanted}), 1001.0 + SPARED_SECONDS) == len(b"old") + 2
    assert blobs.path(wanted).exists()
    assert blobs.path(young).exists()
    assert not blobs.path(old).exists()
    blobs.put([b"young"])
    later = 1001.0 + 2 * SPARED_SECONDS
    assert blobs.sweep(frozenset(), later) == 0, "a blob that is written again is young again"
    assert blobs.sweep(frozenset({young}), later + SPARED_SECONDS) == 0, "not before its time, wanted or not"
    assert blobs.sweep(frozenset(), later + 2 * SPARED_SECONDS) == len(b"wanted")
    assert blobs.path(young).exists(), "that it was wanted meanwhile counts"


def test_nothing_goes_because_a_file_is_old(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    digest = blobs.put([b"abc"])
    os.utime(blobs.path(digest), (0, 0))
    assert BlobStore(tmp_path).sweep(frozenset(), 1e9) == 0
    assert blobs.path(digest).exists()
