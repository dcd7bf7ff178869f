"""L-BFGS: search direction compared with the textbook, line search on difficult functions, saved state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der

from tfstyle.optimizers.compiled_history import CompiledHistory
from tfstyle.optimizers.device_history import DeviceHistory
from tfstyle.optimizers.history import FADING, FLOOR, History, HostHistory
from tfstyle.optimizers.lbfgs import ARMIJO, GROWTH, LBFGS, MOST_REFUSALS, SCALED_FROM

Function = Callable[[np.ndarray], tuple[float, np.ndarray]]
Pair = tuple[np.ndarray, np.ndarray]
RANDOM = np.random.default_rng(1)
SCALES = np.logspace(0, 3, 40)


def quadratic(x: np.ndarray) -> tuple[float, np.ndarray]:
    x = x.astype(float)
    return float(0.5 * (SCALES * x**2).sum()), (SCALES * x).astype(np.float32)


def rosenbrock(x: np.ndarray) -> tuple[float, np.ndarray]:
    x = x.astype(float)
    return float(rosen(x)), rosen_der(x).astype(np.float32)


def minimise(optimizer: LBFGS, function: Function, evaluations: int) -> list[tuple[float, bool]]:
    seen = []
    for _ in range(evaluations):
        value, gradient = function(optimizer.ask())
        seen.append((value, optimizer.tell(value, gradient)))
        if optimizer.finished:
            break
    return seen


def textbook_direction(pairs: list[Pair], gradient: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """Nocedal and Wright 2006, algorithm 7.4, in float64, with the inverse initial Hessian diag(`inverse`)."""
    q, alphas = gradient.astype(float), []
    for s, y in reversed(pairs):
        alphas.append(s @ q / (y @ s))
        q = q - alphas[-1] * y
    s, y = pairs[-1]
    r = (s @ y) / (y @ (inverse * y)) * inverse * q
    for (s, y), alpha in zip(pairs, reversed(alphas), strict=True):
        r = r + s * (alpha - y @ r / (y @ s))
    return -r


def learnt_diagonal(pairs: list[Pair]) -> np.ndarray:
    """1 / h as defined in the docstring of lbfgs.py, from all `pairs` so far, oldest first."""
    ages = FADING ** np.arange(len(pairs))[::-1]
    moved = sum(age * s**2 / (s @ y) for age, (s, y) in zip(ages, pairs, strict=True))
    changed = sum(age * y**2 / (s @ y) for age, (s, y) in zip(ages, pairs, strict=True))
    return np.sqrt((moved + FLOOR * np.mean(moved)) / (changed + FLOOR * np.mean(changed)))


def test_direction_matches_the_textbook_when_the_history_wraps() -> None:
    optimizer = LBFGS(RANDOM.normal(size=40).astype(np.float32), history_size=6)
    points: list[Pair] = []
    pairs: list[Pair] = []
    for _ in range(16):
        value, gradient = quadratic(optimizer.ask())
        if optimizer.tell(value, gradient):
            points.append((optimizer.point.astype(float), gradient.astype(float)))
            if len(points) > 1:
                (before, slope_before), (here, slope) = points[-2:]
                pairs.append((here - before, slope - slope_before))
                inverse = learnt_diagonal(pairs) if len(pairs) >= SCALED_FROM else np.ones(40)
                direction = optimizer.state()["direction"]
                expected = textbook_direction(pairs[-6:], gradient, inverse)
                np.testing.assert_allclose(direction, expected, rtol=2e-3, atol=1e-5)
    assert len(pairs) > 6


def test_diagonal_learns_the_stiffness_of_variables() -> None:
    """4,000 variables with stiffness 1 to 1,000: far more than the history can represent."""
    scales = np.repeat(np.logspace(0, 3, 40), 100)

    def stiff(x: np.ndarray) -> tuple[float, np.ndarray]:
        return float(0.5 * (scales * x.astype(float) ** 2).sum()), (scales * x).astype(np.float32)

    optimizer = LBFGS(RANDOM.normal(size=4000).astype(np.float32), history_size=5)
    minimise(optimizer, stiff, 30)
    moved, changed = optimizer.state()["squares"]
    assert np.corrcoef(np.log(changed / moved), np.log(scales))[0, 1] > 0.9


def test_retarget_continues_at_the_same_point_with_the_history() -> None:
    def shifted(x: np.ndarray) -> tuple[float, np.ndarray]:
        return quadratic(x - np.float32(0.1))

    kept, anew = (LBFGS(np.ones(40, np.float32), history_size=10) for _ in range(2))
    minimise(kept, quadratic, 25)
    minimise(anew, quadratic, 25)
    here = kept.point
    kept.retarget()
    np.testing.assert_array_equal(kept.ask(), here)
    minimise(kept, shifted, 12)
    anew = LBFGS(here, history_size=10)
    minimise(anew, shifted, 12)
    assert shifted(kept.point)[0] < 0.1 * shifted(anew.point)[0]


def test_steps_grow_at_most_fourfold() -> None:
    def ramp(x: np.ndarray) -> tuple[float, np.ndarray]:
        return float(x.sum() + 1e-9 * (x**2).sum()), (1 + 2e-9 * x).astype(np.float32)

    optimizer = LBFGS(np.zeros(9, np.float32), history_size=3)
    lengths = []
    for _ in range(6):
        optimizer.tell(*ramp(optimizer.ask()))
        lengths.append(np.linalg.norm(optimizer.ask() - optimizer.point))
    np.testing.assert_allclose(lengths, [1, 4, 16, 64, 256, 1024], rtol=1e-4)


def test_first_step_has_unit_length() -> None:
    optimizer = LBFGS(np.full(40, 3.0, np.float32), history_size=5)
    optimizer.tell(*quadratic(optimizer.ask()))
    assert np.linalg.norm(optimizer.ask() - optimizer.point) == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize(("function", "start"), [(quadratic, np.ones(40)), (rosenbrock, np.zeros(6))])
def test_reaches_the_minimum(function: Function, start: np.ndarray) -> None:
    optimizer = LBFGS(start.astype(np.float32), history_size=10)
    seen = minimise(optimizer, function, 200)
    assert function(optimizer.point)[0] < 1e-5 * seen[0][0]


def test_accepted_steps_satisfy_the_armijo_condition() -> None:
    optimizer = LBFGS(np.array([-1.2, 1, -1, 2], np.float32), history_size=4)
    last = np.inf
    for _ in range(60):
        value, gradient = rosenbrock(optimizer.ask())
        step = optimizer.ask() - optimizer.point
        slope = float(optimizer.state()["gradient"] @ step)
        if optimizer.tell(value, gradient):
            assert value <= last + ARMIJO * slope
            last = value
        assert optimizer.point.dtype == np.float32


def test_a_step_to_a_non_finite_value_is_shortened() -> None:
    def cliff(x: np.ndarray) -> tuple[float, np.ndarray]:
        if abs(float(x[0])) > 1.05:
            return np.nan, np.full(1, np.nan, np.float32)
        return quadratic_1d(x)

    def quadratic_1d(x: np.ndarray) -> tuple[float, np.ndarray]:
        return float((x[0] - 1) ** 2), (2 * (x - 1)).astype(np.float32)

    optimizer = LBFGS(np.full(1, 0.2, np.float32), history_size=3)
    seen = minimise(optimizer, cliff, 30)
    assert not all(accepted for _, accepted in seen)
    assert float(optimizer.point[0]) == pytest.approx(1, abs=1e-3)


def test_search_finishes_if_no_step_can_improve() -> None:
    at_rest = LBFGS(np.zeros(40, np.float32), history_size=3)
    assert len(minimise(at_rest, quadratic, 50)) == 1
    assert at_rest.finished

    def wrong_gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
        return float(x.sum()), -np.ones_like(x)

    stuck = LBFGS(np.ones(3, np.float32), history_size=3)
    seen = minimise(stuck, wrong_gradient, 200)
    assert stuck.finished
    assert len(seen) < 60
    np.testing.assert_array_equal(stuck.point, np.ones(3, np.float32))


@pytest.mark.parametrize("kind", [HostHistory, DeviceHistory, CompiledHistory])
@pytest.mark.parametrize("cut", [0, 1, 2, 7, 14, 18, 19])
def test_restored_state_continues_bit_for_bit(kind: Callable[[int, int], History], cut: int) -> None:
    """Before, between and after refused steps, which the slope at the point decides on."""

    def function(x: Any) -> tuple[float, np.ndarray]:
        return rosenbrock(np.asarray(x))

    start = np.array([-1.2, 1, -1, 2, 0.5], np.float32)
    whole, first, second = (LBFGS(start, 4, kind) for _ in range(3))
    accepted = [each for _, each in minimise(whole, function, 25)]
    assert [number for number, each in enumerate(accepted, 1) if not each] == [14, 19, 25]
    minimise(first, function, cut)
    second.restore(first.state())
    minimise(second, function, 25 - cut)
    np.testing.assert_array_equal(second.point, whole.point)


def test_a_step_without_a_change_of_the_gradient_leaves_the_history_as_it_is() -> None:
    optimizer = LBFGS(np.ones(40, np.float32), history_size=6)
    minimise(optimizer, quadratic, 4)
    before = optimizer.state()
    assert len(before["order"]) > 1
    assert optimizer.tell(-1e9, before["gradient"])
    after = optimizer.state()
    np.testing.assert_array_equal(after["order"], before["order"])
    np.testing.assert_array_equal(after["direction"], before["direction"])


def test_a_change_of_the_gradient_whose_square_underflows_is_not_stored() -> None:
    optimizer = LBFGS(np.ones(40, np.float32), history_size=6)
    optimizer.tell(1.0, np.full(40, 1e-21, np.float32))
    optimizer.tell(-1.0, np.full(40, -1e-24, np.float32) + np.full(40, 1e-21, np.float32))
    assert optimizer.tell(-2.0, np.full(40, 1.1e-21, np.float32))
    assert np.isfinite(optimizer.ask()).all()


def test_steps_that_are_refused_again_and_again_end_in_steepest_descent_from_there() -> None:
    optimizer = LBFGS(np.ones(40, np.float32), history_size=6)
    minimise(optimizer, quadratic, 5)
    for _ in range(MOST_REFUSALS + 1):
        refused = optimizer.state()
        assert not optimizer.tell(np.inf, quadratic(optimizer.ask())[1])
    state, gradient = optimizer.state(), quadratic(optimizer.point)[1]
    np.testing.assert_array_equal(state["direction"], -gradient)
    longest = refused["length"] * np.linalg.norm(refused["direction"])
    assert state["length"] * np.linalg.norm(gradient) == pytest.approx(longest, rel=1e-5)


def test_a_direction_that_does_not_descend_is_replaced_by_the_steepest_descent() -> None:
    optimizer = LBFGS(np.ones(40, np.float32), history_size=6)
    minimise(optimizer, quadratic, 4)
    optimizer.restore({**optimizer.state(), "sy": -optimizer.state()["sy"]})
    optimizer.retarget()
    optimizer.tell(*quadratic(optimizer.ask()))
    state, gradient = optimizer.state(), quadratic(optimizer.point)[1]
    assert state["order"].size == 0
    np.testing.assert_array_equal(state["direction"], -gradient)
    longest = GROWTH * state["reach"]
    assert state["length"] * np.linalg.norm(gradient) == pytest.approx(longest, rel=1e-5)
