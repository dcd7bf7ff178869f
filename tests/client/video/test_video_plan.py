"""What a run paints: scenes, sizes, and plans that are kept only as long as their source is the same."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from film_files import SIZE, moving, write_film
from tfstyle_client.errors import BadRequestError
from tfstyle_client.video.film import Film
from tfstyle_client.video.plan import Plan, keep_plan, kept_plan, looked_through, size_of_result
from tfstyle_client.video.source import Part
from tfstyle_client.video.stills import Folder


def looked(path: Path, part: Part | None = None) -> tuple[Plan, list[int]]:
    seen: list[int] = []
    return looked_through(Film(path), part or Part(), seen.append), seen


def test_a_cut_begins_a_scene(tmp_path: Path) -> None:
    plan, seen = looked(write_film(tmp_path / "a.mp4", moving(9, cut=5)))
    assert (plan.count, plan.cuts, seen) == (9, (0, 5), list(range(1, 10)))
    assert list(plan.scenes) == [range(5), range(5, 9)]
    assert plan.part_of(range(5)) == Part(Fraction(0), Fraction(5, 8))
    assert plan.part_of(range(5, 9)) == Part(Fraction(5, 8), None)


def test_no_scene_begins_where_something_moves(tmp_path: Path) -> None:
    plan, _ = looked(write_film(tmp_path / "a.mp4", moving(9)))
    assert plan.cuts == (0,)


def test_from_black_a_scene_begins(tmp_path: Path) -> None:
    """The flow from a black frame fits everything."""
    frames = [np.zeros((*SIZE[::-1], 3), np.uint8)] * 3 + moving(3)
    plan, _ = looked(write_film(tmp_path / "a.mp4", frames))
    assert plan.cuts == (0, 3)


def test_a_part_has_its_own_frames(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", moving(16))
    plan, _ = looked(film, Part(Fraction(1, 2), Fraction(1)))
    assert plan.times == tuple(Fraction(number, 8) for number in (4, 5, 6, 7))
    with pytest.raises(BadRequestError, match="content: nothing can be painted: there is no frame in the part"):
        looked(film, Part(Fraction(10)))


@pytest.mark.parametrize(
    ("source", "longer", "seamless", "even", "size"),
    [
        ((1920, 1080), 512, "none", True, (512, 288)),
        ((641, 361), 0, "none", True, (640, 360)),
        ((641, 361), 0, "none", False, (641, 361)),
        ((1000, 333), 100, "none", True, (100, 34)),
        ((333, 1000), 101, "none", True, (34, 100)),
        ((1000, 333), 100, "none", False, (100, 33)),
        ((640, 360), 200, "x", True, (192, 112)),
        ((640, 360), 200, "both", True, (192, 112)),
    ],
)
def test_the_sides_of_a_result(
    source: tuple[int, int], longer: int, seamless: str, even: bool, size: tuple[int, int]
) -> None:
    assert size_of_result(source, longer, seamless, even) == size


def test_a_plan_is_kept_for_the_same_source_only(tmp_path: Path) -> None:
    film, file, part = write_film(tmp_path / "a.mp4", moving(6, cut=2)), tmp_path / "plan.json", Part()
    plan, _ = looked(film)
    keep_plan(plan, file, film)
    assert kept_plan(file, film, part) == plan
    assert kept_plan(file, film, Part(Fraction(1, 8))) is None
    os.utime(film, ns=(1, 1))
    assert kept_plan(file, film, part) is None
    keep_plan(plan, file, film)
    whole = file.read_bytes()
    for damaged in (b"", b"[]", whole[: len(whole) // 2], whole.replace(b'"cuts": [0', b'"cuts": [3'), b'{"of": 1}'):
        file.write_bytes(damaged)
        assert kept_plan(file, film, part) is None


def test_a_folder_that_gets_a_frame_is_another_source(tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    for number in range(3):
        Image.fromarray(moving(3)[number]).save(frames / f"{number}.png")
    plan = looked_through(Folder(frames, Fraction(25)), Part(), lambda number: None)
    keep_plan(plan, tmp_path / "plan.json", frames)
    assert kept_plan(tmp_path / "plan.json", frames, Part()) == plan
    Image.fromarray(moving(1)[0]).save(frames / "3.png")
    assert kept_plan(tmp_path / "plan.json", frames, Part()) is None
