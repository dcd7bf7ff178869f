"""L-BFGS with its vectors as tensors: the same numbers as NumPy's to rounding, and states that all kinds continue.

What holds for tensors on a GPU is tested on the processor, which computes the same operations.
"""

from __future__ import annotations

import subprocess
import sys
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from tfstyle.optimizers.compiled_history import CompiledHistory
from tfstyle.optimizers.device_history import DeviceHistory
from tfstyle.optimizers.history import FADING, FLOOR, HostHistory
from tfstyle.optimizers.lbfgs import LBFGS
from tfstyle.tensorflow_backend import tf

RANDOM = np.random.default_rng(3)
SIZE = 70_001
KINDS = [DeviceHistory, CompiledHistory]
STIFFNESS = np.exp(RANDOM.normal(0, 2, SIZE))
START = RANDOM.normal(size=SIZE).astype(np.float32)


def wavy(x: Any) -> tuple[float, np.ndarray]:
    """Not convex, and with stiffness over four decades."""
    x = np.asarray(x).astype(float)
    value = (STIFFNESS * (x**2 + 0.1 * np.sin(5 * x))).sum()
    return float(value), (STIFFNESS * (2 * x + 0.5 * np.cos(5 * x))).astype(np.float32)


def advance(optimizer: LBFGS, evaluations: int) -> LBFGS:
    for _ in range(evaluations):
        optimizer.tell(*wavy(optimizer.ask()))
    return optimizer


def begun(kind: Any, start: np.ndarray = START) -> LBFGS:
    return LBFGS(start, 5, kind)


def distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.linalg.norm(one.astype(float) - other) / (np.linalg.norm(other.astype(float)) or 1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("before", [0, 1, 3, 12])
def test_one_step_is_numpys_to_rounding(kind: Any, before: int) -> None:
    """From one state, so that roundings do not add up; the history of five wraps, and begins to use the diagonal."""
    state = advance(begun(HostHistory), before).state()
    host, device = begun(HostHistory), begun(kind)
    for optimizer in (host, device):
        optimizer.restore(state)
        advance(optimizer, 1)
    for name in ("point", "trial", "gradient", "direction", "squares", "pairs", "sy"):
        assert distance(device.state()[name], host.state()[name]) < 2e-5, name
    assert distance(device.state()["trial"], host.state()["trial"]) < 2e-6
    assert device.state()["order"].tolist() == host.state()["order"].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_search_goes_where_numpys_goes(kind: Any) -> None:
    host, device = advance(begun(HostHistory), 60), advance(begun(kind), 60)
    first, lowest = wavy(START)[0], host.state()["value"]
    assert lowest < first - 0.9 * abs(first)
    assert device.state()["value"] == pytest.approx(lowest, abs=2e-3 * (first - lowest))


@pytest.mark.parametrize("size", [500, 4096, 9000])
@pytest.mark.parametrize("kind", [HostHistory, *KINDS])
def test_products_and_sums_are_those_of_an_independent_calculation(kind: Any, size: int) -> None:
    """In float64. The sizes are less than a block of the compiled kind, a whole one and more than two."""
    history = kind(3, size)
    pairs, squares = RANDOM.normal(size=(2, 3, size)).astype(np.float32), RANDOM.uniform(size=(2, size))
    history.restore(pairs, squares.astype(np.float32))
    vector, factors = RANDOM.normal(size=size).astype(np.float32), np.array([0.5, -2.0, 3.0])

    def given(array: np.ndarray) -> Any:
        return history.vector(array.copy())

    steps, changes = pairs.astype(float)
    close: Any = {"rtol": 1e-5, "atol": 1e-6}
    summed: Any = {"rtol": 1e-5, "atol": 2e-5 * size**0.5}
    np.testing.assert_allclose(history.along_steps(given(vector)), steps @ vector, **summed)
    np.testing.assert_allclose(
        history.dot(given(vector), given(pairs[0, 0])), vector.astype(float) @ steps[0], **summed
    )
    np.testing.assert_allclose(history.moved(given(vector), 0.3, given(pairs[0, 1])), vector + 0.3 * steps[1], **close)
    moved, changed = (each + FLOOR * each.mean() for each in squares)
    for scale, inverse in ((history.scaled, np.ones(size)), (history.scaled_by_diagonal, np.sqrt(moved / changed))):
        y = changes[1]
        middle = (vector + factors @ changes) * inverse * 0.7 / (y @ (inverse * y))
        scaled, along = scale(given(vector), factors, 1, 0.7)
        np.testing.assert_allclose(scaled, middle, **close)
        np.testing.assert_allclose(along, changes @ middle, **summed)
        np.testing.assert_allclose(history.direction(scaled, factors), -(middle + factors @ steps), **close)
    direction = pairs[1, 2]
    expected = [direction.astype(float) @ vector, changes[2] @ changes[2]]
    np.testing.assert_allclose(history.course(given(direction), given(vector)), expected, **summed)

    ends = RANDOM.normal(size=(4, size)).astype(np.float32)
    point, trial, before, gradient = ends
    s, y = (trial - point).astype(float), (gradient - before).astype(float)
    tensors = [given(each) for each in ends]
    np.testing.assert_allclose(history.turn(*tensors), [s @ s, s @ y, y @ y], **summed)
    on_change, on_gradient = history.remember(2, *tensors, 0.25)
    np.testing.assert_allclose(on_change, [*(steps[:2] @ y), s @ y], **summed)
    np.testing.assert_allclose(on_gradient, [*(steps[:2] @ gradient), s @ gradient], **summed)
    kept, sums = history.state()
    np.testing.assert_allclose(kept, [[*steps[:2], s], [*changes[:2], y]], **close)
    np.testing.assert_allclose(sums, FADING * squares + np.square([s, y]) / 0.25, **close)


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_stay_tensors_and_are_never_overwritten(kind: Any) -> None:
    optimizer = begun(kind)
    seen = []
    for _ in range(9):
        trial = optimizer.ask()
        assert tf.is_tensor(trial)
        seen.append((trial, trial.numpy().copy()))
        value, gradient = wavy(trial)
        optimizer.tell(value, tf.constant(gradient))
        assert tf.is_tensor(optimizer.point)
    for trial, values in seen:
        np.testing.assert_array_equal(trial, values)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_same_to_the_bit_again(kind: Any) -> None:
    one, two = advance(begun(kind), 25).state(), advance(begun(kind), 25).state()
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name], name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [0, 1, 4, 11])
def test_a_restored_state_continues_to_the_bit(kind: Any, cut: int) -> None:
    whole = advance(begun(kind), 20)
    second = begun(kind, np.zeros_like(START))
    second.restore(advance(begun(kind), cut).state())
    np.testing.assert_array_equal(advance(second, 20 - cut).state()["trial"], whole.state()["trial"])


@pytest.mark.parametrize(("first", "second"), list(permutations([HostHistory, *KINDS], 2)))
def test_either_kind_continues_the_others_search(first: Any, second: Any) -> None:
    stopped = advance(begun(first), 10).state()
    value = stopped["value"]
    other = begun(second, np.zeros_like(START))
    other.restore(stopped)
    advance(other, 15)
    advance(begun(first), 10)
    assert other.state()["value"] == pytest.approx(advance(begun(first), 25).state()["value"], rel=1e-3)
    assert other.state()["value"] < value
    for name, array in advance(begun(first), 10).state().items():
        np.testing.assert_array_equal(stopped[name], array, f"{name}: the state that was handed on has changed")


ON_ANOTHER_DEVICE = """
import numpy as np
from tfstyle.tensorflow_backend import tf
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], halves)
from tfstyle.optimizers.device_history import DeviceHistory
from tfstyle.optimizers.lbfgs import LBFGS
stiffness = np.linspace(1, 9, 1000).astype(np.float32)
with tf.device("CPU:1"):
    optimizer = LBFGS(np.ones(1000, np.float32), 4, DeviceHistory)
    for _ in range(9):
        trial = optimizer.ask()
        optimizer.tell(float(tf.reduce_sum(stiffness * trial**2)), 2 * stiffness * trial)
history = optimizer._history
vectors = [optimizer.point, optimizer.ask(), optimizer._gradient, optimizer._direction]
vectors += [*history._steps, *history._changes, history._moved, history._changed]
print({vector.device.rpartition(":")[2] for vector in vectors}, float(tf.reduce_sum(optimizer.point**2)) < 1)
"""


@pytest.mark.slow
def test_all_vectors_are_on_the_device_that_computes() -> None:
    """On the second of two devices, into which TensorFlow divides the processor."""
    ended = subprocess.run([sys.executable, "-c", ON_ANOTHER_DEVICE], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "{'1'} True"


def test_unused_slots_take_no_memory_of_their_own() -> None:
    history = DeviceHistory(20, 10)
    assert len({id(each) for each in (*history._steps, *history._changes)}) == 1
    assert isinstance(HostHistory(20, 10).state()[0], np.ndarray)
