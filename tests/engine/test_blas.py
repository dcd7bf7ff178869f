"""NumPy's products on one core, and on all of them again afterwards."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from tfstyle.blas import without_blas_threads


def blas_threads() -> list[int]:
    return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]


@pytest.fixture(autouse=True)
def _several_threads() -> None:
    np.ones((2, 2)) @ np.ones((2, 2))
    if not any(count > 1 for count in blas_threads()):
        pytest.skip("NumPy's BLAS has one thread here, or is none that threadpoolctl knows")


def test_blas_has_one_thread_within_and_as_many_as_before_afterwards() -> None:
    before = blas_threads()
    with without_blas_threads():
        assert set(blas_threads()) == {1}
    assert blas_threads() == before


def test_two_threads_do_not_leave_the_limit_behind() -> None:
    """Entered by turns, the later one would find the limit of the earlier one, and set it again at its end."""
    before, inside = blas_threads(), threading.Event()

    def other() -> None:
        inside.wait(10)
        with without_blas_threads():
            pass

    thread = threading.Thread(target=other)
    thread.start()
    with without_blas_threads():
        inside.set()
        thread.join(0.2)
        assert thread.is_alive()
    thread.join(10)
    assert not thread.is_alive()
    assert blas_threads() == before
