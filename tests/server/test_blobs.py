"""Blobs are whole or not there, and damage is noticed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tfstyle_server.blobs import SPARED_SECONDS, BlobDamagedError, BlobStore


def age(path: Path) -> None:
    old = path.stat().st_mtime - SPARED_SECONDS - 1
    os.utime(path, (old, old))


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


def test_sweep_spares_what_is_wanted_or_young(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    wanted, young, old = (blobs.put([data]) for data in (b"wanted", b"young", b"old"))
    (tmp_path / "left.draft").write_bytes(b"12")
    for path in (blobs.path(wanted), blobs.path(old), tmp_path / "left.draft"):
        age(path)
    assert blobs.sweep(frozenset({wanted})) == len(b"old") + 2
    assert blobs.path(wanted).exists()
    assert blobs.path(young).exists()
    assert not blobs.path(old).exists()
    age(blobs.path(young))
    blobs.put([b"young"])
    assert blobs.sweep(frozenset()) == len(b"wanted"), "a blob that is written again is young again"
