"""How frames follow one another: what is asked of the server for each, and what a second run knows."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from film_files import SIZE, moving, write_film
from painted_scenes import MANNER, chains, identities_of_a_folder, negative, paint, picture
from tfstyle.inputs import Inputs, Style
from tfstyle.presets import PRESETS, resolve_options
from tfstyle_client.errors import BadRequestError
from tfstyle_client.journal import Journal, open_journal
from tfstyle_client.video import ahead
from tfstyle_client.video.chain import Chains, Manner, name_of
from tfstyle_client.video.film import Film
from tfstyle_client.video.flow import Motion
from tfstyle_client.video.plan import looked_through
from tfstyle_client.video.source import Part


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_film(tmp_path / "a.mp4", moving(10, cut=7))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with open_journal(tmp_path / "out", "output") as opened:
        yield opened


def test_the_first_frame_of_a_scene_is_painted_by_itself_and_others_follow(film: Path, journal: Journal) -> None:
    with chains(film, journal) as made:
        requests = [[paint(made, journal, task, negative) for task in chain] for chain in made.all()]
    assert [len(scene) for scene in requests] == [7, 3]
    for scene in requests:
        first, *later = scene
        assert (first.options.max_evaluations, first.options.size) == (0, 64)  # the preset's own
        assert not first.inputs.HasField("start_picture")
        assert not first.inputs.temporal
        for request in later:
            assert (request.options.max_evaluations, request.options.coarsest_scale) == (40, 0)
            assert request.inputs.HasField("start_picture")
            assert 1 <= len(request.inputs.temporal) <= 3
    labels = [request.sequence for scene in requests for request in scene]
    assert [(label.frame, label.frames) for label in labels] == [(number, 10) for number in range(10)]
    assert len({label.name for label in labels}) == 1
    assert labels[0].name.startswith("a.mp4 ")
    assert labels[0].rate == pytest.approx(8)


def test_a_frame_follows_the_moved_result_of_the_one_before(film: Path, journal: Journal) -> None:
    """The pattern moves by a pixel to the left. The stand-in for a painter makes the negative of what it is given."""
    with chains(film, journal) as made:
        scene = next(made.all())
        first, second = (paint(made, journal, task, negative) for task in (next(scene), next(scene)))
    before = 255 - picture(first.inputs.content.data).astype(int)
    now = picture(second.inputs.content.data).astype(int)
    follows = second.inputs.temporal[0]
    moved, weights = picture(follows.picture.data).astype(int), picture(follows.weights.data)
    trusted = weights > 240
    assert trusted.mean() > 0.5
    # The earlier result, where it is trusted, is that of what is there now, not of what was there.
    error = np.abs(moved - (255 - now))[trusted].mean()
    assert error < 4
    assert np.abs(before - (255 - now))[trusted].mean() > 3 * error
    # The start is the moved result, and in its holes the frame itself, in the colours of the result.
    start = picture(second.inputs.start_picture.data).astype(int)
    assert np.abs(start - moved)[trusted].mean() < 1
    assert np.abs(start - (255 - now))[~trusted].mean() < 4


def textured(width: int) -> np.ndarray:
    """A frame with nothing in it that is twice the same."""
    rough = np.random.default_rng(3).integers(0, 256, (20, width // 6, 3)).astype(np.uint8)
    return cv2.resize(rough, (width, 120), interpolation=cv2.INTER_CUBIC)


def test_far_frames_are_not_looked_at_where_nothing_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    sought: list[int] = []
    original = ahead.motion

    def counted(frame: np.ndarray, earlier: np.ndarray, finest: int = 0) -> Motion:
        sought.append(finest)
        return original(frame, earlier, finest)

    monkeypatch.setattr(ahead, "motion", counted)
    still = textured(180)
    assert list(ahead.motions(still, [still] * 4)) == [1]
    assert sought == [0]


def test_far_frames_show_what_the_nearest_one_hides() -> None:
    """Something stands before the background in the frame before, and not in the one before that."""
    still = textured(180)
    hidden = still.copy()
    hidden[30:90, 60:120] = textured(180)[30:90, 0:60][::-1]
    found = ahead.motions(still, [hidden, still, hidden, still])
    assert list(found)[:2] == [1, 2]
    inside = np.s_[45:75, 75:105]
    assert found[1].weights[inside].mean() < 0.3
    assert found[2].weights[inside].mean() > 0.7
    assert found[1].weights[:, 130:].mean() > 0.9
    assert found[2].weights[:, 130:].mean() < 0.1


def test_frames_by_themselves_follow_none(film: Path, journal: Journal) -> None:
    with chains(film, journal, replace(MANNER, frame_steps=None)) as made:
        requests = [[paint(made, journal, task, negative) for task in chain] for chain in made.all()]
    assert [len(chain) for chain in requests] == [1] * 10
    for (request,) in requests:
        assert not request.inputs.temporal
        assert request.options.max_evaluations == 0


def test_a_second_run_paints_what_is_missing(film: Path, journal: Journal) -> None:
    with chains(film, journal) as made:
        for chain in made.all():
            for task in chain:
                paint(made, journal, task, negative)
    (journal.folder / name_of(5)).unlink()
    with chains(film, Journal(journal.folder)) as again:
        missing = [task.name for chain in again.all() for task in chain if task.prepare() is not None]
    assert missing == [name_of(5)]


def test_what_changes_the_frames_makes_them_others() -> None:
    manners = [
        MANNER,
        replace(MANNER, frame_steps=20),
        replace(MANNER, frame_steps=None),
        replace(MANNER, overrides={"network": "vgg19-lite", "strength": 0.7}),
        replace(MANNER, inputs=Inputs(b"", (Style(b"another"),))),
    ]
    identities = [*(manner.identity(SIZE) for manner in manners), MANNER.identity((66, 48))]
    assert len(set(identities)) == len(identities)
    assert MANNER.identity(SIZE) == replace(MANNER).identity(SIZE)


def test_what_prepares_a_scene_ends_with_it(film: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "AHEAD", 1)
    before = threading.active_count()
    with chains(film, journal) as made:
        scene = next(made.all())
        paint(made, journal, next(scene), negative)
        assert threading.active_count() == before + 1
        scene.close()  # type: ignore[attr-defined]
        wait_for_threads(before)
        assert next(next(made.all())).prepare() is None
        assert threading.active_count() == before + 1
    wait_for_threads(before)


def wait_for_threads(count: int) -> None:
    deadline = time.monotonic() + 20
    while threading.active_count() > count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_changed_frame_changes_all_that_follow_in_its_scene(tmp_path: Path) -> None:
    one, other = (identities_of_a_folder(tmp_path / str(change), 2, change) for change in (0, 1))
    assert [one[name] == other[name] for name in one] == [True, True, False, False, False, True, True, True]


def test_later_frames_keep_to_the_options() -> None:
    """Whatever the first frame is asked for, the later ones have one scale, and options that go together."""
    split = {"split_evaluations": 15, "steps": 60}
    asked = [(preset, {}) for preset in PRESETS] + [("default", {"steps": 30}), ("default", split)]
    for preset, overrides in asked:
        options = resolve_options(preset, Manner(MANNER.inputs, preset, overrides, 7).later(SIZE))
        assert (options.max_evaluations, options.coarsest_scale, options.scales) == (7, 0, ())
        assert options.split_evaluations < 7
    strong = Manner(MANNER.inputs, "default", {"strength": 0.9, "scales": ((32, 10),)}, 7)
    assert (
        resolve_options("default", strong.later(SIZE)).style_weight
        == resolve_options("default", {"strength": 0.9}).style_weight
    )


def test_only_a_few_frames_are_prepared_ahead(film: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "AHEAD", 2)
    folder = journal.folder / "ahead"
    with chains(film, journal) as made:
        for task in next(made.all()):
            assert len(list(folder.glob("*.npz"))) <= 4
            paint(made, journal, task, negative)
    assert len(list(folder.glob("*.npz"))) <= 2


def test_what_was_prepared_and_is_damaged_is_found_again(film: Path, journal: Journal) -> None:
    with chains(film, journal) as made:
        assert next(next(made.all())).prepare() is not None
        (file,) = (journal.folder / "ahead").glob("000001-*")
    whole = file.read_bytes()
    for damaged in (b"damaged", whole[: len(whole) // 2]):
        file.write_bytes(damaged)
        with chains(film, journal) as made:
            task = next(next(made.all()))
            with pytest.raises(BadRequestError, match="is damaged, and deleted now"):
                task.prepare()
    with chains(film, journal) as made:
        assert next(next(made.all())).prepare() is not None


def test_whatever_goes_wrong_ahead_is_said_and_nobody_waits(
    film: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise cv2.error("OpenCV:\n(-215) assertion failed")

    made = chains(film, journal)
    monkeypatch.setattr(ahead, "motion", fails)
    with made:
        scene = next(made.all())
        paint(made, journal, next(scene), negative)
        with pytest.raises(BadRequestError, match=r"a frame cannot be prepared: OpenCV: \(-215\) assertion failed"):
            next(scene).prepare()


def test_a_name_that_cannot_be_shown_is_told_as_far_as_it_can(film: Path, journal: Journal) -> None:
    source = Film(film)
    plan = looked_through(source, Part(), lambda number: None)
    with Chains(source, plan, SIZE, MANNER, journal, journal.folder / "ahead", "a\tb\udcff.mp4") as made:
        label = paint(made, journal, next(next(made.all())), negative).sequence.name
    assert label.startswith("a?b?.mp4 ")
    assert label.isprintable()
