"""Motion between frames, compared with motion that is known, and with the published formulas written out."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tfstyle_client.video.flow import (
    flow_between,
    inside,
    is_cut,
    likeness,
    long_term,
    motion,
    recoloured,
    resized_flow,
    shown,
    start_picture,
    tracked,
    warp,
)

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
RANDOM = np.random.default_rng(3)


@pytest.fixture(scope="module")
def film() -> Any:
    """A film of layers that move and turn in known ways."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from moving_layers import MovingLayers
    finally:
        sys.path.remove(str(BENCHMARKS))
    return MovingLayers(192, 108)


def constant(vector: tuple[float, float], size: tuple[int, int] = (20, 30)) -> np.ndarray:
    return np.broadcast_to(np.float32(vector), (*size, 2)).copy()


def test_film_shows_what_its_flow_says(film: Any) -> None:
    frame, earlier, flow, visible = film.frame(5), film.frame(4), film.flow(5, 4), film.visible(5, 4)
    assert 0.9 < visible.mean() < 1
    differences = np.abs(warp(earlier, flow).astype(int) - frame)
    assert differences[visible].mean() < 1
    assert differences[~visible].mean() > 10
    assert np.hypot(flow[..., 0], flow[..., 1]).max() > 2


def test_flow_is_that_of_the_film(film: Any) -> None:
    found = motion(film.frame(5), film.frame(4))
    visible = film.visible(5, 4)
    error = np.hypot(*np.moveaxis(found.flow - film.flow(5, 4), 2, 0))
    assert np.median(error[visible]) < 0.1
    assert np.mean(error[visible] < 0.5) > 0.9
    assert np.hypot(*np.moveaxis(film.flow(5, 4), 2, 0))[visible].mean() > 0.5, "a flow of 0 would not do"
    assert found.weights[visible].mean() > 0.8
    assert found.weights[~visible].mean() < 0.35
    trusted = found.weights > 0
    assert np.mean(error[trusted & visible]) < np.mean(error[visible])


def test_flow_has_the_frames_size_even_where_that_is_tiny() -> None:
    small = RANDOM.integers(0, 255, (9, 14, 3)).astype(np.uint8)
    assert flow_between(small, small).shape == (9, 14, 2)
    assert np.abs(flow_between(small, small)).max() < 0.1


def test_resized_flow_leads_to_the_same_places() -> None:
    larger = resized_flow(constant((3, -1)), (60, 80))
    assert larger.shape == (80, 60, 2)
    np.testing.assert_allclose(larger[40, 30], [6, -4], rtol=1e-6)
    same = constant((1, 2))
    assert resized_flow(same, (30, 20)) is same


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_warp_by_whole_pixels_moves_every_sample(dtype: type[Any]) -> None:
    picture = RANDOM.uniform(0, 255, (20, 30, 3)).astype(dtype)
    moved = warp(picture, constant((4, -2)))
    assert moved.dtype == dtype
    np.testing.assert_allclose(moved[2:, :-4], picture[:-2, 4:], rtol=1e-6)
    np.testing.assert_allclose(moved[0], moved[2], rtol=1e-6, err_msg="beyond the border are its pixels")


def test_warp_by_parts_of_pixels_keeps_what_linear_interpolation_would_blur() -> None:
    x = np.arange(60, dtype=np.float32)

    def wave(at: np.ndarray) -> np.ndarray:
        return np.broadcast_to((0.5 + 0.5 * np.sin(1.2 * at))[None, :, None], (40, 60, 3)).astype(np.float32)

    picture = wave(x)
    for _ in range(8):
        picture = warp(picture, constant((0.5, 0), (40, 60)))
    middle = np.s_[:, 8:-12]
    error = np.abs(picture - wave(x + 4))[middle].mean()
    linear = wave(x)
    for _ in range(8):
        linear[:, :-1] = (linear[:, :-1] + linear[:, 1:]) / 2
    assert error < 0.1 * np.abs(linear - wave(x + 4))[middle].mean()


def test_whole_numbers_do_not_overflow_at_hard_edges() -> None:
    picture = np.zeros((20, 30, 3), np.uint16)
    picture[:, 15:] = 65535
    moved = warp(picture, constant((0.5, 0)))
    assert moved[:, :10].max() < 8000
    assert moved[:, 20:].min() > 57000


def test_what_is_shown_is_that_of_the_published_formula() -> None:
    size = 24, 32
    back = constant((-3, 1), size) + RANDOM.normal(0, 0.02, (*size, 2)).astype(np.float32)
    back[8:16, 10:20] = RANDOM.uniform(-6, 6, (8, 10, 2))
    back[16:, 4:8] += np.float32([2, 0])
    forward = constant((3, -1), size)
    forward[:, 20:] += np.float32([0.9, 0])
    there = warp(forward, back)
    seen = shown(back, forward)
    counts = {"hidden": 0, "trusted": 0}
    for y, x in itertools.product(range(1, size[0] - 1), range(1, size[1] - 1)):
        w, back_w = there[y, x], back[y, x]
        to_x, to_y = x + back_w[0], y + back_w[1]
        hidden = sum((w + back_w) ** 2) >= 0.01 * (sum(w**2) + sum(back_w**2)) + 0.5
        beyond = not (0 <= to_x <= size[1] - 1 and 0 <= to_y <= size[0] - 1)
        assert seen[y, x] == (not hidden and not beyond), (y, x)
        counts["hidden"] += hidden
        counts["trusted"] += int(seen[y, x])
    assert min(counts.values()) > 30, counts


def test_places_beyond_the_frame_are_not_trusted() -> None:
    still = constant((0, 0))
    assert inside(still).all()
    assert shown(still, still).all()
    left = shown(constant((-5, 0)), constant((5, 0)))
    assert not left[:, :5].any()
    assert left[:, 5:].all()


def test_what_is_shown_counts_as_far_as_the_frames_look_alike_there(film: Any) -> None:
    frame, earlier = film.frame(5), film.frame(4)
    found = motion(frame, earlier)
    visible = shown(found.flow, flow_between(earlier, frame))
    assert 0.005 < 1 - visible.mean() < 0.5
    assert (found.weights[visible] < 0.5).mean() > 0.005, "at boundaries the flow is not exact"
    difference = np.abs(frame.astype(float) - warp(earlier, found.flow)).mean(2)
    np.testing.assert_allclose(found.weights[visible], np.exp(-((difference[visible] / 20) ** 2)), rtol=1e-4)
    assert not found.weights[~visible].any()
    alike = likeness(np.uint8([[[10, 20, 30]] * 2]), np.uint8([[[10, 20, 30], [30, 40, 10]]]))
    np.testing.assert_allclose(alike, [[1, np.exp(-1)]], rtol=1e-6)


def test_other_light_is_not_held_back() -> None:
    """What the light has changed is found where it was, but is not to keep the colours that it had."""
    frame = np.clip(RANDOM.normal(120, 30, (48, 64, 1)).astype(np.float32).repeat(3, 2), 0, 255)
    frame = cv2.GaussianBlur(frame, (0, 0), 3).astype(np.uint8)
    lighter = frame.copy()
    lighter[:, 32:] = np.clip(frame[:, 32:].astype(int) + 60, 0, 255)
    weights = motion(lighter, frame).weights[4:-4]
    assert weights[:, 4:24].mean() > 0.9
    assert weights[:, 40:-4].mean() < 0.1


def test_each_place_follows_the_nearest_result_that_shows_it() -> None:
    near, far, farther = (np.float32([row]) for row in ([1, 0, 0, 0.25], [1, 1, 0, 0.5], [1, 1, 1, 1]))
    found = long_term([near, far, farther])
    np.testing.assert_array_equal(
        np.concatenate(found), np.float32([[1, 0, 0, 0.25], [0, 1, 0, 0.25], [0, 0, 1, 0.25]])
    )


def painted(frame: np.ndarray) -> np.ndarray:
    """The frame in other colours, which a quadratic function of its own gives."""
    red, green, blue = np.moveaxis(frame / 65_535, -1, 0)
    other = np.stack([1 - blue, 0.2 + 0.5 * red * green, 0.9 * green**2], -1)
    return np.rint(65_535 * other).astype(np.uint16)


def test_start_is_the_earlier_result_where_that_is_trusted_and_elsewhere_the_frame_in_its_colours() -> None:
    frame = RANDOM.integers(0, 65_536, (40, 60, 3)).astype(np.uint16)
    weights = np.float32(np.repeat([[1, 0, 0.5]], 20, 1).repeat(40, 0))
    moved = np.where(weights[..., None] > 0, painted(frame), 123).astype(np.uint16)
    start = start_picture([(moved, weights)], recoloured(frame, moved, weights))
    assert start.dtype == np.uint16
    assert np.array_equal(start[:, :20], moved[:, :20])
    error = np.abs(start.astype(int) - painted(frame))[:, 20:]
    assert error.mean() < 65  # a thousandth of the range, which the fit's ridge takes


def test_start_is_the_frame_itself_where_hardly_anything_can_be_compared() -> None:
    frame = RANDOM.integers(0, 256, (40, 60, 3)).astype(np.uint8)
    weights = np.zeros((40, 60), np.float32)
    weights[0, :30] = 1
    start = start_picture([(255 - frame, weights)], recoloured(frame, 255 - frame, weights))
    assert np.array_equal(start[0, :30], 255 - frame[0, :30])
    assert np.array_equal(start[1:], frame[1:])


@pytest.mark.parametrize(("weight", "share"), [(1, 1), (0.8, 1), (0.4, 0.5), (0, 0)])
def test_a_place_that_differs_by_noise_starts_from_the_result_alone(weight: float, share: float) -> None:
    frame = RANDOM.integers(0, 200, (24, 32, 3)).astype(np.uint8)
    weights = np.ones((24, 32), np.float32)
    weights[5, 7] = weight
    below = recoloured(frame, frame + 50, weights)  # whose colours follow from the frame's exactly
    assert np.abs(start_picture([(frame + 50, weights)], below).astype(int) - frame - 50).max() <= 1
    other = frame + 50
    other[5, 7] = 0
    mixed = start_picture([(other, weights)], recoloured(frame, other, weights))[5, 7]
    np.testing.assert_allclose(mixed, (1 - share) * (frame[5, 7] + 50.0), atol=3)


def test_what_no_result_shows_starts_from_what_is_below() -> None:
    below = RANDOM.integers(0, 256, (8, 8, 3)).astype(np.uint8)
    assert np.array_equal(start_picture([], below), below)
    weights = np.zeros((8, 8), np.float32)
    weights[:, :4] = 1
    near, far = np.full_like(below, 10), np.full_like(below, 20)
    start = start_picture([(near, weights), (far, weights.T)], below)
    assert np.array_equal(start[:, :4], near[:, :4])
    assert np.array_equal(start[:4, 4:], far[:4, 4:])
    assert np.array_equal(start[4:, 4:], below[4:, 4:])


def test_a_frame_of_one_colour_takes_that_of_its_result() -> None:
    frame, moved = np.full((9, 9, 3), 200, np.uint8), np.full((9, 9, 3), 40, np.uint8)
    weights = np.eye(9, dtype=np.float32)
    start = start_picture([(moved, weights)], recoloured(frame, moved, weights))
    assert np.abs(start.astype(int) - 40).max() <= 1


@pytest.mark.parametrize(
    "change",
    [
        lambda film: film.frame(300),
        lambda film: np.roll(film.frame(5)[::-1], 60, 1),
        lambda film: RANDOM.integers(0, 255, (108, 192, 3)).astype(np.uint8),
    ],
)
def test_another_scene_is_a_cut(film: Any, change: Callable[[Any], np.ndarray]) -> None:
    assert is_cut(tracked(change(film), film.frame(5))[1])


def test_fast_motion_is_no_cut(film: Any) -> None:
    assert not is_cut(tracked(film.frame(9), film.frame(5))[1])
