"""What a party in another process answers."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from tfstyle import OutOfMemoryError
from tfstyle.exhaustion import explained_exhaustion
from tfstyle.tensorflow_backend import tf
from tfstyle.tiled.answers import answer_of, answered


def full(_: object) -> None:
    raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")


def test_a_value_comes_through() -> None:
    assert answer_of(pickle.loads(pickle.dumps(answered(np.square, 3)))) == 9


def test_memory_that_ran_out_elsewhere_is_told_as_if_it_were_here() -> None:
    answer = pickle.loads(pickle.dumps(answered(full, None)))
    with pytest.raises(OutOfMemoryError, match=r"^memory: x$"), explained_exhaustion(lambda: "memory: x"):
        answer_of(answer)


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(RuntimeError, match=r"^KeyError: 'a'$"):
        answer_of(answered({}.__getitem__, "a"))
