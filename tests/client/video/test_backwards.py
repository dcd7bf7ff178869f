"""The frames of a scene from its last to its first."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from film_files import SIZE, moving, write_film
from tfstyle.inputs import Size
from tfstyle_client.errors import BadRequestError
from tfstyle_client.video import backwards as reading
from tfstyle_client.video.backwards import backwards
from tfstyle_client.video.film import Film
from tfstyle_client.video.plan import looked_through
from tfstyle_client.video.source import Frame, Part, Source
from tfstyle_client.video.stills import Animation, Folder

COUNT, CUT = 11, 7


def film(folder: Path) -> Source:
    return Film(write_film(folder / "a.mp4", moving(COUNT, cut=CUT), keys=4))


def uneven(folder: Path) -> Source:
    times = [0, 40, 80, 500, 540, 580, 900, 1000, 1001, 1500, 1700]
    return Film(write_film(folder / "a.mkv", moving(COUNT, cut=CUT), times=times))


def stills(folder: Path) -> Source:
    for number, pixels in enumerate(moving(COUNT, cut=CUT)):
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return Folder(folder, Fraction(30))


def animation(folder: Path) -> Source:
    first, *others = map(Image.fromarray, moving(COUNT, cut=CUT))
    first.save(folder / "a.webp", save_all=True, append_images=others, duration=40, lossless=True)
    return Animation(folder / "a.webp")


@pytest.mark.parametrize("held", [1, 3, 4, 100])
@pytest.mark.parametrize("make", [film, uneven, stills, animation])
def test_they_are_those_of_reading_forwards(
    make: object, held: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "HELD_BYTES", held * 3 * SIZE[0] * SIZE[1])
    source = make(tmp_path)  # type: ignore[operator]
    plan = looked_through(source, Part(), lambda number: None)
    scenes = list(plan.scenes)
    assert len(scenes) == 2
    for scene in scenes:
        expected = list(source.frames(plan.part_of(scene), SIZE, []))
        found = list(backwards(source, plan, scene, SIZE))
        assert [frame.time for frame in found] == [frame.time for frame in reversed(expected)]
        assert len(found) == len(scene)
        for one, other in zip(found, reversed(expected), strict=True):
            np.testing.assert_array_equal(one.pixels, other.pixels)


def test_no_more_frames_are_held_than_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "HELD_BYTES", 3 * 3 * SIZE[0] * SIZE[1])
    source = film(tmp_path)
    plan = looked_through(source, Part(), lambda number: None)
    read = []

    class Counting:
        facts = source.facts

        def frames(self, part: Part, size: Size, trouble: list[str]) -> Iterator[Frame]:
            for frame in source.frames(part, size, trouble):
                read.append(frame)
                yield frame

    frames = backwards(Counting(), plan, range(7), SIZE)
    counts = [len(read) for _ in frames]
    assert counts == [3, 3, 3, 6, 6, 6, 7]


def test_a_film_that_was_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    source = film(tmp_path)
    plan = looked_through(source, Part(), lambda number: None)
    changed = Film(write_film(tmp_path / "b.mp4", moving(COUNT - 6)))
    with pytest.raises(
        BadRequestError, match="content: has 5 frames where there were 7; it was changed, or is damaged"
    ):
        list(backwards(changed, plan, range(7), SIZE))
