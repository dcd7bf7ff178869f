"""The frames of a scene from its last to its first."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from film_files import moving, write_film
from tfstyle_client.errors import BadRequestError
from tfstyle_client.video.backwards import backwards
from tfstyle_client.video.film import Film
from tfstyle_client.video.source import Frame, Part


def frames(count: int) -> Iterator[Frame]:
    for number, pixels in enumerate(moving(count)):
        yield Frame(Fraction(number, 7), Fraction(1, 7), pixels)


def test_they_are_those_of_reading_forwards(tmp_path: Path) -> None:
    found = list(backwards(lambda: frames(9), 9, tmp_path / "kept"))
    for one, other in zip(found, reversed(list(frames(9))), strict=True):
        assert (one.time, one.duration) == (other.time, other.duration)
        np.testing.assert_array_equal(one.pixels, other.pixels)
    assert list((tmp_path / "kept").iterdir()) == []


def test_of_a_damaged_film_too(tmp_path: Path) -> None:
    """Which is decoded to other frames after a jump into it."""
    film = write_film(tmp_path / "a.mp4", moving(30), keys=6, muxing={"movflags": "+faststart"})
    data = bytearray(film.read_bytes())
    random = np.random.default_rng(1)
    for place in random.integers(len(data) // 2, len(data), 60):
        data[place] ^= 255
    film.write_bytes(data)
    source = Film(film)
    expected = list(source.frames(Part(), (64, 48), []))
    found = list(backwards(lambda: source.frames(Part(), (64, 48), []), len(expected), tmp_path / "kept"))
    assert any((one.pixels != moving(30)[number]).mean() > 0.9 for number, one in enumerate(expected)), "it is damaged"
    for one, other in zip(found, reversed(expected), strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)


def test_one_frame_is_in_memory_at_a_time(tmp_path: Path) -> None:
    alive: set[int] = set()
    most = 0

    def counted() -> Iterator[Frame]:
        nonlocal most
        for number in range(12):
            pixels = np.zeros((48, 64, 3), np.uint8)
            alive.add(number)
            weakref.finalize(pixels, alive.discard, number)
            gc.collect()
            most = max(most, len(alive))
            yield Frame(Fraction(number), Fraction(1), pixels)

    assert sum(1 for _ in backwards(counted, 12, tmp_path / "kept")) == 12
    assert most <= 2


def test_what_a_killed_run_left_is_replaced(tmp_path: Path) -> None:
    next(backwards(lambda: frames(5), 5, tmp_path / "kept"))
    assert len(list((tmp_path / "kept").iterdir())) == 4
    (tmp_path / "kept" / "2.npy").write_bytes(b"cut off")
    found = list(backwards(lambda: frames(5), 5, tmp_path / "kept"))
    np.testing.assert_array_equal(found[2].pixels, list(frames(5))[2].pixels)


def test_a_film_that_was_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        BadRequestError, match="content: has 5 frames where there were 7; it was changed during the run"
    ):
        list(backwards(lambda: frames(5), 7, tmp_path / "kept"))
