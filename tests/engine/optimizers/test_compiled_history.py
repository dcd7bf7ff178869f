"""What holds for the compiled vectors of L-BFGS alone; `test_device_history.py` has what all kinds share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfstyle.optimizers import compiled_history
from tfstyle.optimizers.compiled_history import CompiledHistory
from tfstyle.optimizers.history import HostHistory
from tfstyle.tensorflow_backend import tf

SIZE = 5000
RANDOM = np.random.default_rng(5)


def arguments(history: CompiledHistory, name: str) -> list[Any]:
    steps, changes = history._pairs
    slot, number = tf.constant(1), tf.constant(1.0)
    vectors = [tf.zeros([SIZE])] * 4
    factors = tf.zeros([3])
    return {
        "_remember": [steps, changes, *history._squares, slot, *vectors, number],
        "_scaled": [changes, vectors[0], factors, slot, number],
        "_scaled_by_diagonal": [changes, *history._squares, vectors[0], factors, slot, number],
    }[name]


@pytest.mark.parametrize("name", ["_remember", "_scaled", "_scaled_by_diagonal"])
def test_a_size_is_compiled_once_for_all_slots(name: str) -> None:
    """The slot is an argument of the compiled code. What XLA must know beforehand would be a part of it."""
    function = getattr(compiled_history, name)
    code = function.experimental_get_compiler_ir(*arguments(CompiledHistory(3, SIZE), name))(stage="hlo")
    assert "= s32[] parameter(" in code


def test_sums_over_long_vectors_are_as_exact_as_blas() -> None:
    """Of two million numbers. Added up one after the other they are wrong by more than 1e-5."""
    size = 2_000_003
    pairs, vector = RANDOM.uniform(size=(2, 2, size)).astype(np.float32), RANDOM.uniform(size=size).astype(np.float32)
    exact = pairs[0].astype(float) @ vector
    for kind in (HostHistory, CompiledHistory):
        history = kind(2, size)
        history.restore(pairs, np.zeros((2, size), np.float32))
        np.testing.assert_allclose(history.along_steps(history.vector(vector)), exact, rtol=2e-6)
        np.testing.assert_allclose(
            history.dot(history.vector(vector), history.vector(pairs[0, 0])), exact[0], rtol=2e-6
        )
