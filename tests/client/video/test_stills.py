"""Frames that are pictures: folders, and animations."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from film_files import moving, write_film
from tfstyle_client.errors import BadRequestError
from tfstyle_client.video.film import Film
from tfstyle_client.video.opening import opened_source
from tfstyle_client.video.source import Part
from tfstyle_client.video.stills import Animation, Folder


def test_a_folder_is_read_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        Image.fromarray(np.full((24, 32, 3), number * 10, np.uint8)).save(tmp_path / f"frame{number}.png")
    (tmp_path / "notes.txt").write_text("no frame")
    Image.fromarray(np.full((24, 32, 3), 200, np.uint8)).save(tmp_path / "²1.png")  # a digit, and no number
    (tmp_path / ".hidden.png").write_bytes(b"no frame")
    folder = Folder(tmp_path, Fraction(10))
    assert folder.facts.size == (32, 24)
    found = list(folder.frames(Part(), (16, 12), []))
    assert [int(frame.pixels[0, 0, 0]) for frame in found] == [10, 20, 100, 200]
    assert [frame.time for frame in found] == [0, Fraction(1, 10), Fraction(2, 10), Fraction(3, 10)]
    assert found[0].pixels.shape == (12, 16, 3)
    part = list(folder.frames(Part(Fraction(1, 10), Fraction(2, 10)), (16, 12), []))
    assert [int(frame.pixels[0, 0, 0]) for frame in part] == [20]


def test_a_damaged_frame_ends_a_folder(tmp_path: Path) -> None:
    for number in range(4):
        Image.fromarray(moving(1)[0]).save(tmp_path / f"{number}.png")
    (tmp_path / "2.png").write_bytes((tmp_path / "2.png").read_bytes()[:200])
    trouble: list[str] = []
    assert len(list(Folder(tmp_path, Fraction(25)).frames(Part(), (64, 48), trouble))) == 2
    assert len(trouble) == 1
    assert "2.png" in trouble[0]


@pytest.mark.parametrize("kind", ["gif", "webp", "png"])
def test_an_animation_has_the_times_of_its_frames(tmp_path: Path, kind: str) -> None:
    first, *others = [Image.fromarray(frame) for frame in moving(4)]
    path = tmp_path / f"a.{kind}"
    first.save(path, save_all=True, append_images=others, duration=[100, 200, 50, 300])
    source = opened_source(path, None)
    assert isinstance(source, Animation)
    found = list(source.frames(Part(), (64, 48), []))
    assert [float(frame.time) for frame in found] == [0, 0.1, 0.3, 0.35]
    assert found[-1].duration == Fraction(3, 10)
    assert np.abs(found[2].pixels.astype(int) - np.asarray(others[1])).mean() < 15
    assert [frame.time for frame in source.frames(Part(Fraction(1, 5)), (64, 48), [])] == [
        Fraction(3, 10),
        Fraction(7, 20),
    ]


def test_transparency_is_white(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((24, 32, 4), np.uint8)).save(tmp_path / "0.png")
    (frame,) = Folder(tmp_path, Fraction(1)).frames(Part(), (32, 24), [])
    assert (frame.pixels == 255).all()


def test_each_kind_of_source_is_told_by_its_contents(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.gif.mkv", moving(3))
    film.rename(tmp_path / "film.gif")
    assert isinstance(opened_source(tmp_path / "film.gif", None), Film)


def refused(path: Path, rate: Fraction | None = None) -> tuple[str, str]:
    with pytest.raises(BadRequestError) as raised:
        opened_source(path, rate)
    (violation,) = raised.value.violations
    return violation.field, violation.description


def test_what_cannot_be_a_source_is_refused(tmp_path: Path) -> None:
    Image.fromarray(moving(1)[0]).save(tmp_path / "one.png")
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "one.png") == (
        "content",
        f"{tmp_path}/one.png is one picture; use tfstyle stylize for it",
    )
    assert "there are no pictures" in refused(tmp_path / "empty")[1]
    assert "cannot read" in refused(tmp_path / "missing.mp4")[1]
    assert refused(tmp_path / "one.png", Fraction(5))[0] == "rate"
    assert "must be a file or a folder" in refused(Path("-"))[1]


def test_a_picture_that_would_take_all_memory_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "huge.gif"
    path.write_bytes(b"GIF89a" + b"\xff\xff\xff\xff" + b"\0\0\0" + b";")
    with pytest.raises(BadRequestError, match=r"content: cannot read .*huge\.gif") as raised:
        opened_source(path, None)
    assert "\n" not in str(raised.value)


def test_frames_have_no_more_pixels_than_those_of_films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tfstyle_client.video.source.MOST_PIXELS", 64 * 48 - 1)
    first, *others = [Image.fromarray(frame) for frame in moving(2)]
    first.save(tmp_path / "a.gif", save_all=True, append_images=others)
    (tmp_path / "frames").mkdir()
    first.save(tmp_path / "frames" / "1.png")
    for path in (tmp_path / "a.gif", tmp_path / "frames", write_film(tmp_path / "a.mp4", moving(1))):
        with pytest.raises(BadRequestError, match="has frames of 64 x 48 pixels; 3,071 are the most"):
            opened_source(path, None)
