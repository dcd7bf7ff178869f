"""Total variation and gamut penalty, whole and in bands of rows, compared with their formulas in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tfstyle.borders import Wraps
from tfstyle.colour import BRIGHTEST, DARKEST
from tfstyle.losses import GamutPenalty, ImageTerm, SquaredVariation, TotalVariation

RANDOM = np.random.default_rng(5)
IMAGE = RANDOM.normal(0, 2, size=(1, 5, 7, 3)).astype(np.float32)


def value(term: ImageTerm, image: np.ndarray) -> float:
    _, height, width, _ = image.shape
    return float(term.value(tf.constant(image.astype(np.float32)), height, (height, width)))


def test_total_variation() -> None:
    down = np.abs(np.diff(IMAGE, axis=1)).mean()
    across = np.abs(np.diff(IMAGE, axis=2)).mean()
    assert value(TotalVariation(), IMAGE) == pytest.approx(0.5 * (down + across), rel=1e-5)


def test_squared_variation() -> None:
    down = (np.diff(IMAGE, axis=1) ** 2).mean()
    across = (np.diff(IMAGE, axis=2) ** 2).mean()
    assert value(SquaredVariation(), IMAGE) == pytest.approx(down + across, rel=1e-5)


def wrapped_differences(wraps: Wraps) -> list[np.ndarray]:
    """The differences of neighbours down and across, by NumPy."""
    return [
        IMAGE - np.roll(IMAGE, 1, axis) if wrapped else np.diff(IMAGE, axis=axis)
        for axis, wrapped in enumerate(wraps, 1)
    ]


@pytest.mark.parametrize("wraps", [Wraps(True, True), Wraps(down=True), Wraps(across=True)])
def test_variations_of_a_picture_that_wraps_count_its_ends_as_neighbours(wraps: Wraps) -> None:
    down, across = wrapped_differences(wraps)
    assert value(TotalVariation(wraps), IMAGE) == pytest.approx(
        0.5 * (np.abs(down).mean() + np.abs(across).mean()), rel=1e-5
    )
    assert value(SquaredVariation(wraps), IMAGE) == pytest.approx((down**2).mean() + (across**2).mean(), rel=1e-5)


def test_gamut_penalty_is_zero_inside_the_gamut_and_quadratic_outside() -> None:
    inside = RANDOM.uniform(DARKEST, BRIGHTEST, (1, 4, 4, 3))
    assert value(GamutPenalty(), inside) == 0
    assert value(GamutPenalty(), np.broadcast_to(BRIGHTEST + 0.5, (1, 4, 4, 3))) == pytest.approx(0.25, rel=1e-5)
    assert value(GamutPenalty(), np.broadcast_to(DARKEST - 2, (1, 4, 4, 3))) == pytest.approx(4, rel=1e-5)


@pytest.mark.parametrize("term", [TotalVariation(), SquaredVariation(), GamutPenalty()])
@pytest.mark.parametrize("cut", [1, 2, 4])
def test_bands_add_up_to_the_whole(term: ImageTerm, cut: int) -> None:
    upper = term.value(tf.constant(IMAGE[:, : cut + term.halo]), cut, (5, 7))
    lower = term.value(tf.constant(IMAGE[:, cut:]), 5 - cut, (5, 7))
    assert float(upper) > 0
    assert float(upper + lower) == pytest.approx(value(term, IMAGE), rel=1e-5)
