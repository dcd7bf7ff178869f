"""A second pass over each scene, from its end."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from film_files import moving, write_film
from painted_scenes import BLACK, TWICE, chains, identities_of_a_folder, negative, paint, picture
from tfstyle_client.journal import Journal, open_journal
from tfstyle_client.video import ahead
from tfstyle_client.video.chain import FIRST_PASS, Chains, name_of, painted
from tfstyle_client.video.film import Film
from tfstyle_client.video.source import Part


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_film(tmp_path / "a.mp4", moving(10, cut=7))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with open_journal(tmp_path / "out", "output") as opened:
        yield opened


def two_passes(film: Path, journal: Journal) -> Chains:
    return chains(film, journal, TWICE)


def darker(pixels: np.ndarray) -> np.ndarray:
    return pixels // 2


def numbers_of(tasks: list[str]) -> tuple[list[int], list[int]]:
    """The numbers of the frames of the first and of the second pass, in the order of the tasks."""
    found: tuple[list[int], list[int]] = ([], [])
    for name in tasks:
        found["/" not in name].append(int(Path(name).stem))
    return found


def test_a_second_pass_goes_back_from_the_end_of_each_scene(film: Path, journal: Journal) -> None:
    """The stand-in for a painter makes negatives in the first pass, and darker frames in the second."""
    with two_passes(film, journal) as made:
        assert made.count == 20
        scenes = []
        for chain in made.all():
            scene = []
            for task in chain:
                is_second = "/" not in task.name
                scene.append((task.name, paint(made, journal, task, darker if is_second else negative)))
            scenes.append(scene)
    assert [numbers_of([name for name, _ in scene]) for scene in scenes] == [
        ([1, 2, 3, 4, 5, 6, 7], [7, 6, 5, 4, 3, 2, 1]),
        ([8, 9, 10], [10, 9, 8]),
    ]
    first, second = [request for _, request in scenes[0][:7]], [request for _, request in scenes[0][7:]]
    assert [request.sequence.frame for request in second] == [6, 5, 4, 3, 2, 1, 0]
    (one,), (other,) = ({request.sequence.name for request in each} for each in (first, second))
    assert (one.startswith("a.mp4, first pass "), other.startswith("a.mp4, second pass ")) == (True, True)
    assert {request.options.max_evaluations for request in second} == {40}
    # The last frame is painted on from its own first pass, and held to it everywhere.
    last = second[0]
    (held,) = last.inputs.temporal
    assert held.picture.data == last.inputs.start_picture.data
    assert not held.HasField("weights")
    np.testing.assert_array_equal(picture(held.picture.data), 255 - picture(last.inputs.content.data).astype(int))
    # The one before follows the last one's second pass, where that shows it, and else starts from its own first pass.
    before = second[1]
    now = picture(before.inputs.content.data).astype(int)
    follows = before.inputs.temporal[0]
    moved, weights = picture(follows.picture.data).astype(int), picture(follows.weights.data)
    trusted = weights > 240
    assert trusted.mean() > 0.5
    assert np.abs(moved - now // 2)[trusted].mean() < 4
    start = picture(before.inputs.start_picture.data).astype(int)
    assert np.abs(start - moved)[trusted].mean() < 1
    hidden = weights < 20
    assert hidden.any()
    assert np.abs(start - (255 - now))[hidden].mean() < 16


def test_each_pass_reads_the_frames_that_it_follows(
    film: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "LEAST_OPEN", -1.0)
    monkeypatch.setattr(ahead, "LEAST_SHOWN", -1.0)
    read: list[str] = []

    def noted(self: Chains, name: str) -> Any:
        read.append(name)
        return painted(journal.folder / name)

    monkeypatch.setattr(Chains, "_picture", noted)
    with two_passes(film, journal) as made:
        found = {}
        for task in next(made.all()):
            read.clear()
            paint(made, journal, task, negative)
            found[task.name] = set(read)
    for number in range(7):
        before = {FIRST_PASS + name_of(number - offset) for offset in (1, 2, 4) if number >= offset}
        assert found[FIRST_PASS + name_of(number)] == before
        after = {name_of(number + offset) for offset in (1, 2, 4) if number + offset < 7}
        assert found[name_of(number)] == after | {FIRST_PASS + name_of(number)}


def test_a_changed_frame_changes_its_whole_scene(tmp_path: Path) -> None:
    one, other = (identities_of_a_folder(tmp_path / str(change), 1, change, manner=TWICE) for change in (0, 1))
    same = {name for name, identity in one.items() if other[name] == identity}
    assert same == {f"{FIRST_PASS}{name_of(0)}"} | {
        f"{names}{name_of(number)}" for names in ("", FIRST_PASS) for number in (5, 6, 7)
    }


@pytest.mark.parametrize("painted_before", [0, 3, 7, 8, 12])
def test_two_passes_go_on_where_a_run_was_killed(film: Path, journal: Journal, painted_before: int) -> None:
    with two_passes(film, journal) as made:
        for _, task in zip(range(painted_before), next(made.all()), strict=False):
            paint(made, journal, task, negative)
    with two_passes(film, Journal(journal.folder)) as again:
        left = []
        for task in next(again.all()):
            if task.prepare() is None:
                again.done(task.name)
            else:
                left.append(task.name)
                journal.write(task.name, again.identity_of(task.name), BLACK)
                again.done(task.name)
    assert len(left) == 14 - painted_before


def test_a_complete_second_pass_needs_no_first_one(film: Path, journal: Journal) -> None:
    with two_passes(film, journal) as made:
        for task in (task for chain in made.all() for task in chain):
            paint(made, journal, task, negative)
    shutil.rmtree(journal.folder / FIRST_PASS)

    def missing() -> list[list[str]]:
        found = []
        with two_passes(film, Journal(journal.folder)) as again:
            for chain in again.all():
                names = []
                for task in chain:
                    if task.prepare() is not None:
                        names.append(task.name)
                        journal.write(task.name, again.identity_of(task.name), BLACK)
                    again.done(task.name)
                found.append(names)
        return found

    assert missing() == [[], []]
    (journal.folder / name_of(8)).write_bytes(b"changed by hand")
    one, other = missing()
    assert one == []
    assert numbers_of(other) == ([8, 9, 10], [9]), "the frame, and all of its scene's first pass, which it is made from"


def test_what_is_painted_once_is_taken_for_the_first_pass_and_not_for_the_second(film: Path, journal: Journal) -> None:
    with chains(film, journal) as made:
        for task in next(made.all()):
            paint(made, journal, task, negative)
    with two_passes(film, Journal(journal.folder)) as again:
        left = []
        for task in next(again.all()):
            if task.prepare() is not None:
                left.append(task.name)
                journal.write(task.name, again.identity_of(task.name), BLACK)
            again.done(task.name)
    assert numbers_of(left) == ([], [7, 6, 5, 4, 3, 2, 1])
    for number in range(7):
        assert (picture((journal.folder / FIRST_PASS / name_of(number)).read_bytes()) > 0).any()


def test_whether_a_second_pass_is_complete_is_looked_up_once(
    film: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with two_passes(film, journal) as made:
        for task in (task for chain in made.all() for task in chain):
            paint(made, journal, task, negative)
    shutil.rmtree(journal.folder / FIRST_PASS)
    reads: list[Part] = []
    frames = Film.frames

    def counted(self: Film, part: Part, *rest: Any) -> Any:
        reads.append(part)
        return frames(self, part, *rest)

    with two_passes(film, Journal(journal.folder)) as again:
        monkeypatch.setattr(Film, "frames", counted)
        for task in next(again.all()):
            assert task.prepare() is None
            again.done(task.name)
    assert len(reads) == 3, "by the first pass, to see whether the second is complete, and by the second"
